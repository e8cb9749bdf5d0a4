/** `/openapi.json` by the rules it is written by: everything is described, has an example, and stands once. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { catalogue as errors } from '../../src/errors/catalogue.ts'
import { apiRoutes } from '../../src/http/api/index.ts'
import { documentation } from '../../src/http/docs.tsx'
import { examples } from '../../src/http/openapi/examples.ts'
import { operationIdOf } from '../../src/http/openapi/outcomes.ts'
import { openapi } from '../../src/http/openapi.ts'
import { pageRoutes } from '../../src/http/pages/index.ts'
import { createProblems } from '../../src/http/problem.ts'
import type { Route } from '../../src/http/route.ts'

type Node = { readonly [key: string]: unknown }
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value)

const publicUrl = new URL('https://id.example.org')
const describeError = createProblems({ publicUrl, recentAuthSeconds: 600 })
const routes: readonly Route<never>[] = [
  ...apiRoutes,
  ...pageRoutes,
  ...documentation({
    routes: () => routes,
    publicUrl,
    version: '1.0.0',
    stylesheet: undefined,
    sessionCookie: '__Host-session',
    describe: describeError,
  }),
]
const info = { version: '1.0.0', publicUrl, sessionCookie: '__Host-session', describe: describeError, examples }
const api: Node = openapi(routes, info)
const pages: Node = openapi(routes, { ...info, document: 'pages' })

const follow = (document: Node, node: unknown): unknown => {
  if (!isNode(node) || typeof node.$ref !== 'string') return node
  const target = node.$ref
    .slice(2)
    .split('/')
    .reduce<unknown>((at, key) => (at as Node)[key], document)
  return { ...(target as Node), ...node }
}

/** Calls `visit` with every object of the document and where it is; what an example holds is data. */
function walk(node: unknown, visit: (node: Node, path: readonly string[]) => void, path: readonly string[] = []): void {
  if (Array.isArray(node)) for (const [index, each] of node.entries()) walk(each, visit, [...path, String(index)])
  if (!isNode(node)) return
  visit(node, path)
  for (const [name, inner] of Object.entries(node)) if (name !== 'examples') walk(inner, visit, [...path, name])
}

/** Where a description is missing. */
function undescribed(document: Node): readonly string[] {
  const missing: string[] = []
  const look = (path: readonly string[], node: unknown): void => {
    const { description } = follow(document, node) as Node
    if (typeof description !== 'string' || !/\S{2}/.test(description)) missing.push(path.join(' › '))
  }
  const eachOf = (path: readonly string[], nodes: unknown): void => {
    for (const [name, node] of Object.entries((nodes ?? {}) as Node)) look([...path, name], node)
  }
  const { tags, servers } = document as Record<string, Node>
  const components = document.components as Readonly<Record<string, Node>> | undefined
  // A request body is described by its schema.
  for (const part of Object.keys(components ?? {}).filter((name) => name !== 'requestBodies'))
    eachOf(['components', part], components?.[part])
  eachOf(['tags'], tags)
  eachOf(['servers'], servers)
  walk(document, (node, path) => {
    if (isNode(node.responses) && path[0] === 'paths') {
      look(path, node)
      eachOf([...path, 'responses'], node.responses)
    }
    if (Array.isArray(node.parameters)) eachOf([...path, 'parameters'], node.parameters)
    // A property may itself be called `properties`; its schema is not a list of schemas.
    if (!isNode(node.properties) || path.at(-1) === 'properties') return
    // An error narrows properties of the problem, which describes them.
    const problem = components?.schemas?.Problem as { properties: Node } | undefined
    const described = path[1] === 'responses' && path.at(-2) === 'allOf' ? Object.keys(problem?.properties ?? {}) : []
    const own = Object.entries(node.properties).filter(([name]) => !described.includes(name))
    eachOf([...path, 'properties'], Object.fromEntries(own))
  })
  return missing
}

describe('everything has a description', () => {
  test('every operation, parameter, property, response, header, scheme and tag of the API', () => {
    expect(undescribed(api)).toEqual([])
  })
  test('every operation, parameter, property and response of the pages', () => {
    expect(undescribed(pages)).toEqual([])
  })
  test('no heading is left without a text of its own', () => {
    const named = [api, pages].flatMap((document) => document.tags as { name: string; description: string }[])
    expect(named.filter(({ name, description }) => name === description)).toEqual([])
  })
  test('an operation of the API says more than its summary, in whole sentences', () => {
    const bare = routes.filter(({ surface, reply, reference }) => surface === 'api' || reply || reference === 'api')
    const short = bare.filter(
      ({ description = '', summary }) => !/^[A-Z`].*\.$/.test(description) || description === `${summary}.`,
    )
    expect(short.map(operationIdOf)).toEqual([])
  })
  test('a summary is a heading: short and without a full stop', () => {
    const long = routes.filter(
      ({ surface, summary }) =>
        surface === 'api' && (summary.length > 45 || summary.endsWith('.') || summary.includes(',')),
    )
    expect(long.map(({ summary }) => summary)).toEqual([])
  })
})

describe('every operation has examples', () => {
  const schemas = JSON.parse(
    JSON.stringify((api.components as Node).schemas).replaceAll('#/components/schemas/', '#/$defs/'),
  )
  const readers = new Map<string, z.ZodType>()
  const read = (schema: unknown, value: unknown): string | undefined => {
    const text = JSON.stringify(schema).replaceAll('#/components/schemas/', '#/$defs/')
    const known = readers.get(text) ?? z.fromJSONSchema({ ...JSON.parse(text), $defs: schemas })
    readers.set(text, known)
    const result = known.safeParse(value)
    return result.success ? undefined : z.prettifyError(result.error)
  }
  type Media = { readonly schema: Node; readonly examples?: Readonly<Record<string, { readonly value: unknown }>> }
  type Body = { readonly content?: Readonly<Record<string, Media>>; readonly required?: boolean }
  const operations = Object.values(api.paths as Record<string, Record<string, Node>>).flatMap((each) =>
    Object.values(each),
  ) as unknown as readonly {
    readonly operationId: string
    readonly requestBody?: Body
    readonly responses: Readonly<Record<string, Body>>
  }[]
  const valuesOf = ({ content = {} }: Body) =>
    Object.entries(content).flatMap(([type, { schema, examples: given = {} }]) =>
      Object.values(given).map(({ value }) => ({ type, schema, value })),
    )
  /** The bytes of a file have no fields to show. */
  const isFile = ({ schema }: { schema: unknown }): boolean => 'contentMediaType' in (schema as Node)
  const fieldsOf = ({ content = {} }: Body): number =>
    Object.values(content)
      .filter((each) => !isFile(each))
      .flatMap(({ schema }) => Object.keys((follow(api, schema) as Node).properties ?? schema)).length

  test('a request with fields and a response with a body', () => {
    const without: string[] = []
    for (const { operationId, requestBody: given, responses } of operations) {
      const requestBody = given && (follow(api, given) as Body)
      if (requestBody && fieldsOf(requestBody) > 0 && valuesOf(requestBody).length === 0)
        without.push(`${operationId} request`)
      for (const [status, response] of Object.entries(responses)) {
        const { content = {} } = follow(api, response) as Body
        const isBody = Object.keys(content).some((type) => !type.startsWith('text/html'))
        if (isBody && valuesOf(follow(api, response) as Body).length === 0) without.push(`${operationId} ${status}`)
      }
    }
    expect(without).toEqual([])
  })
  test('each of which is valid', () => {
    const wrong: string[] = []
    let checked = 0
    for (const { operationId, requestBody = {}, responses } of operations) {
      const bodies = [
        follow(api, requestBody) as Body,
        ...Object.values(responses).map((response) => follow(api, response) as Body),
      ]
      for (const { type, schema, value } of bodies.flatMap(valuesOf)) {
        checked++
        const error = type.includes('json') ? read(schema, value) : undefined
        if (error !== undefined) wrong.push(`${operationId} ${type}: ${error}`)
      }
    }
    expect(wrong).toEqual([])
    expect(checked).toBeGreaterThan(100)
  })
  test('with no secret in it, nothing of this machine, and no example of an operation that is gone', () => {
    const text = JSON.stringify(examples)
    expect(text).not.toMatch(/localhost|127\.0\.0\.1|[0-9a-f]{40}|gh[our]_\w{8}|ya29\.|ATOA/)
    const ids = new Set(routes.map(operationIdOf))
    expect(Object.keys(examples).filter((id) => !ids.has(id))).toEqual([])
  })
})

describe('nothing stands twice', () => {
  test('an object with three fields or more, a parameter with a description of its own, a response of an error', () => {
    const seen = new Map<string, string>()
    const twice: string[] = []
    walk(api, (node, path) => {
      const isObject = isNode(node.properties) && Object.keys(node.properties).length >= 3
      const isError = path[0] === 'paths' && 'application/problem+json' in node
      if (!isObject && !isError) return
      const text = JSON.stringify(node)
      const before = seen.get(text)
      if (before) twice.push(`${path.join(' › ')} is ${before}`)
      seen.set(text, path.join(' › '))
    })
    expect(twice).toEqual([])
  })
  test('nor a response or a request body whose schema has a name', () => {
    const seen = new Set<string>()
    const twice: string[] = []
    walk(api.paths, (node, path) => {
      if (!isNode(node.content) || JSON.stringify(node.content).includes('"properties"')) return
      const text = JSON.stringify(node, (key, value: unknown) => (key === 'examples' ? undefined : value))
      if (seen.has(text) && text.includes('$ref')) twice.push(path.join(' › '))
      seen.add(text)
    })
    expect(twice).toEqual([])
  })
  test('nor an error of every operation: each names those of its own, and one default for the others', () => {
    const everywhere = ['413', '415', '431', '500']
    for (const item of Object.values(api.paths as Record<string, Record<string, Node>>))
      for (const { responses } of Object.values(item)) {
        const statuses = Object.keys(responses as Node)
        expect(statuses).toContain('default')
        expect(statuses.filter((status) => everywhere.includes(status))).toEqual([])
      }
  })
  test('so that the document stays small: two kibibytes for each operation', () => {
    const count = Object.values(api.paths as Record<string, object>).flatMap(Object.keys).length
    expect(Buffer.byteLength(JSON.stringify(api)) / count).toBeLessThan(2048)
  })
})

test('a problem describes every field that only some errors have', () => {
  const { properties } = ((api.components as Node).schemas as Node).Problem as { properties: Node }
  const extra = Object.values(errors).flatMap((row): readonly string[] => ('extra' in row ? row.extra : []))
  expect(extra.length).toBeGreaterThan(3)
  expect(Object.keys(properties)).toEqual(expect.arrayContaining(extra))
})

test('the document names its license, its server and a security scheme for each operation', () => {
  expect(api.info).toMatchObject({ license: { identifier: 'MIT' } })
  expect(api.info).not.toHaveProperty('contact')
  expect(api.servers).toMatchObject([{ url: 'https://id.example.org' }])
  expect(openapi(routes, { ...info, publicUrl: new URL('http://localhost:3000') }).servers).toMatchObject([
    { url: '/' },
  ])
  const schemes = new Set(Object.keys((api.components as Node).securitySchemes as Node))
  walk(api.paths, (node) => {
    if (!isNode(node.responses)) return
    expect(node.security).toBeInstanceOf(Array)
    for (const each of node.security as Node[]) for (const name of Object.keys(each)) expect(schemes).toContain(name)
  })
})

test('no start waits for what writes it: the modules are loaded at the first request', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file))
  const late =
    /^(?:import|export)(?! type)[^'\n]*from '[^']*(?:openapi|openapi\/(?:components|examples|failures|tags))\.ts'/m
  const early = files.filter((file) => late.test(readFileSync(join('src', file), 'utf8')))
  // It is itself loaded late.
  expect(early).toEqual(['http/openapi.ts'])
})

test('it is written when it is first asked for, and once', async () => {
  let asked = 0
  const own = documentation({
    routes: () => {
      asked++
      return routes
    },
    publicUrl,
    version: '1.0.0',
    stylesheet: undefined,
    sessionCookie: 'session',
    describe: describeError,
  })
  const answer = own.find(({ path }) => path === '/openapi.json')
  expect(asked).toBe(0)
  await Promise.all([1, 2, 3].map(() => answer?.handle({} as never, {} as never)))
  expect(asked).toBe(1)
})
