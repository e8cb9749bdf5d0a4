import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { documents } from '../../docs/generate.ts'

test.each(Object.entries(documents))('%s matches the code (npm run docs)', (file, text) => {
  expect(readFileSync(file, 'utf8')).toBe(text)
})

const inFolder = readdirSync('docs', { recursive: true, encoding: 'utf8' })
  .map((file) => join('docs', file))
  .filter((file) => file.endsWith('.md'))
const written = ['README.md', 'README.pt-BR.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...inFolder]

const linksIn = (file: string): readonly (readonly [link: string, path: string, heading: string | undefined])[] =>
  [...readFileSync(file, 'utf8').matchAll(/\]\(([^)#:]*)(?:#([^)]*))?\)/g)].map(([link, path = '', heading]) => [
    link,
    path === '' ? file : join(dirname(file), path),
    heading,
  ])

/** The anchor of a heading, as GitHub builds it. */
const slugsIn = (file: string): readonly string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )

test.each(written)('%s links to existing files and headings', (file) => {
  for (const [link, target, heading] of linksIn(file)) {
    expect(existsSync(target), link).toBe(true)
    if (heading !== undefined) expect(slugsIn(target), link).toContain(heading)
  }
})

test('every document in docs/ is reachable from the README', () => {
  const reached = new Set(['README.md'])
  for (const file of reached) for (const [, target] of linksIn(file)) if (inFolder.includes(target)) reached.add(target)
  expect(inFolder.filter((file) => !reached.has(file))).toEqual([])
})
