import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSecretFile } from '../../src/settings/secret-file.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vinculum-secret-file-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const file = (content: string | Uint8Array): string => {
  const path = join(folder, 'secret')
  writeFileSync(path, content)
  return path
}

test('a secret is the text of its file without the final line break', () => {
  for (const content of ['s3cret', 's3cret\n', 's3cret\r\n'])
    expect(readSecretFile(file(content))).toEqual({ ok: true, value: 's3cret' })
})

test('one line break is removed, and nothing else is changed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
      const whole = text.toWellFormed()
      fc.pre(!/[\r\n]$/.test(whole))
      expect(readSecretFile(file(`${whole}\n`))).toEqual({ ok: true, value: whole })
    }),
  )
  expect(readSecretFile(file('\ufeffs3cret\n\n'))).toEqual({ ok: true, value: '\ufeffs3cret\n' })
})

test('a file behind symbolic links is read, as Kubernetes mounts them', () => {
  const link = join(folder, 'link')
  symlinkSync(file('s3cret'), link)
  expect(readSecretFile(link)).toEqual({ ok: true, value: 's3cret' })
})

test('an unusable file is rejected with the reason, and without its path', () => {
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const circle = join(folder, 'circle')
  symlinkSync(circle, circle)
  mkdirSync(join(folder, 'directory'))
  const refused: [string, RegExp][] = [
    [join(folder, 'missing'), /^cannot be read: there is no such file$/],
    [join(folder, 'secret', 'below'), /^cannot be read: there is no such file$/],
    [circle, /^cannot be read: its symbolic links lead in a circle$/],
    [join(folder, 'directory'), /^is a directory; name the file in it$/],
    // A pipe without a writer: reading would never end.
    [pipe, /^is not a regular file$/],
    ['/dev/zero', /^is not a regular file$/],
    ['\0', /^cannot be read: /],
  ]
  file('x')
  for (const [path, reason] of refused) {
    const read = readSecretFile(path)
    expect(read).toEqual({ ok: false, error: expect.stringMatching(reason) })
    expect(JSON.stringify(read)).not.toContain(folder)
  }
  for (const [content, reason] of [
    ['', 'is empty'],
    ['\n', 'is empty'],
    [new Uint8Array([0x66, 0xff, 0xfe]), 'is not UTF-8 text'],
    ['x'.repeat(65_537), 'is longer than 65536 bytes'],
  ] as const)
    expect(readSecretFile(file(content))).toEqual({ ok: false, error: reason })
})
