import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type AppError, catalogue, type ErrorCode, fail, message, texts } from '../../src/errors/catalogue.ts'
import { englishErrorTexts as complete } from '../../src/errors/texts.en.ts'
import { errorTexts } from '../../src/errors/texts.ts'

const entries = Object.entries(catalogue) as [ErrorCode, (typeof catalogue)[ErrorCode]][]
const placeholders = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g))].sort()

describe.each(entries)('the error %s', (code, { status }) => {
  const { [code]: en } = texts.en
  const { [code]: pt } = texts['pt-BR']

  test('has an error status', () => {
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(600)
  })

  test('has a text in both languages, different in each', () => {
    for (const text of [en.title, en.detail, pt.title, pt.detail]) expect(text).toMatch(/^\S.*\S$/s)
    expect(pt.detail).not.toBe(en.detail)
  })

  test('has the same placeholders in both languages, and only in its detail', () => {
    expect(placeholders(pt.detail)).toEqual(placeholders(en.detail))
    expect([...placeholders(en.title), ...placeholders(pt.title)]).toEqual([])
  })
})

test('Portuguese texts never assign a gender to a provider, since its name can be anything', () => {
  const gendered = /(?:^|\s)(?:[oa]|n[oa]|d[oa]|ao|à|pel[oa])\s\{provider\}/i
  const details = entries.map(([code]) => [code, texts['pt-BR'][code].detail] as const)
  expect(details.filter(([, detail]) => gendered.test(detail)).map(([code]) => code)).toEqual([])
})

test('codes are lower case, with underscores', () => {
  for (const [code] of entries) expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
})

test.each<[ErrorCode, number]>([
  ['provider_not_found', 404],
  ['provider_unavailable', 503],
  ['access_denied', 400],
  ['invalid_state', 400],
  ['state_expired', 400],
  ['state_already_used', 400],
  ['flow_mismatch', 400],
  ['token_exchange_failed', 502],
  ['user_info_fetch_failed', 502],
  ['account_linking_failed', 409],
  ['identity_already_linked', 409],
  ['account_conflict', 409],
  ['user_creation_disabled', 403],
  ['user_disabled', 403],
  ['return_to_not_allowed', 400],
  ['token_expired', 401],
  ['token_invalid', 401],
  ['token_wrong_type', 401],
  ['token_subject_missing', 401],
  ['user_not_found', 401],
  ['session_revoked', 401],
  ['session_expired', 401],
  ['token_reused', 401],
  ['reauthentication_required', 403],
  ['not_linked', 404],
  ['last_login_method', 409],
  ['needs_reauthorization', 409],
  ['payload_too_large', 413],
  ['unsupported_media_type', 415],
])('%s is %i, as in the contract', (code, status) => {
  expect(catalogue[code].status).toBe(status)
})

test.each<[AppError, string]>([
  [fail('token_expired').error, 'Token expirado'],
  [fail('token_invalid').error, 'Token inválido ou malformado'],
  [fail('token_wrong_type', { type: 'refresh' }).error, 'Token inválido: esperado tipo refresh'],
  [fail('token_subject_missing').error, 'Token inválido: subject não encontrado'],
  [fail('user_not_found').error, 'Usuário não encontrado'],
])('$code has the pt-BR text of the contract', (error, detail) => {
  expect(message(error, 'pt-BR').detail).toBe(detail)
})

test('a placeholder is replaced with its text unchanged, once', () => {
  const { detail } = message(fail('provider_not_found', { provider: '{provider}$&<b>' }).error, 'en')
  expect(detail).toContain('“{provider}$&<b>”')
})

test('the cause of an error is not in its message', () => {
  const { error } = fail('internal', undefined, { cause: new Error('password=hunter2') })
  expect(JSON.stringify(message(error, 'en'))).not.toContain('hunter2')
})

test('each code is one line of the catalogue', () => {
  const lines = readFileSync('src/errors/catalogue.ts', 'utf8').split('\n')
  const codes = lines.flatMap((line) => /^ {2}([a-z_]+): \{ status: \d{3}\b.* \},$/.exec(line)?.[1] ?? [])
  expect(codes).toEqual(Object.keys(catalogue))
})

test('texts that lack a code, have an unknown one, or have other placeholders do not compile', () => {
  const wrong = [
    // @ts-expect-error every other code is missing
    () => errorTexts({ internal: { title: 'Internal error', detail: 'Try again.' } }),
    // @ts-expect-error the catalogue has no such code
    () => errorTexts({ ...complete, no_such_code: { title: 'Nothing', detail: 'Nothing.' } }),
    // @ts-expect-error there is no detail
    () => errorTexts({ ...complete, internal: { title: 'Internal error' } }),
    // @ts-expect-error the catalogue has {provider} for this code
    () => errorTexts({ ...complete, not_connected: { title: 'Not connected', detail: 'Connect it first.' } }),
    // @ts-expect-error the placeholder is misspelled
    () => errorTexts({ ...complete, not_connected: { title: 'Not connected', detail: 'Connect {provder} first.' } }),
    // @ts-expect-error this code has no placeholder
    () => errorTexts({ ...complete, internal: { title: 'Internal error', detail: 'Ask {operator}.' } }),
    // @ts-expect-error a title is the same whatever the parameters
    () => errorTexts({ ...complete, not_connected: { title: '{provider}', detail: 'Connect {provider} first.' } }),
  ]
  expect(wrong).toHaveLength(7)
  // Without the mistake, each compiles.
  expect(
    errorTexts({ ...complete, not_connected: { title: 'Not connected', detail: 'Connect {provider} first.' } }),
  ).toBeDefined()
})

test('an error lacks no parameter of its message, and adds no undeclared member to the body', () => {
  // @ts-expect-error provider is missing
  fail('provider_unavailable')
  // @ts-expect-error another name
  fail('provider_unavailable', { name: 'GitHub' })
  // @ts-expect-error this code has no parameters
  fail('internal', { name: 'GitHub' })
  // @ts-expect-error the member is misspelled
  fail('account_conflict', { provider: 'GitHub' }, { extra: { conflict_tiket: 't' } })
  // @ts-expect-error this code has no members of its own
  fail('internal', undefined, { extra: { reason: 'x' } })
  expect(fail('account_conflict', { provider: 'GitHub' }, { extra: { conflict_ticket: 't' } }).error.code).toBe(
    'account_conflict',
  )
})
