import { z } from 'zod'
import { catalogue, type ErrorCode } from '../errors/catalogue.ts'
import { acceptsOf, contentTypes } from './body.ts'
import type { AnswerKind, Route } from './route.ts'
import { credentialCodes } from './route.ts'

type Json = { readonly [key: string]: unknown }

const bodyCodes = [
  'malformed_body',
  'payload_too_large',
  'unsupported_media_type',
  'csrf_failed',
] as const satisfies readonly ErrorCode[]

/**
 * What a route may refuse with: what it names, and what the frame refuses on its behalf. Any request may have a broken
 * head (no host, an address that does not decode) or one that is too large.
 */
export function failuresOf(route: Route<never>): readonly ErrorCode[] {
  const codes = new Set<ErrorCode>([...route.fails, 'internal', 'invalid_request', 'headers_too_large'])
  if (route.limit !== 'none') for (const code of ['rate_limited', 'not_ready'] as const) codes.add(code)
  if (route.params) codes.add('not_found')
  if (route.auth !== 'none') for (const code of credentialCodes) codes.add(code)
  if (route.auth === 'user' || route.auth === 'recent') codes.add('authentication_required')
  if (route.auth === 'recent') codes.add('reauthentication_required')
  // A script of another origin that sends the cookie.
  if (route.auth !== 'none' && route.surface === 'api') codes.add('csrf_failed')
  if (route.scope) codes.add(route.surface === 'browser' ? 'not_found' : 'insufficient_scope')
  if (route.method !== 'get') {
    for (const code of bodyCodes) codes.add(code)
  }
  return [...codes]
}

/** The ways a route answers when all is well: the one that follows from what it says, and those it adds. */
export function answersOf({
  surface,
  auth,
  method,
  reply,
  status,
  contentType,
  also = [],
}: Route<never>): readonly AnswerKind[] {
  const first = (): AnswerKind => {
    if (reply) return 'json'
    if (contentType) return 'text'
    if (status === 204) return 'empty'
    if (status === 303) return 'redirect'
    if (surface === 'api') return 'empty'
    return method === 'get' ? 'page' : 'redirect'
  }
  // Whoever is not signed in is sent to the sign-in page from a page that needs it.
  const toSignIn: AnswerKind[] =
    surface === 'browser' && method === 'get' && (auth === 'user' || auth === 'recent') ? ['redirect'] : []
  return [...new Set([first(), ...also, ...toSignIn])]
}

/** The OpenAPI 3.1 document: the route list, read aloud. */
export function openapi(
  routes: readonly Route<never>[],
  info: { version: string; publicUrl: URL; sessionCookie: string },
) {
  const components = new Components()
  const problem = components.use(problemSchema, 'output')
  const page = { 'text/html': { schema: { type: 'string' } } }
  const paths: Record<string, Record<string, Json>> = {}

  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    const operations = paths[path] ?? {}
    paths[path] = operations
    operations[route.method] = {
      operationId: `${route.method}${route.path.replace(/[^a-z0-9]+/gi, '_')}`.replace(/_$/, ''),
      summary: route.summary,
      tags: [route.tag],
      ...securityOf(route),
      ...(parametersOf(route, components).length > 0 ? { parameters: parametersOf(route, components) } : {}),
      ...bodyOf(route, components),
      responses: {
        ...successes(route, components, page),
        ...refusals(route, problem, page),
      },
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Vinculum',
      version: info.version,
      description: 'A self-hosted identity service. Errors are problem+json (RFC 9457); their `code` is stable.',
    },
    servers: [{ url: info.publicUrl.origin }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        cookie: { type: 'apiKey', in: 'cookie', name: info.sessionCookie },
        refresh: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'A refresh token' },
        service: { type: 'http', scheme: 'basic', description: 'The id and secret of a service credential' },
        service_bearer: { type: 'http', scheme: 'bearer', description: '`<id>.<secret>` of a service credential' },
        metrics: { type: 'http', scheme: 'bearer', description: 'METRICS_TOKEN, where it is set' },
        doctor: {
          type: 'http',
          scheme: 'bearer',
          description: 'What `npm start -- doctor` makes from ENCRYPTION_KEYS',
        },
      },
      schemas: components.schemas,
    },
  }
}

function securityOf({ auth, credential, scope }: Route<never>): Json {
  const needed = scope === undefined ? [] : [scope]
  const either = [{ bearer: needed }, { cookie: needed }]
  if (credential === 'metrics') return { security: [{ metrics: [] }, {}] }
  if (credential === 'doctor') return { security: [{ doctor: [] }] }
  if (credential === 'service') return { security: [{ service: [] }, { service_bearer: [] }] }
  if (credential === 'refresh') return { security: [{ refresh: [] }, { cookie: [] }, {}] }
  if (auth === 'none') return { security: [] }
  return { security: auth === 'public' ? [{}, ...either] : either }
}

/** What stands in the path is declared even where no schema reads it: without, the document would be wrong. */
function parametersOf(route: Route<never>, components: Components): readonly Json[] {
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
  ]
}

function fieldsOf(schema: z.ZodType | undefined, components: Components) {
  if (!schema) return []
  type Node = { properties?: Record<string, Json>; required?: string[]; anyOf?: Node[]; oneOf?: Node[] }
  const node = components.inline(schema, 'input') as Node
  const alternatives = node.anyOf ?? node.oneOf ?? [node]
  const found = new Map<string, { name: string; required: boolean; schema: Json }>()
  for (const { properties = {}, required = [] } of alternatives) {
    for (const [name, field] of Object.entries(properties)) {
      const everywhere = alternatives.every((each) => each.required?.includes(name))
      if (!found.has(name)) found.set(name, { name, required: required.includes(name) && everywhere, schema: field })
    }
  }
  return [...found.values()]
}

function bodyOf(route: Route<never>, components: Components): Json {
  const accepts = acceptsOf(route)
  const form = route.surface === 'browser' && route.method !== 'get'
  if (!route.body && !form) return {}
  const schema = route.body ? components.use(route.body, 'input') : { type: 'object', additionalProperties: false }
  const token = { type: 'object', properties: { csrf: { type: 'string' } }, required: ['csrf'] }
  const content = contentTypes(accepts).map((type) => {
    const withToken = form && type !== 'application/json'
    if (!withToken) return [type, { schema }]
    return [type, { schema: route.body ? { allOf: [token, open(components, route.body)] } : token }]
  })
  return { requestBody: { required: route.bodyOptional !== true, content: Object.fromEntries(content) } }
}

/** The fields of a strict object beside others: `additionalProperties: false` would refuse the form's token. */
function open(components: Components, schema: z.ZodType): Json {
  const { additionalProperties: _, ...rest } = components.inline(schema, 'input')
  return rest
}

function successes(route: Route<never>, components: Components, page: Json): Json {
  const found: Record<string, { description: string; content?: Json; headers?: Json }> = {}
  for (const kind of answersOf(route)) {
    const status = kind === 'redirect' ? 303 : kind === 'empty' ? 204 : kind === 'page' ? 200 : (route.status ?? 200)
    const content: Json =
      kind === 'json' && route.reply
        ? { 'application/json': { schema: components.use(route.reply, 'output') } }
        : kind === 'page'
          ? page
          : kind === 'text'
            ? {
                [route.contentType ?? 'text/plain']: {
                  schema: { type: route.contentType?.endsWith('json') ? 'object' : 'string' },
                },
              }
            : {}
    const before = found[status]
    const all = { ...before?.content, ...content }
    found[status] = {
      description: route.summary,
      ...(Object.keys(all).length > 0 ? { content: all } : {}),
      ...(kind === 'json' && route.linksNext
        ? {
            headers: {
              Link: {
                description: 'the next page, as `rel="next"` (RFC 8288); absent on the last one',
                schema: { type: 'string' },
              },
            },
          }
        : {}),
      ...(kind === 'redirect'
        ? { headers: { Location: { required: true, schema: { type: 'string', format: 'uri-reference' } } } }
        : {}),
    }
  }
  return found
}

function refusals(route: Route<never>, problem: Json, page: Json): Json {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of failuresOf(route)) {
    const { status } = catalogue[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, codes]) => [
        status,
        {
          description: codes.map((code) => `\`${code}\``).join(', '),
          content: {
            'application/problem+json': {
              schema: { allOf: [problem, { type: 'object', properties: { code: { enum: codes } } }] },
            },
            ...(route.surface === 'browser' ? page : {}),
          },
        },
      ]),
  )
}

const problemSchema = z
  .looseObject({
    type: z.url(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    request_id: z.string(),
    retry_after: z.int().optional(),
    errors: z.array(z.object({ path: z.string(), code: z.string(), detail: z.string() })).optional(),
    error: z.string().optional(),
    error_description: z.string().optional(),
  })
  .meta({ id: 'Problem' })

/** What is tolerated but not promised says in its metadata what it is `documented` as. */
function asDocumented({ jsonSchema }: { jsonSchema: Record<string, unknown> }): void {
  const { documented } = jsonSchema
  if (documented === undefined) return
  for (const name of Object.keys(jsonSchema)) delete jsonSchema[name]
  Object.assign(jsonSchema, documented)
}

/** Schemas with an id stand once, under `components`, and are pointed at. */
class Components {
  readonly schemas: Record<string, Json> = {}

  /** The schema, with every named one, itself included, moved under `components`. */
  use(schema: z.ZodType, io: 'input' | 'output'): Json {
    const {
      $schema: _,
      $defs = {},
      ...rest
    } = z.toJSONSchema(schema, {
      io,
      unrepresentable: 'any',
      override: asDocumented,
    }) as Json
    const names = new Map<string, string>()
    for (const [id, definition] of Object.entries($defs as Record<string, Json>)) {
      names.set(id, this.#place(id, definition, io))
    }
    for (const name of names.values()) this.schemas[name] = redirect(this.schemas[name] ?? {}, names)
    return redirect(rest, names)
  }

  /** The same, with the outermost schema written out. */
  inline(schema: z.ZodType, io: 'input' | 'output'): Json {
    const used = this.use(schema, io)
    const { $ref } = used
    return typeof $ref === 'string' ? (this.schemas[$ref.replace('#/components/schemas/', '')] ?? {}) : used
  }

  /** What goes in may differ from what comes out under the same name: then they are two. */
  #place(id: string, definition: Json, io: 'input' | 'output'): string {
    const name = io === 'input' ? `${id}Input` : id
    const other = io === 'input' ? id : `${id}Input`
    const text = JSON.stringify(definition).replaceAll('#/$defs/', '#/components/schemas/')
    if (this.schemas[other] && JSON.stringify(this.schemas[other]) === text) return other
    this.schemas[name] ??= definition
    return name
  }
}

function redirect(node: Json, names: ReadonlyMap<string, string>): Json {
  return JSON.parse(JSON.stringify(node), (key, value: unknown) => {
    if (key !== '$ref' || typeof value !== 'string' || !value.startsWith('#/$defs/')) return value
    const id = value.slice('#/$defs/'.length)
    return `#/components/schemas/${names.get(id) ?? id}`
  }) as Json
}
