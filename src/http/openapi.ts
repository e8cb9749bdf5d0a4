import type { z } from 'zod'
import { acceptsOf, contentTypes } from './body.ts'
import { exampleOf } from './error-example.ts'
import { Components, type JsonValue } from './openapi/components.ts'
import { Failures, headers } from './openapi/failures.ts'
import { answersOf, operationIdOf } from './openapi/outcomes.ts'
import { Sharing } from './openapi/sharing.ts'
import { tags } from './openapi/tags.ts'
import type { Describe } from './problem.ts'
import { type AnswerKind, type Example, isForPrograms, type Route } from './route.ts'

type Info = {
  readonly version: string
  readonly publicUrl: URL
  /** The whole name of the session's cookie. */
  readonly sessionCookie: string
  /** How the service describes an error, for the examples of errors. */
  readonly describe: Describe
  /** `api` (unless stated): what programs call. `pages`: what people see in a browser. */
  readonly document?: 'api' | 'pages'
  /** Recorded requests and responses, by operation. */
  readonly examples?: Readonly<Record<string, Example>>
}

/** The OpenAPI 3.1 document, derived from the list of routes. */
export function openapi(routes: readonly Route<never>[], info: Info) {
  const { version, publicUrl, sessionCookie, describe, document = 'api', examples = {} } = info
  const components = new Components()
  // Only OAuth endpoints add the members of RFC 6749.
  const plainRoutes = routes.filter(({ oauth }) => oauth === undefined)
  const failures = new Failures(
    components,
    (code) => exampleOf(code, { locale: 'en', routes: plainRoutes, describe }).body,
  )
  const successes = new Sharing('responses')
  const bodies = new Sharing('requestBodies')
  const paths: Record<string, Record<string, JsonValue>> = {}
  const listed = routes.filter((route) => isForPrograms(route) === (document === 'api'))

  for (const route of listed) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    const operations = paths[path] ?? {}
    paths[path] = operations
    const operationId = operationIdOf(route)
    const example = { ...examples[operationId], ...route.example }
    const parameters = parametersOf(route, components)
    const body = bodyOf(route, components, example)
    const responses: Record<string, JsonValue> = {}
    const operation: Record<string, unknown> = {
      operationId,
      summary: route.summary,
      description: route.description ?? `${route.summary}.`,
      tags: [route.tag],
      ...securityOf(route),
      ...(parameters.length > 0 ? { parameters } : {}),
    }
    if (body) bodies.add(body, (value) => Object.assign(operation, { requestBody: value }))
    for (const [status, success] of successesOf(route, components, example)) {
      successes.add(success, (value) => Object.assign(responses, { [status]: value }))
    }
    Object.assign(responses, failures.of(route))
    operation.responses = responses
    operations[route.method] = operation
  }
  const requestBodies = bodies.finish()
  const errors = failures.finish()
  const responses = { ...successes.finish(Object.keys(errors)), ...errors }
  const used = new Set(listed.map(({ tag }) => tag))
  const text = JSON.stringify([paths, responses])
  const schemes = new Set(listed.flatMap((route) => securityOf(route).security.flatMap(Object.keys)))
  return components.shortened({
    openapi: '3.1.0',
    info: {
      title: document === 'api' ? 'Vinculum API' : 'Vinculum pages',
      version,
      summary: 'A self-hosted identity service',
      description: document === 'api' ? aboutApi : aboutPages,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [serverOf(publicUrl)],
    tags: [...used].sort().map((name) => ({ name, description: tags[name] ?? name })),
    paths,
    components: {
      securitySchemes: among(schemesOf(sessionCookie), (name) => schemes.has(name)),
      parameters: components.parameters,
      headers: among(headers, (name) => text.includes(`"#/components/headers/${name}"`)),
      responses,
      ...(Object.keys(requestBodies).length > 0 ? { requestBodies } : {}),
      schemas: components.schemas,
    },
  })
}

const aboutApi =
  'Sign-in, accounts, teams and provider connections over HTTP. ' +
  'Requests and responses are JSON. Times are RFC 3339 in UTC. An unknown field in a request is an error.\n\n' +
  'Errors are problem details (RFC 9457, `application/problem+json`). Their `code` is stable; ' +
  '`title` and `detail` are in English or Brazilian Portuguese, by `Accept-Language`. ' +
  'Each operation names the codes of its own by status. What any operation may respond with is its `default`. ' +
  '`/docs/errors` explains each code.\n\n' +
  'After 429 and 503, wait the number of seconds in `Retry-After`. ' +
  'Every response has `X-Request-Id`: include it in bug reports.\n\n' +
  'A browser’s session cookie works in place of an access token. ' +
  'A request that changes something with the cookie must come from the same origin.\n\n' +
  'The pages people see in a browser are described in `/openapi.pages.json`.'
const aboutPages =
  'The pages of Vinculum and their forms, as a browser uses them. Their addresses are stable, their markup is not. ' +
  'Programs use the API, which is described in `/openapi.json`.'

/** A local address is true on this machine only: the document is then read relative to where it came from. */
const serverOf = ({ hostname, origin }: URL): JsonValue =>
  hostname === 'localhost'
    ? { url: '/', description: 'The service this document comes from' }
    : { url: origin, description: 'This service (`PUBLIC_URL`)' }

const schemesOf = (sessionCookie: string) => ({
  bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'An access token of this service' },
  cookie: {
    type: 'apiKey',
    in: 'cookie',
    name: sessionCookie,
    description: 'The session of a browser that is signed in; set by the pages, and unreadable for scripts',
  },
  refresh: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'A refresh token' },
  registration: {
    type: 'http',
    scheme: 'bearer',
    description: 'An initial access token, or the token of a registration',
  },
  service: { type: 'http', scheme: 'basic', description: 'The ID and the secret of a service credential' },
  service_bearer: { type: 'http', scheme: 'bearer', description: '`<id>.<secret>` of a service credential' },
  metrics: { type: 'http', scheme: 'bearer', description: 'The value of `METRICS_TOKEN`, if it is set' },
  doctor: {
    type: 'http',
    scheme: 'bearer',
    description: 'A token that `npm start -- doctor` derives from `ENCRYPTION_KEYS`',
  },
})

/** The entries that are used. */
const among = (entries: JsonValue, isUsed: (name: string) => boolean): JsonValue =>
  Object.fromEntries(Object.entries(entries).filter(([name]) => isUsed(name)))

function securityOf({ auth, credential, scope }: Route<never>): { readonly security: readonly JsonValue[] } {
  const needed = scope === undefined ? [] : [scope]
  const either = [{ bearer: needed }, { cookie: needed }]
  if (credential === 'registration') return { security: [{ registration: [] }] }
  if (credential === 'metrics') return { security: [{ metrics: [] }, {}] }
  if (credential === 'doctor') return { security: [{ doctor: [] }] }
  if (credential === 'service') return { security: [{ service: [] }, { service_bearer: [] }] }
  if (credential === 'refresh') return { security: [{ refresh: [] }, { cookie: [] }, {}] }
  if (auth === 'none') return { security: [] }
  return { security: auth === 'public' ? [{}, ...either] : either }
}

/** What stands in the path is declared even where no schema reads it: without, the document would be wrong. */
function parametersOf(route: Route<never>, components: Components): readonly JsonValue[] {
  const inPath = fieldsOf(route.params, components)
  const names = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name as string)
  return [
    ...names.map((name) => ({
      name,
      in: 'path',
      required: true,
      schema: inPath.find((field) => field.name === name)?.schema ?? { type: 'string' },
    })),
    ...fieldsOf(route.query, components).map((field) => ({ ...field, in: 'query' })),
    ...Object.entries(route.headers ?? {}).map(([name, description]) => ({
      name,
      in: 'header',
      required: false,
      description,
      schema: { type: 'string' },
    })),
  ].map((parameter) => components.parameter(parameter))
}

function fieldsOf(schema: z.ZodType | undefined, components: Components) {
  if (!schema) return []
  type Node = { properties?: Record<string, JsonValue>; required?: string[]; anyOf?: Node[]; oneOf?: Node[] }
  const node = components.inline(schema, 'input') as Node
  const alternatives = node.anyOf ?? node.oneOf ?? [node]
  const found = new Map<string, { name: string; required: boolean; schema: JsonValue }>()
  for (const { properties = {}, required = [] } of alternatives) {
    for (const [name, field] of Object.entries(properties)) {
      const everywhere = alternatives.every((each) => each.required?.includes(name))
      if (!found.has(name)) found.set(name, { name, required: required.includes(name) && everywhere, schema: field })
    }
  }
  return [...found.values()]
}

function bodyOf(route: Route<never>, components: Components, { request }: Example): JsonValue | undefined {
  const accepts = acceptsOf(route)
  const form = route.surface === 'browser' && route.method !== 'get'
  if (!route.body && !form) return undefined
  const schema = route.body ? components.use(route.body, 'input') : { type: 'object', additionalProperties: false }
  const token = {
    type: 'object',
    properties: { csrf: { type: 'string', description: 'The hidden field of the form on the page' } },
    required: ['csrf'],
  }
  const content = contentTypes(accepts).map((type, index) => {
    // The bytes of a picture are the whole body.
    if (accepts.picture) return [type, { schema: { type: 'string', contentMediaType: type } }]
    const withToken = form && type !== 'application/json'
    const example = request === undefined || index > 0 ? {} : { examples: { example: { value: request } } }
    if (!withToken) return [type, { schema, ...example }]
    const filled = request === undefined ? {} : { examples: { example: { value: { csrf: '…', ...request } } } }
    return [type, { schema: route.body ? { allOf: [token, open(components, route.body)] } : token, ...filled }]
  })
  return { required: route.bodyOptional !== true, content: Object.fromEntries(content) }
}

/** The fields of a strict object together with others: `additionalProperties: false` would refuse the form's token. */
function open(components: Components, schema: z.ZodType): JsonValue {
  const { additionalProperties: _, ...rest } = components.inline(schema, 'input')
  return rest
}

type Success = { description: string; content?: JsonValue; headers?: JsonValue }

const defaultStatus = { json: 200, text: 200, page: 200, empty: 204, redirect: 303 } as const
const outcomes = {
  json: 'Success.',
  text: 'Success.',
  page: 'An HTML page.',
  empty: 'Success. There is no response body.',
  redirect: 'A redirect: `Location` is where to go next.',
} as const satisfies Record<AnswerKind, string>

function successesOf(route: Route<never>, components: Components, example: Example) {
  const found: Record<string, Success> = {}
  for (const kind of answersOf(route)) {
    const status = kind === 'json' || kind === 'text' ? (route.status ?? 200) : defaultStatus[kind]
    const before = found[status]
    const content = { ...before?.content, ...contentOf(kind, route, components, example) }
    const fields = { ...before?.headers, ...headersOf(kind, route) }
    found[status] = {
      description: before ? `${before.description} Or: ${outcomes[kind]}` : outcomeOf(kind, route),
      ...(Object.keys(content).length > 0 ? { content } : {}),
      ...(Object.keys(fields).length > 0 ? { headers: fields } : {}),
    }
  }
  return Object.entries(found)
}

/** What the schema of the reply is, or else that all went well. */
function outcomeOf(kind: AnswerKind, { reply }: Route<never>): string {
  const described = kind === 'json' ? reply?.description : undefined
  return described ? `${described.replace(/\.$/, '')}.` : outcomes[kind]
}

function contentOf(kind: AnswerKind, route: Route<never>, components: Components, { response }: Example): JsonValue {
  const example = response === undefined ? {} : { examples: { example: { value: response } } }
  if (kind === 'json' && route.reply) {
    return { 'application/json': { schema: components.use(route.reply, 'output'), ...example } }
  }
  if (kind === 'page') return { 'text/html': { schema: { type: 'string' } } }
  if (kind !== 'text') return {}
  const { contentType = 'text/plain' } = route
  return Object.fromEntries(
    [contentType].flat().map((type, n) => [
      type,
      // An example is of the first type.
      { schema: { type: type.endsWith('json') ? 'object' : 'string' }, ...(n === 0 ? example : {}) },
    ]),
  )
}

function headersOf(kind: AnswerKind, { linksNext }: Route<never>): JsonValue {
  if (kind === 'json' && linksNext) return { Link: { $ref: '#/components/headers/NextPage' } }
  return kind === 'redirect' ? { Location: { $ref: '#/components/headers/Location' } } : {}
}
