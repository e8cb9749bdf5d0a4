import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseUrl } from '../../src/kernel/parse-url.ts'
import { inTree } from '../support/program.ts'

test('a URL is parsed, and any other text is none', () => {
  expect(parseUrl('https://a.example/b')?.href).toBe('https://a.example/b')
  expect(parseUrl('/c', new URL('https://a.example/b'))?.href).toBe('https://a.example/c')
  for (const text of ['', 'a.example', '/b', 'https://']) expect([text, parseUrl(text)]).toEqual([text, undefined])
})

test('a host with a letter outside of ASCII is parsed each time, however often', () => {
  // `URL.canParse` began to refuse it after some thousand calls.
  let refused = 0
  for (let n = 0; n < 50_000; n++)
    if (parseUrl('https://b\u00fcro.example')?.hostname !== 'xn--bro-hoa.example') refused++
  expect(refused).toBe(0)
})

test('no source uses URL.canParse', () => {
  const files = readdirSync(inTree('src'), { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name))
  const using = files.filter((name) => readFileSync(join(inTree('src'), name), 'utf8').includes('URL.canParse('))
  expect(using).toEqual([])
})
