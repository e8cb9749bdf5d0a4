import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import request from 'supertest'
import { afterAll, expect, test } from 'vitest'
import { referenceFiles } from '../../src/http/reference-files.ts'
import { packageFile } from '../../src/http/static.ts'
import { createSurface } from './surface.tsx'

const folder = mkdtempSync(join(tmpdir(), 'vinculum-static-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const text = 'a line of text\n'.repeat(20_000)
const file = packageFile({ folder, version: '1.2.3' }, 'large.js', 'text/javascript; charset=utf-8')
const surface = createSurface({ staticFiles: [file] })

test('a file of a package has the version in its name and is read when it is requested', async () => {
  expect(file).toMatchObject({ path: '/static/large.1.2.3.js' })
  expect(file).not.toHaveProperty('body')
  writeFileSync(join(folder, 'large.js'), text)
  const answer = await request(surface.app).get(file.path)
  expect([answer.status, answer.text.length]).toEqual([200, text.length])
  expect(answer.headers).toMatchObject({
    'cache-control': 'public, max-age=31536000, immutable',
    'content-length': String(text.length),
    'content-type': 'text/javascript; charset=utf-8',
    'content-security-policy': expect.stringContaining("default-src 'none'"),
  })
  const head = await request(surface.app).head(file.path)
  expect([head.status, head.headers['content-length'], head.text]).toEqual([200, String(text.length), undefined])
  expect((await request(surface.app).post(file.path)).status).toBe(405)
})

test('a file that is missing is an internal error, not half a response', async () => {
  rmSync(join(folder, 'large.js'))
  const { status, body } = await request(surface.app).get(file.path)
  expect([status, body.code]).toEqual([500, 'internal'])
  expect(surface.defects).toHaveLength(1)
})

test('the files of Swagger UI stay on disk, and only our own small files are in memory', () => {
  const inMemory = referenceFiles.flatMap(({ path, body }) => (body ? [{ path, size: body.length }] : []))
  expect(inMemory.map(({ path }) => path.replace(/\.[0-9a-f]{16}\./, '.'))).toEqual([
    '/static/reference.css',
    '/static/reference.js',
  ])
  for (const { size } of inMemory) expect(size).toBeLessThan(20_000)
})

test('a file in memory is compressed for a client that accepts gzip', async () => {
  const [style] = referenceFiles.filter(({ path }) => path.endsWith('.css') && path.includes('reference'))
  if (!style?.body) throw new Error('no stylesheet')
  const { app } = createSurface({ staticFiles: [] })
  for (const [accepted, encoding] of [
    ['gzip, deflate, br', 'gzip'],
    ['br;q=1, gzip;q=0.5', 'gzip'],
    ['gzip;q=0', undefined],
    ['identity', undefined],
    ['*', undefined],
  ] as const) {
    const { headers, text: body } = await request(app).get(style.path).set('Accept-Encoding', accepted)
    expect([accepted, headers['content-encoding'], headers.vary]).toEqual([accepted, encoding, 'Accept-Encoding'])
    expect(body ?? '').toBe(style.body.toString())
    expect(Number(headers['content-length']) < style.body.length).toBe(encoding === 'gzip')
  }
})
