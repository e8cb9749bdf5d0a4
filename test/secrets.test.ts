import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemRandom } from '../src/kernel/ids.ts'
import { generatedKeys } from '../src/secrets.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vinculum-secrets-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

test('a machine without configuration gets a key once, and keeps it', () => {
  const file = join(directory, 'data', 'encryption-keys')
  const first = generatedKeys(file, systemRandom)
  const second = generatedKeys(file, systemRandom)
  expect(first.fresh).toBe(true)
  expect(second.fresh).toBe(false)
  expect(second.keys).toEqual(first.keys)
  expect(first.keys[0].key).toHaveLength(32)
})

test('the generated key is readable by its owner only, and no other file is left', () => {
  const file = join(directory, 'data', 'encryption-keys')
  generatedKeys(file, systemRandom)
  generatedKeys(file, systemRandom)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(join(directory, 'data')).mode & 0o777).toBe(0o700)
  expect(readdirSync(join(directory, 'data'))).toEqual(['encryption-keys'])
})
