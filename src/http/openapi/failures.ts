import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { catalogue, type ErrorCode } from '../../errors/catalogue.ts'
import { faultCodes } from '../problem.ts'
import type { Route } from '../route.ts'
import type { Components, JsonValue } from './components.ts'
import { failuresOf } from './outcomes.ts'

const Fault = z
  .object({
    path: z.string().describe('The field, with dots between nested names'),
    code: z.enum(faultCodes).describe('What is wrong with the field; stable'),
    detail: z.string().describe('What is wrong with the field, in the language of the response'),
  })
  .meta({ id: 'FieldError', description: 'One invalid field of a request' })

const problemSchema = z
  .looseObject({
    type: z.url().describe('The page that explains the error code'),
    title: z.string().describe('What happened, in a few words, in the language of `Accept-Language`'),
    status: z.int().describe('The HTTP status code'),
    detail: z.string().describe('What happened and what to do next, in the language of `Accept-Language`'),
    code: z.string().describe('The error code: stable, and never translated'),
    request_id: z.string().describe('The request ID, as in `X-Request-Id` and the log; include it in a bug report'),
    retry_after: z.int().optional().describe('Seconds to wait before the next attempt, as in `Retry-After`'),
    errors: z.array(Fault).optional().describe('The invalid fields of the request, at most 50'),
    error: z.string().optional().describe('The error code of RFC 6749 or RFC 6750; OAuth endpoints only'),
    error_description: z.string().optional().describe('The detail in English and ASCII; OAuth endpoints only'),
    second_factor_ticket: z
      .string()
      .optional()
      .describe('With `second_factor_required`: continue at `POST /auth/second-factor` with this ticket'),
    conflict_ticket: z
      .string()
      .optional()
      .describe('With `account_conflict`: continue at `/auth/conflicts/{ticket}` with this ticket'),
    expires_in: z.int().optional().describe('Seconds until the ticket expires'),
    reason: z.string().optional().describe('With `password_rejected`: why the password was rejected'),
    nonce: z
      .string()
      .nullable()
      .optional()
      .describe('With `dpop_nonce_invalid` and `dpop_nonce_required`: the nonce of the next proof, as in `DPoP-Nonce`'),
    remaining_methods: z
      .array(
        z.object({
          type: z.string().describe('`provider`, `password` or `passkey`'),
          usable: z.boolean().describe('Whether the method works at present'),
          provider: z.string().optional().describe('The provider ID, if the type is `provider`'),
        }),
      )
      .optional()
      .describe('With `last_login_method`: the sign-in methods that would be left'),
    team_id: z.string().optional().describe('The team whose connection to Jira failed'),
  })
  .meta({
    id: 'Problem',
    description: 'An error as problem details (RFC 9457). Branch on `code`; show `title` and `detail` to people.',
  })

/** What any operation may respond with: the service checks it whatever the operation does. */
const common = [
  'invalid_request',
  'malformed_body',
  'csrf_failed',
  'payload_too_large',
  'unsupported_media_type',
  'rate_limited',
  'headers_too_large',
  'internal',
  'not_ready',
] as const satisfies readonly ErrorCode[]
const isCommon = (code: ErrorCode): boolean => (common as readonly ErrorCode[]).includes(code)

/** Codes that follow from who may use an operation. Operations with and without them have different responses. */
const variants: Readonly<Partial<Record<ErrorCode, string>>> = {
  insufficient_scope: 'Scope',
  reauthentication_required: 'RecentSignIn',
}

/** How an error is sent, which two operations must have in common to share it. */
type Form = {
  /** Whether a browser may get a page in its place. */
  readonly page: boolean
  /** Whether it is sent as RFC 6749 describes it. */
  readonly standard: boolean
}

/** What one shared response stands for. */
type Shared = Form & {
  readonly status: number
  readonly codes: Set<ErrorCode>
  /** The operations, by the list of their codes as it is read. */
  readonly uses: Map<string, JsonValue[]>
}

/**
 * The shared responses of errors. `default` stands for what any operation may respond with. An operation names a status
 * only if it has a code of its own there, and then names every code of the status.
 */
export class Failures {
  readonly #shared = new Map<string, Shared>()
  readonly #common = new Map<string, Form>()
  readonly #components: Components
  readonly #example: (code: ErrorCode) => JsonValue

  /** `example` is a problem with this code. */
  constructor(components: Components, example: (code: ErrorCode) => JsonValue) {
    this.#components = components
    this.#example = example
  }

  /** The errors of one operation: for each status the shared response. `finish` adds the codes. */
  of(route: Route<never>): JsonValue {
    const byStatus = byStatusOf(failuresOf(route))
    const form = { page: route.surface === 'browser', standard: route.oauth === 'standard' }
    const own = byStatus.filter(([, codes]) => !codes.every(isCommon))
    // A request that the caller got wrong stays in view where nothing else is.
    if (own.length === 0) own.push(...byStatus.filter(([status]) => status === 400))
    const found: Record<string, JsonValue> = {}
    for (const [status, codes] of own) found[status] = this.#share(status, codes, form)
    const name = `AnyOperation${suffixOf(form)}`
    this.#common.set(name, form)
    return { ...found, default: { $ref: `#/components/responses/${name}` } }
  }

  #share(status: number, codes: readonly ErrorCode[], form: Form): JsonValue {
    const variant = [...codes].sort().map((code) => variants[code] ?? '')
    const name = `${nameOf(status)}${variant.join('')}${suffixOf(form)}`
    const shared = this.#shared.get(name) ?? { ...form, status, codes: new Set(), uses: new Map() }
    this.#shared.set(name, shared)
    const reference = { $ref: `#/components/responses/${name}` }
    const text = listOf(codes)
    for (const code of codes) shared.codes.add(code)
    shared.uses.set(text, [...(shared.uses.get(text) ?? []), reference])
    return reference
  }

  /**
   * The shared responses, once every operation is known. Each names the codes that most operations with this status
   * respond with. Every other operation states its own next to the reference (OpenAPI 3.1 §4.8.23).
   */
  finish(): Readonly<Record<string, JsonValue>> {
    const problem = this.#components.use(problemSchema, 'output')
    const found: Record<string, JsonValue> = {}
    for (const [name, form] of this.#common) found[name] = this.#commonResponse(problem, form)
    for (const [name, shared] of [...this.#shared].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const [most = '', ...others] = [...shared.uses.keys()].sort(
        (a, b) => (shared.uses.get(b)?.length ?? 0) - (shared.uses.get(a)?.length ?? 0) || (a < b ? -1 : 1),
      )
      for (const text of others) {
        for (const reference of shared.uses.get(text) ?? []) Object.assign(reference, { description: text })
      }
      found[name] = this.#response(problem, shared, most)
    }
    return found
  }

  #response(problem: JsonValue, { status, codes, ...form }: Shared, description: string): JsonValue {
    const sorted = [...codes].sort()
    const first = sorted.find((code) => description.includes(`\`${code}\``))
    return {
      description,
      headers: headersOf([status]),
      content: this.#content(problem, form, { code: { type: 'string', enum: sorted } }, first),
    }
  }

  #commonResponse(problem: JsonValue, form: Form): JsonValue {
    const byStatus = byStatusOf(common)
    const statuses = byStatus.map(([status]) => status)
    const named = { status: { type: 'integer', enum: statuses }, code: { type: 'string', enum: [...common].sort() } }
    return {
      description: `Any operation: ${byStatus.map(([status, codes]) => `${status} ${listOf(codes)}`).join('; ')}`,
      headers: headersOf(statuses),
      content: this.#content(problem, form, named, 'internal'),
    }
  }

  /** A problem whose properties `named` are narrower. They are described where the problem is. */
  #content(problem: JsonValue, { page, standard }: Form, named: JsonValue, example: ErrorCode | undefined): JsonValue {
    return {
      [standard ? 'application/json' : 'application/problem+json']: {
        schema: { allOf: [problem, { type: 'object', properties: named }] },
        ...(example ? { examples: { [example]: { value: this.#example(example) } } } : {}),
      },
      ...(page ? { 'text/html': { schema: { type: 'string' } } } : {}),
    }
  }
}

function byStatusOf(codes: readonly ErrorCode[]): readonly (readonly [status: number, codes: readonly ErrorCode[]])[] {
  const found = new Map<number, ErrorCode[]>()
  for (const code of codes) {
    const { status } = catalogue[code]
    found.set(status, [...(found.get(status) ?? []), code])
  }
  return [...found].sort(([a], [b]) => a - b)
}

const listOf = (codes: readonly ErrorCode[]): string =>
  [...codes]
    .sort()
    .map((code) => `\`${code}\``)
    .join(', ')

const suffixOf = ({ page, standard }: Form): string => `${page ? 'Page' : ''}${standard ? 'OAuth' : ''}`

const headersOf = (statuses: readonly number[]): JsonValue => ({
  'X-Request-Id': { $ref: '#/components/headers/RequestId' },
  ...(statuses.includes(401) ? { 'WWW-Authenticate': { $ref: '#/components/headers/Challenge' } } : {}),
  ...(statuses.includes(429) || statuses.includes(503)
    ? { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } }
    : {}),
})

/** `NotFound` for 404: the standard phrase, as one word. */
const nameOf = (status: number): string => (STATUS_CODES[status] ?? `Status ${status}`).replace(/[^A-Za-z0-9]/g, '')

export const headers = {
  RequestId: {
    description: 'The request ID, as in the log',
    schema: { type: 'string' },
  },
  RetryAfter: { description: 'Seconds to wait before the next attempt', schema: { type: 'integer' } },
  Challenge: { description: 'The credentials that are expected (RFC 6750, RFC 9470)', schema: { type: 'string' } },
  NextPage: {
    description: 'The next page, as `rel="next"` (RFC 8288); absent on the last page',
    schema: { type: 'string' },
  },
  Location: {
    required: true,
    description: 'Where to go next',
    schema: { type: 'string', format: 'uri-reference' },
  },
} as const satisfies JsonValue
