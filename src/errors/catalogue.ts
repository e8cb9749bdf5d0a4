/**
 * Every error of this service, one line per code. Codes are stable and never translated. What people read is in
 * `texts.en.ts` and `texts.pt-br.ts`; what the page of a code explains is in `guidance.en.ts` and `guidance.pt-br.ts`.
 */
import type { Locale } from '../kernel/locale.ts'
import { type Err, err } from '../kernel/result.ts'
import { englishErrorTexts } from './texts.en.ts'
import { ptBr } from './texts.pt-br.ts'
import type { ErrorText } from './texts.ts'

export type { Locale }

type Row = {
  readonly status: number
  /** The `{placeholders}` of the detail, which `fail` must be given. */
  readonly params?: readonly string[]
  /** Members of the response body that only this error has. */
  readonly extra?: readonly string[]
  /** The `error` of RFC 6749 on an OAuth endpoint, where it does not follow from the status. */
  readonly oauth?: string
  /**
   * What `WWW-Authenticate` asks for: `basic` and `bearer` name a scheme only, `dpop` asks for a proof of a key, and
   * anything else is the `error` of a bearer challenge (RFC 6750 §3). Without it, a 401 asks for another token, and other
   * statuses ask for nothing.
   */
  readonly challenge?: string
}

export const catalogue = {
  // Sign-in with a password, a passkey or an email message
  invalid_credentials: { status: 401 },
  password_rejected: { status: 400, params: ['least', 'most'], extra: ['reason'] },
  email_required: { status: 409 },
  second_factor_required: { status: 401, extra: ['second_factor_ticket', 'expires_in'] },
  second_factor_invalid: { status: 401 },
  second_factor_exists: { status: 409 },
  second_factor_missing: { status: 409 },
  passkey_rejected: { status: 401 },
  passkey_not_added: { status: 400 },
  passkey_origins_not_configured: { status: 404 },
  passkey_not_found: { status: 404 },
  ticket_invalid: { status: 400 },
  mail_not_configured: { status: 404 },
  email_unverified: { status: 403 },
  sign_in_overtaken: { status: 409 },
  too_many_attempts: { status: 429, params: ['seconds'] },
  insufficient_scope: { status: 403, params: ['scope'], oauth: 'insufficient_scope', challenge: 'insufficient_scope' },
  invalid_client: { status: 401, oauth: 'invalid_client', challenge: 'basic' },

  // Administration
  account_not_found: { status: 404 },
  last_administrator: { status: 409 },
  own_role: { status: 409 },
  own_second_factor: { status: 409 },
  address_needed: { status: 409 },
  email_taken: { status: 409 },
  not_invited: { status: 409 },
  service_credential_not_found: { status: 404 },
  provider_not_editable: { status: 409 },
  provider_exists: { status: 409 },
  provider_changed: { status: 409 },
  provider_secret_required: { status: 400 },
  provider_not_tried: { status: 409 },
  provider_discovery_failed: { status: 409 },
  provider_version_not_found: { status: 404 },
  provider_trial_not_found: { status: 404 },
  too_many_providers: { status: 409 },

  // Applications that sign people in
  application_not_found: { status: 404 },
  application_has_no_secret: { status: 409 },
  too_many_applications: { status: 409 },
  registration_not_offered: { status: 404 },
  registration_token_invalid: { status: 401, oauth: 'invalid_token' },
  redirect_uri_invalid: { status: 400, oauth: 'invalid_redirect_uri' },
  client_metadata_invalid: { status: 400, oauth: 'invalid_client_metadata' },
  registration_token_not_found: { status: 404 },
  too_many_registration_tokens: { status: 409 },
  application_not_allowed: { status: 403, oauth: 'insufficient_scope', challenge: 'insufficient_scope' },
  authorization_request_invalid: { status: 400, params: ['error'] },
  authorization_request_expired: { status: 400 },
  grant_invalid: { status: 400, oauth: 'invalid_grant' },
  client_not_allowed: { status: 400, oauth: 'unauthorized_client' },
  device_pending: { status: 400, oauth: 'authorization_pending' },
  device_too_soon: { status: 400, oauth: 'slow_down' },
  device_refused: { status: 400, oauth: 'access_denied' },
  device_code_expired: { status: 400, oauth: 'expired_token' },
  dpop_proof_invalid: { status: 400, oauth: 'invalid_dpop_proof' },
  dpop_proof_required: { status: 401, oauth: 'invalid_dpop_proof', challenge: 'dpop' },
  dpop_nonce_invalid: { status: 400, oauth: 'use_dpop_nonce', extra: ['nonce'] },
  dpop_nonce_required: { status: 401, oauth: 'use_dpop_nonce', challenge: 'dpop', extra: ['nonce'] },
  request_object_invalid: { status: 400, oauth: 'invalid_request_object' },
  scope_invalid: { status: 400, oauth: 'invalid_scope' },
  resource_invalid: { status: 400, oauth: 'invalid_target' },
  response_type_unsupported: { status: 400, oauth: 'unsupported_response_type' },

  // Sign-in with a provider
  provider_not_found: { status: 404, params: ['provider'] },
  provider_unavailable: { status: 503, params: ['provider'] },
  access_denied: { status: 400, params: ['provider'] },
  invalid_state: { status: 400 },
  state_expired: { status: 400 },
  state_already_used: { status: 400 },
  flow_mismatch: { status: 400 },
  token_exchange_failed: { status: 502, params: ['provider'] },
  user_info_fetch_failed: { status: 502, params: ['provider'] },
  app_sign_in_not_configured: { status: 404, params: ['provider'] },
  id_token_rejected: { status: 400, params: ['provider'], extra: ['reason'] },
  id_token_already_used: { status: 400 },
  account_linking_failed: { status: 409 },
  identity_already_linked: { status: 409, params: ['provider'] },
  another_identity: { status: 409, params: ['provider'] },
  account_conflict: { status: 409, params: ['provider'], extra: ['conflict_ticket'] },
  conflict_not_found: { status: 404 },
  proof_required: { status: 401, challenge: 'insufficient_user_authentication' },
  user_creation_disabled: { status: 403 },
  sign_in_restricted: { status: 403, params: ['provider'] },
  organization_access_needed: { status: 403, params: ['provider'] },
  user_disabled: { status: 403, oauth: 'invalid_grant' },
  too_many_identities: { status: 409 },
  too_many_service_credentials: { status: 409 },
  return_to_not_allowed: { status: 400 },
  redirect_uri_key_not_found: { status: 400, params: ['key'] },

  // Tokens of this service
  token_expired: { status: 401 },
  token_invalid: { status: 401 },
  token_wrong_type: { status: 401, params: ['type'] },
  token_subject_missing: { status: 401 },
  user_not_found: { status: 401 },
  session_revoked: { status: 401 },
  session_expired: { status: 401 },
  token_reused: { status: 401 },
  code_invalid: { status: 400, oauth: 'invalid_grant' },
  grant_type_unsupported: { status: 400, oauth: 'unsupported_grant_type' },

  // Account and permissions
  authentication_required: { status: 401, oauth: 'invalid_client', challenge: 'bearer' },
  reauthentication_required: { status: 403, oauth: 'invalid_grant', challenge: 'insufficient_user_authentication' },
  csrf_failed: { status: 403 },
  not_linked: { status: 404 },
  last_login_method: { status: 409, extra: ['remaining_methods'] },
  session_not_found: { status: 404 },
  needs_reauthorization: { status: 409, params: ['provider'] },
  not_connected: { status: 404, params: ['provider'] },
  scopes_not_offered: { status: 400 },

  // Teams and Jira
  team_not_found: { status: 404 },
  team_role_required: { status: 403 },
  member_not_found: { status: 404 },
  last_owner: { status: 409 },
  already_member: { status: 409 },
  invitation_not_found: { status: 404 },
  team_limit_reached: { status: 409 },
  jira_not_available: { status: 404 },
  jira_not_connected: { status: 404 },
  jira_not_active: { status: 401, challenge: 'jira_not_active' },
  jira_site_not_found: { status: 400 },
  jira_scope_missing: { status: 403, params: ['scopes'] },
  jira_forbidden: { status: 403 },
  provider_rate_limited: { status: 429, params: ['provider', 'seconds'] },

  // Requests
  invalid_request: { status: 400 },
  malformed_body: { status: 400 },
  payload_too_large: { status: 413 },
  headers_too_large: { status: 431 },
  request_timeout: { status: 408 },
  unsupported_media_type: { status: 415, params: ['accepted'] },
  not_found: { status: 404 },
  method_not_allowed: { status: 405, params: ['allowed'] },
  rate_limited: { status: 429, params: ['seconds'] },
  not_ready: { status: 503 },
  internal: { status: 500 },
} as const satisfies Record<string, Row>

type Catalogue = typeof catalogue
export type ErrorCode = keyof Catalogue

/** The names in the member `K` of a code's row. */
type Names<C extends ErrorCode, K extends 'params' | 'extra'> = Catalogue[C] extends {
  readonly [M in K]: readonly (infer Name extends string)[]
}
  ? Name
  : never
export type ParamName<C extends ErrorCode> = Names<C, 'params'>
export type ExtraName<C extends ErrorCode> = Names<C, 'extra'>

/** The row of a code, with the members that it may have. */
export const rowOf = (code: ErrorCode): Row => catalogue[code]

/** What people read, per language. */
export const texts: Readonly<Record<Locale, Readonly<Record<ErrorCode, ErrorText>>>> = {
  en: englishErrorTexts,
  'pt-BR': ptBr,
}

/**
 * An error, as a value. `params` fill the message, `extra` are members the contract adds to the response
 * (`conflict_ticket`, `remaining_methods`), `retryAfter` is in seconds. `cause` is for the log alone: the
 * person never reads it.
 */
export type AppError<C extends ErrorCode = ErrorCode> = {
  readonly code: C
  readonly params: Readonly<Record<string, string>>
  readonly extra?: Readonly<Record<string, unknown>>
  readonly retryAfter?: number
  readonly cause?: unknown
  /** Where the refused sign-in would have returned to. Only the links of the error page use it. */
  readonly onward?: { readonly returnTo: string; readonly codeChallenge: string | null }
}
type Rest<C extends ErrorCode> = {
  extra?: [ExtraName<C>] extends [never] ? never : { readonly [N in ExtraName<C>]: unknown }
  retryAfter?: number
  cause?: unknown
}

/** An error as the result of a function. The parameters of its message are required; `extra` has no undeclared member. */
export function fail<C extends ErrorCode>(
  code: C,
  ...[params, rest]: [ParamName<C>] extends [never]
    ? [params?: undefined, rest?: Rest<C>]
    : [params: Record<ParamName<C>, string>, rest?: Rest<C>]
): Err<AppError<C>> {
  return err({ code, params: params ?? {}, ...rest })
}

const fill = (text: string, params: Readonly<Record<string, string>>): string =>
  text.replace(/\{(\w+)\}/g, (_, name: string) => params[name] ?? '')

/** What a person reads: the title names the kind of error; the detail says what happened and what to do next. */
export function message(error: AppError, locale: Locale): ErrorText {
  const { title, detail } = texts[locale][error.code]
  return { title, detail: fill(detail, error.params) }
}
