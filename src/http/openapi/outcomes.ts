import type { ErrorCode } from '../../errors/catalogue.ts'
import { type AnswerKind, credentialCodes, type Route } from '../route.ts'

const bodyCodes = [
  'malformed_body',
  'payload_too_large',
  'unsupported_media_type',
  'csrf_failed',
] as const satisfies readonly ErrorCode[]

/**
 * The errors of a route: those it names, and those the frame responds with on its behalf. Any request may have a broken
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
  // A page that needs a signed-in user sends anyone else to the sign-in page.
  const toSignIn: AnswerKind[] =
    surface === 'browser' && method === 'get' && (auth === 'user' || auth === 'recent') ? ['redirect'] : []
  return [...new Set([first(), ...also, ...toSignIn])]
}

/** What an operation is called in both documents, in generated clients and among the recorded examples. */
export const operationIdOf = ({ method, path }: Pick<Route, 'method' | 'path'>): string =>
  `${method}${path.replace(/[^a-z0-9]+/gi, '_')}`.replace(/_$/, '')
