import request from 'supertest'
import { expect, test } from 'vitest'
import { catalogue as errors } from '../../../src/errors/catalogue.ts'
import { createSurface } from '../surface.tsx'

const { app } = createSurface()
const read = async (path: string, language: string): Promise<string> =>
  (await request(app).get(path).set({ Accept: 'text/html', 'Accept-Language': language })).text

test('the documentation says of its English parts that they are English, whatever language the page is in', async () => {
  const routes = await read('/docs', 'pt-BR')
  expect(routes).toContain('<html lang="pt-BR">')
  expect(routes).toMatch(/<h2 lang="en">Documentation<\/h2>/)
  expect(routes).toContain('<p lang="en">Every event and who hears it</p>')
  expect(await read('/docs/events', 'pt-BR')).toContain('<dl lang="en">')
})

test.each(['en', 'pt-BR'])('every error is explained in %s with its gaps shown as gaps', async (language) => {
  for (const code of Object.keys(errors)) expect(await read(`/docs/errors/${code}`, language)).not.toMatch(/\{\w+\}/)
  expect(await read('/docs/errors/provider_unavailable', language)).toContain('«provider»')
})
