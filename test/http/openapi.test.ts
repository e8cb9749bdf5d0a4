import request from 'supertest'
import { describe, expect, test } from 'vitest'
import { catalogue as errors } from '../../src/errors/catalogue.ts'
import { eventCatalogue as events } from '../../src/events/catalogue.ts'
import { createSurface, routes } from './surface.tsx'

const surface = createSurface()
type Operation = {
  operationId: string
  parameters?: { name: string; in: string; required: boolean; schema: object }[]
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>
  security: object[]
  requestBody?: { required: boolean; content: Record<string, { schema: unknown }> }
}
type OpenApi = {
  openapi: string
  info: { version: string }
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, unknown>; responses: Record<string, unknown>; securitySchemes: object }
}
const read = async (path = '/openapi.json') => (await request(surface.app).get(path)).body as OpenApi
const readBoth = async () => [await read(), await read('/openapi.pages.json')]

describe('openapi.json', () => {
  test('together with the document of the pages lists every route once', async () => {
    const [api, pages] = await readBoth()
    expect([api?.openapi, api?.info.version, pages?.info.version]).toEqual(['3.1.0', '1.2.3', '1.2.3'])
    const named = [api, pages].flatMap((document) =>
      Object.entries(document?.paths ?? {}).flatMap(([path, each]) =>
        Object.keys(each).map((method) => `${method} ${path}`),
      ),
    )
    const declared = routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
    expect(named).toEqual(
      expect.arrayContaining([...declared, 'get /openapi.json', 'get /docs', 'get /docs/errors/{code}']),
    )
    expect(named).toHaveLength(declared.length + 6)
  })
  test('lists what programs call, and JSON of a page included, and leaves the rest to the pages', async () => {
    const [api, pages] = await readBoth()
    expect(Object.keys(api?.paths ?? {})).toEqual(expect.arrayContaining(['/token', '/mine', '/openapi.pages.json']))
    expect(Object.keys(api?.paths ?? {}).filter((path) => /^\/docs|form/.test(path))).toEqual([])
    expect(Object.keys(pages?.paths ?? {})).toEqual(expect.arrayContaining(['/pages/form', '/docs']))
  })
  test('declares every parameter of every path', async () => {
    for (const [path, operations] of Object.entries((await read()).paths)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      for (const { parameters = [] } of Object.values(operations)) {
        expect(parameters.filter((each) => each.in === 'path').map(({ name }) => name)).toEqual(inPath)
        for (const { schema, required, in: where } of parameters) {
          expect(schema).toBeTypeOf('object')
          if (where === 'path') expect(required).toBe(true)
        }
      }
    }
  })
  test('has no broken reference, and a unique name for every operation', async () => {
    const document = await read()
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
      ([, target]) => target as string,
    )
    expect(references).toContain('#/components/schemas/Thing')
    expect(references).toContain('#/components/schemas/Problem')
    for (const target of references) {
      const found = target
        .slice(2)
        .split('/')
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document)
      expect([target, typeof found]).toEqual([target, 'object'])
    }
    const ids = Object.values(document.paths).flatMap((each) =>
      Object.values(each).map(({ operationId }) => operationId),
    )
    expect(new Set(ids).size).toBe(ids.length)
  })
  test('describes each request, who may send it and which errors it can return', async () => {
    const [{ paths, components }, { paths: pages }] = (await readBoth()) as [OpenApi, OpenApi]
    const token = paths['/token']?.post as Operation
    expect(Object.keys(token.requestBody?.content ?? {})).toEqual([
      'application/json',
      'application/x-www-form-urlencoded',
    ])
    expect(token.responses[401]).toMatchObject({ $ref: '#/components/responses/Unauthorized' })
    expect(JSON.stringify([token.responses[401], components.responses.Unauthorized])).toContain('`token_reused`')
    expect(token.responses[200]?.content).toHaveProperty('application/json')
    expect(token.security).toEqual([])
    expect(paths['/mine']?.get?.security).toEqual([{ bearer: [] }, { cookie: [] }])
    expect(paths['/mine']?.delete?.responses).toHaveProperty('204')
    expect(paths['/things']?.post?.responses[201]).toEqual({ $ref: '#/components/responses/Thing' })
    expect(components.responses.Thing).toMatchObject({
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
    })
    expect(paths['/pages/mine']?.get?.responses).toHaveProperty('303')
    expect(pages['/pages/form']?.post?.requestBody?.content).toMatchObject({
      'application/x-www-form-urlencoded': { schema: { allOf: [{ required: ['csrf'] }, { required: ['name'] }] } },
    })
    for (const operations of Object.values(paths)) {
      for (const { responses } of Object.values(operations)) {
        expect(Object.keys(responses).length).toBeGreaterThan(1)
        for (const { description } of Object.values(responses)) expect(description).not.toBe('')
      }
    }
  })
})

describe('the documentation', () => {
  const see = async (path: string, language = 'en') =>
    request(surface.app).get(path).set('Accept', 'text/html').set('Accept-Language', language)
  test('lists every route without a script', async () => {
    const { text } = await see('/docs')
    for (const { paths } of [await read()])
      for (const [path, each] of Object.entries(paths))
        for (const method of Object.keys(each)) expect(text).toContain(`<code>${method.toUpperCase()} ${path}</code>`)
    expect(text).toMatch(/<noscript><p>.*<a href="\/openapi.json">/)
    for (const path of ['/', '/docs/errors', '/docs/events']) expect(text).toContain(`<a href="${path}"`)
    expect(text).not.toContain('style=')
  })
  test('the API reference has no inline script, and its files come from this service', async () => {
    const { text } = await see('/docs')
    const scripts = [...text.matchAll(/<script([^>]*)>([^<]*)<\/script>/g)]
    expect(scripts).toHaveLength(2)
    for (const [, attributes, content] of scripts) {
      expect(attributes).toMatch(/^ src="\/static\/[\w.-]+" defer$/)
      expect(content).toBe('')
    }
    expect(text).not.toMatch(/\son\w+=|<style/)
    for (const path of ['/docs/errors', '/docs/events']) expect((await see(path)).text).not.toContain('<script')
  })
  test('explains every error at the URL its problem type names', async () => {
    const { text } = await see('/docs/errors')
    for (const code of Object.keys(errors)) expect(text).toContain(`/docs/errors/${code}`)
    const { body } = await request(surface.app).get('/mine')
    const one = await see(new URL(body.type).pathname, 'pt-BR')
    expect([one.status, one.text.includes('Entre primeiro')]).toEqual([200, true])
    expect((await see('/docs/errors/toString')).status).toBe(404)
  })
  test('lists every event', async () => {
    const { text } = await see('/docs/events')
    for (const name of Object.keys(events)) expect(text).toContain(name)
  })
})
