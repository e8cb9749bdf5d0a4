import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { catalogue, type ErrorCode } from '../../errors/catalogue.ts'
import { faultCodes } from '../problem.ts'
import type { Route } from '../route.ts'
import type { Components, Json } from './components.ts'
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

/** The shared responses of errors: one a status, which names every code any operation responds with. */
export class Failures {
  readonly #codes = new Map<string, { status: number; page: boolean; codes: Set<ErrorCode> }>()
  readonly #components: Components
  readonly #publicUrl: URL

  constructor(components: Components, publicUrl: URL) {
    this.#components = components
    this.#publicUrl = publicUrl
  }

  /** The errors of one operation: for each status the shared response, and beside it the codes of this operation. */
  of(route: Route<never>): Json {
    const byStatus = new Map<number, ErrorCode[]>()
    for (const code of failuresOf(route)) {
      const { status } = catalogue[code]
      byStatus.set(status, [...(byStatus.get(status) ?? []), code])
    }
    const page = route.surface === 'browser'
    return Object.fromEntries(
      [...byStatus]
        .sort(([a], [b]) => a - b)
        .map(([status, codes]) => {
          const name = `${nameOf(status)}${page ? 'Page' : ''}`
          const shared = this.#codes.get(name) ?? { status, page, codes: new Set() }
          this.#codes.set(name, shared)
          for (const code of codes) shared.codes.add(code)
          const description = codes.map((code) => `\`${code}\``).join(', ')
          return [status, { $ref: `#/components/responses/${name}`, description }]
        }),
    )
  }

  responses(): Json {
    const problem = this.#components.use(problemSchema, 'output')
    const found = [...this.#codes].sort(([a], [b]) => (a < b ? -1 : 1))
    return Object.fromEntries(
      found.map(([name, { status, page, codes }]) => [name, this.#response(problem, status, page, [...codes])]),
    )
  }

  #response(problem: Json, status: number, page: boolean, codes: readonly ErrorCode[]): Json {
    const named = { type: 'object', properties: { code: { enum: [...codes].sort() } } }
    const [code] = codes
    return {
      description: `${STATUS_CODES[status]}. The operation lists which of these codes it responds with.`,
      headers: {
        'X-Request-Id': { $ref: '#/components/headers/RequestId' },
        ...(status === 401 ? { 'WWW-Authenticate': { $ref: '#/components/headers/Challenge' } } : {}),
        ...(status === 429 || status === 503 ? { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } : {}),
      },
      content: {
        'application/problem+json': {
          schema: { allOf: [problem, named] },
          ...(code ? { example: this.#example(code) } : {}),
        },
        ...(page ? { 'text/html': { schema: { type: 'string' } } } : {}),
      },
    }
  }

  #example(code: ErrorCode): Json {
    const { status, en } = catalogue[code]
    return {
      type: new URL(`/docs/errors/${code}`, this.#publicUrl).href,
      title: en.title,
      status,
      detail: en.detail.replace(/\{(\w+)\}/g, '…'),
      code,
      request_id: 'req_00000000000000000000000000000000',
      ...(status === 429 || status === 503 ? { retry_after: 5 } : {}),
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
} as const satisfies Json
