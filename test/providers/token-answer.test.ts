import { describe, expect, test } from 'vitest'
import type { Failure } from '../../src/providers/calls/failure.ts'
import { readErrorCode } from '../../src/providers/calls/failure.ts'
import { readTokens, refreshFailureOf, tokenAnswerFault } from '../../src/providers/calls/token-answer.ts'

const now = new Date('2026-11-20T12:00:00Z')
const read = (json: Record<string, unknown>) => readTokens({ access_token: 'at', ...json }, () => now)
const faultOf = (text: string) => tokenAnswerFault(JSON.parse(text), text)

describe('a token response', () => {
  test.each([
    [3600, '2026-11-20T13:00:00.000Z'],
    ['28800', '2026-11-20T20:00:00.000Z'],
    [0, '2026-11-20T12:00:00.000Z'],
    [undefined, undefined],
    [null, undefined],
    [-1, undefined],
    ['soon', undefined],
    [{}, undefined],
  ])('with expires_in %j expires at %s', (expires_in, at) => {
    expect(read({ expires_in }).expiresAt?.toISOString()).toBe(at)
  })

  test('with an enormous expires_in gets a valid date', () => {
    expect(Number.isNaN(read({ expires_in: Number.MAX_SAFE_INTEGER }).expiresAt?.getTime())).toBe(false)
    expect(Number.isNaN(read({ expires_in: '999999999999' }).expiresAt?.getTime())).toBe(false)
  })

  test.each([
    ['a b', ['a', 'b']],
    ['repo,gist', ['repo', 'gist']],
    ['', null],
    ['a a\u0000b c', ['a', 'c']],
    [`a ${'x'.repeat(257)}`, ['a']],
    ['\u202e é "', []],
    [undefined, null],
    [['a'], null],
  ])('with the scope %j grants %j', (scope, granted) => {
    expect(read({ scope }).scopes).toEqual(granted)
  })

  test('lists its scopes in the member that the definition names', () => {
    const json = { access_token: 'at', scope: 'a', scopes: 'b c' }
    expect(readTokens(json, () => now, { scopesMember: 'scopes' }).scopes).toEqual(['b', 'c'])
    expect(readTokens(json, () => now).scopes).toEqual(['a'])
  })

  test.each([
    [0, undefined],
    ['0', undefined],
    [-1, undefined],
    [60, 60],
  ])('whose refresh token expires in %j is stored with %j seconds', (refresh_token_expires_in, seconds) => {
    const { refreshExpiresAt } = read({ refresh_token_expires_in })
    expect(refreshExpiresAt?.getTime()).toBe(seconds && read({ expires_in: seconds }).expiresAt?.getTime())
  })

  test('with more scopes than the limit grants the first of them', () => {
    const scope = Array.from({ length: 100_000 }, (_, n) => `s${n}`).join(' ')
    expect(read({ scope }).scopes).toHaveLength(200)
  })

  test.each([
    ['{"access_token":"a","token_type":"bearer"}', null],
    ['{"access_token":"a"}', null],
    ['{"access_token":"a","refresh_token":null,"id_token":null,"token_type":null}', null],
    ['{"access_token":"a","scope":"x","info":{"access_token":"b"},"list":[{"scope":"y"}]}', null],
    ['{"access_token":"a","text":"\\"access_token\\":{"}', null],
    ['{"access_token":"a","access_token":"b"}', 'repeated_member'],
    ['{"access_token":"a","\\u0061ccess_token":"b"}', 'repeated_member'],
    ['{"access_token":"a","token_type":"N_A"}', 'wrong_token_type'],
    ['{"access_token":"a","token_type":["bearer"]}', 'wrong_token_type'],
    ['{"access_token":"ä"}', 'no_access_token'],
    ['{"access_token":"a b"}', 'no_access_token'],
    ['{"access_token":["a"]}', 'no_access_token'],
    ['{"access_token":"a","refresh_token":7}', 'bad_refresh_token'],
    ['{"access_token":"a","id_token":{}}', 'bad_id_token'],
    ['[]', 'wrong_shape'],
  ])('%s has the fault %s', (text, fault) => {
    expect(faultOf(text)).toBe(fault)
  })

  test.each([
    ['access_token', 16_384, 'access_token_too_large'],
    ['refresh_token', 16_384, 'refresh_token_too_large'],
    ['id_token', 1024 * 1024 - 2 * 16_384, 'id_token_too_large'],
  ])('may have an %s of %d characters, but no longer one', (name, most, fault) => {
    const withToken = (length: number) => JSON.stringify({ access_token: 'at', [name]: 'x'.repeat(length) })
    expect(faultOf(withToken(most))).toBeNull()
    expect(faultOf(withToken(most + 1))).toBe(fault)
  })
})

describe('a failed refresh', () => {
  const refused = (code: string | null, status = 400): Failure => ({
    kind: 'refused',
    reason: `status_${status}`,
    status,
    code,
  })
  test.each<[string, Failure, string]>([
    ['a dead refresh token', refused('invalid_grant'), 'needs_reauthorization'],
    ['a missing consent', refused('consent_required'), 'needs_reauthorization'],
    ['a wrong secret', refused('invalid_client', 401), 'client_config'],
    ['an unknown code', refused('something_new'), 'client_config'],
    ['401 without a code', refused(null, 401), 'client_config'],
    ['a proxy’s HTML page', refused(null, 403), 'transient'],
    ['a provider outage', refused('temporarily_unavailable'), 'transient'],
    ['a network error', { kind: 'unavailable', reason: 'network', retryAfter: 5 }, 'transient'],
    ['an invalid response', { kind: 'garbage', reason: 'not_json' }, 'transient'],
  ])('for %s is classified', (_name, failure, tag) => {
    expect(refreshFailureOf(failure, undefined)).toMatchObject({ tag })
  })

  test('has the meaning the provider gives it', () => {
    expect(refreshFailureOf(refused('unauthorized_client', 403), undefined)).toMatchObject({ tag: 'client_config' })
    const atlassian = { unauthorized_client: 'needs_reauthorization' } as const
    expect(refreshFailureOf(refused('unauthorized_client', 403), atlassian)).toMatchObject({
      tag: 'needs_reauthorization',
    })
  })

  test('keeps the provider’s Retry-After', () => {
    expect(refreshFailureOf({ kind: 'unavailable', reason: 'status_429', retryAfter: 30 }, undefined)).toEqual({
      tag: 'transient',
      reason: 'status_429',
      retryAfter: 30,
    })
  })
})

test.each([
  ['invalid_grant', 'invalid_grant'],
  ['Not Found', 'Not Found'],
  ['OAuthException', 'OAuthException'],
  ['UNAUTHENTICATED', 'UNAUTHENTICATED'],
  // Some random codes consist of letters only.
  ['ubqhIAvRHRpFgLJhQQ', null],
  ['gho_16C7e42F292c6912E7710c838347Ae178B4a', null],
  ['<script>', null],
  ['', null],
  [{ message: 'x' }, null],
  ['x'.repeat(49), null],
])('the error code %j is logged as %j', (said, heard) => {
  expect(readErrorCode(said)).toBe(heard)
})
