import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { documents } from '../../docs/generate.ts'

test.each(Object.entries(documents))('%s says what the code says (npm run docs)', (file, text) => {
  expect(readFileSync(file, 'utf8')).toBe(text)
})

const written = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'docs/accounts.md',
  'docs/flows.md',
  'docs/operating.md',
  'docs/provider-tokens.md',
  'docs/teams.md',
]

/** What a heading is called in an address, as GitHub does it. */
const slugsIn = (file: string): readonly string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )

test.each([...written, 'docs/ways-in.md'])('%s points at files that exist, and at headings in them', (file) => {
  const links = readFileSync(file, 'utf8').matchAll(/\]\(([^)#:]*)(?:#([^)]*))?\)/g)
  for (const [link, path = '', heading] of links) {
    const target = path === '' ? file : join(dirname(file), path)
    expect(() => readFileSync(target), link).not.toThrow()
    if (heading !== undefined) expect(slugsIn(target), link).toContain(heading)
  }
})
