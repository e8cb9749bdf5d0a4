import { expect, test } from 'vitest'
import { readLocale, wantsHtml } from '../../src/http/locale.ts'

test.each([
  [undefined, undefined],
  ['', undefined],
  ['*', undefined],
  ['de', undefined],
  ['pt-BR', 'pt-BR'],
  ['pt', 'pt-BR'],
  ['PT-pt', 'pt-BR'],
  ['en-GB,en;q=0.9', 'en'],
  ['pt-BR,pt;q=0.9,en;q=0.8', 'pt-BR'],
  ['en;q=0.8, pt-BR;q=0.9', 'pt-BR'],
  ['pt;q=0, en;q=0.1', 'en'],
  ['pt;q=0', undefined],
  ['de, pt;q=0.5', 'pt-BR'],
  ['en, pt-BR', 'en'],
  ['pt-BR;q=nonsense', 'pt-BR'],
  ['ptx', undefined],
])('the language that %j states is %s', (header, locale) => {
  expect(readLocale(header)).toBe(locale)
})

test.each([
  [undefined, 'its default'],
  ['*/*', 'its default'],
  ['image/png', 'its default'],
  ['text/html', 'a page'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'a page'],
  ['application/json', 'JSON'],
  ['application/json, text/html;q=0.9', 'JSON'],
  ['application/json;q=0.5, text/html', 'a page'],
  ['text/html;q=0, application/json;q=0.1', 'JSON'],
])('a client that accepts %j gets %s', (header, answered) => {
  const expected = { 'a page': [true, true], JSON: [false, false], 'its default': [true, false] }[answered]
  expect([wantsHtml(header, true), wantsHtml(header, false)]).toEqual(expected)
})
