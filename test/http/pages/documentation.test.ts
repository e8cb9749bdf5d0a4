import request from 'supertest'
import { expect, test } from 'vitest'
import { createSurface } from '../surface.tsx'

const { app } = createSurface()
const read = async (path: string, language: string): Promise<string> =>
  (await request(app).get(path).set({ Accept: 'text/html', 'Accept-Language': language })).text

test('the documentation marks its English parts as English in every page language', async () => {
  const routes = await read('/docs', 'pt-BR')
  expect(routes).toContain('<html lang="pt-BR">')
  expect(routes).toMatch(/<h2 lang="en">Documentation<\/h2>/)
  expect(routes).toContain('<p lang="en">Every event and who hears it</p>')
  expect(await read('/docs/events', 'pt-BR')).toContain('<dl lang="en">')
})

test.each([
  ['en', 'Signed in recently · Answers: nothing', 'Anybody, signed in or not · Answers: JSON'],
  ['pt-BR', 'Com login recente · Respostas: nada', 'Qualquer pessoa, com ou sem login · Respostas: JSON'],
])('every route names in %s who may call it and what it returns', async (language, recent, open) => {
  const text = await read('/docs', language)
  const said = (name: string): string | undefined =>
    new RegExp(`<code>${name}</code></h3><p lang="en">[^<]*</p><p>(.*?)</p>`).exec(text)?.[1]
  expect([said('DELETE /mine/recent'), said('GET /things/:id')]).toEqual([recent, open])
  expect(text).not.toMatch(/<code>(none|public|user|recent)<\/code>/)
})
