import { readFileSync } from 'node:fs'
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

test.each([...written, 'docs/ways-in.md'])('%s points at files that exist', (file) => {
  const folder = file.includes('/') ? 'docs/' : ''
  const links = [...readFileSync(file, 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, path]) => folder + path)
  for (const path of links) expect(() => readFileSync(path), path).not.toThrow()
})
