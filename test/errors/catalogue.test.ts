import { describe, expect, test } from 'vitest'
import { type AppError, catalogue, type ErrorCode, fail, message } from '../../src/errors/catalogue.ts'

const entries = Object.entries(catalogue) as [ErrorCode, (typeof catalogue)[ErrorCode]][]
const placeholders = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g))].sort()

describe.each(entries)('the error %s', (_, { status, en, 'pt-BR': pt }) => {
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
  const texts = entries.map(([code, entry]) => [code, entry['pt-BR'].detail] as const)
  expect(texts.filter(([, text]) => gendered.test(text)).map(([code]) => code)).toEqual([])
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
