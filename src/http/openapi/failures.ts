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

/** What one shared response stands for. */
type Shared = {
  readonly status: number
  /** Whether a browser may get a page in its place. */
  readonly page: boolean
  /** Whether it is sent as RFC 6749 describes it. */
  readonly standard: boolean
  readonly codes: Set<ErrorCode>
  /** The operations, by the list of their codes as it is read. */
  readonly uses: Map<string, JsonValue[]>
}

/** The shared responses of errors: one for each status. */
export class Failures {
  readonly #shared = new Map<string, Shared>()
  readonly #components: Components
  readonly #example: (code: ErrorCode) => JsonValue

  /** `example` is a problem with this code. */
  constructor(components: Components, example: (code: ErrorCode) => JsonValue) {
    this.#components = components
    this.#example = example
  }

  /** The errors of one operation: for each status the shared response. `finish` adds the codes. */
  of(route: Route<never>): JsonValue {
    const byStatus = new Map<number, ErrorCode[]>()
    for (const code of failuresOf(route)) {
      const { status } = catalogue[code]
      byStatus.set(status, [...(byStatus.get(status) ?? []), code])
    }
    const page = route.surface === 'browser'
    const standard = route.oauth === 'standard'
    const found: Record<string, JsonValue> = {}
    for (const [status, codes] of [...byStatus].sort(([a], [b]) => a - b)) {
      const name = `${nameOf(status)}${page ? 'Page' : ''}${standard ? 'OAuth' : ''}`
      const shared = this.#shared.get(name) ?? { status, page, standard, codes: new Set(), uses: new Map() }
      this.#shared.set(name, shared)
      const reference = { $ref: `#/components/responses/${name}` }
      found[status] = reference
      const text = [...codes]
        .sort()
        .map((code) => `\`${code}\``)
        .join(', ')
      for (const code of codes) shared.codes.add(code)
      shared.uses.set(text, [...(shared.uses.get(text) ?? []), reference])
    }
    return found
  }

  /**
   * The shared responses, once every operation is known. Each names the codes that most operations with this status
   * respond with. Every other operation states its own next to the reference (OpenAPI 3.1 §4.8.23).
   */
  finish(): JsonValue {
    const problem = this.#components.use(problemSchema, 'output')
    const found: Record<string, JsonValue> = {}
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

  #response(problem: JsonValue, { status, page, standard, codes }: Shared, description: string): JsonValue {
    const sorted = [...codes].sort()
    const named = {
      type: 'object',
      properties: { code: { type: 'string', enum: sorted, description: 'The error code' } },
    }
    const first = sorted.find((code) => description.includes(`\`${code}\``))
    return {
      description,
      headers: {
        'X-Request-Id': { $ref: '#/components/headers/RequestId' },
        ...(status === 401 ? { 'WWW-Authenticate': { $ref: '#/components/headers/Challenge' } } : {}),
        ...(status === 429 || status === 503 ? { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } : {}),
      },
      content: {
        [standard ? 'application/json' : 'application/problem+json']: {
          schema: { allOf: [problem, named] },
          ...(first ? { examples: { [first]: { value: this.#example(first) } } } : {}),
        },
        ...(page ? { 'text/html': { schema: { type: 'string' } } } : {}),
      },
    }
  }
}

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
