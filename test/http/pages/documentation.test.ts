import request from 'supertest'
import { expect, test } from 'vitest'
import { createSurface } from '../surface.tsx'

const { app } = createSurface()
const read = async (path: string, language: string): Promise<string> =>
  (await request(app).get(path).set({ Accept: 'text/html', 'Accept-Language': language })).text

test('the documentation marks its English parts as English in every page language', async () => {
  const reference = await read('/docs', 'pt-BR')
  expect(reference).toContain('<html lang="pt-BR">')
  expect(reference).toContain('<summary lang="en">Documentation</summary>')
  expect(reference).toMatch(/<div id="reference" lang="en"/)
  expect(await read('/docs/events', 'pt-BR')).toContain('<dl lang="en">')
})

test('the contents name the tags in the order in which Swagger UI shows them', async () => {
  const { tags } = JSON.parse(await read('/openapi.json', 'en')) as { tags: { name: string }[] }
  const listed = [...(await read('/docs', 'en')).matchAll(/<summary lang="en">([^<]*)</g)].map(([, tag]) => tag)
  expect(listed).toEqual(tags.map(({ name }) => name))
})

test.each([
  ['en', 'Who can call it: users who signed in recently', 'Who can call it: anyone, signed in or not'],
  ['pt-BR', 'Quem pode chamar: pessoas com login recente', 'Quem pode chamar: qualquer pessoa, com ou sem login'],
])('every operation names in %s who can call it', async (language, recent, open) => {
  const text = await read('/docs', language)
  const accessOf = (operation: string): string | undefined =>
    new RegExp(`<li data-operation="${operation}">.*?<p class="access">(.*?)</p>`).exec(text)?.[1]
  expect([accessOf('delete /mine/recent'), accessOf('get /things/{id}')]).toEqual([recent, open])
})
