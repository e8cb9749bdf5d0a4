/** What the page of an error code shows in any language: the values of its example, and where it leaves a trace. */
import type { ErrorCode, ExtraName, ParamName } from '../errors/catalogue.ts'
import type { FactName } from '../events/catalogue.ts'
import type { FieldFault } from './problem.ts'

/** A chapter of the documents: its file in `docs/` and its heading. */
export type Chapter = readonly [file: `${string}.md`, heading: string]

type Common = {
  readonly retryAfter?: number
  readonly faults?: readonly FieldFault[]
  /** Events that say more about it. */
  readonly events?: readonly FactName[]
  /** Metrics that count it, besides those that follow from its events and its status. */
  readonly metrics?: readonly string[]
  /** Chapters that explain it. */
  readonly chapters?: readonly Chapter[]
}
/** The values that the example needs: exactly the parameters and the members that the catalogue lists for the code. */
type Values<C extends ErrorCode> = ([ParamName<C>] extends [never]
  ? { readonly params?: never }
  : { readonly params: Readonly<Record<ParamName<C>, string>> }) &
  ([ExtraName<C>] extends [never]
    ? { readonly extra?: never }
    : { readonly extra: { readonly [N in ExtraName<C>]: unknown } })
export type ErrorFacts = Common & {
  readonly params?: Readonly<Record<string, string>>
  readonly extra?: Readonly<Record<string, unknown>>
}

/** A secret as the service creates it: 43 characters. */
const secret = 'q1mGf0u3Vt9cLx2bYw7nKd5sRj8hPz4aTe6oXi0vUyE'

const provider = { provider: 'GitHub' }
const wait = { seconds: '30' }
const refused = { events: ['authentication.failed'] } as const
const call = { events: ['authentication.failed', 'provider.call_refused', 'provider.call_failed'] } as const
const ofRefresh = { metrics: ['vinculum_token_refreshes_total{result="refused"}'] } as const

const troubleshooting = (heading: string): Chapter => ['troubleshooting.md', heading]
const state = troubleshooting(
  'The sign-in ends with `invalid_state`, `state_expired`, `flow_mismatch` or `state_already_used`',
)
const restricted = troubleshooting('`sign_in_restricted` or `organization_access_needed`')
const refreshing = troubleshooting('An API client gets 401 on refresh')
const guessing: Chapter = ['accounts.md', 'Limits on guessing']
const apps: Chapter = ['mobile-apps.md', 'Sign in with an id_token']
const conflict: Chapter = ['flows.md', 'A conflict']
const secondFactor: Chapter = ['clients.md', 'Second factor']
const passkeys: Chapter = ['accounts.md', 'Passkeys']
const linking: Chapter = ['flows.md', 'Linking and unlinking']
const credentials: Chapter = ['accounts.md', 'Service credentials']
const applications: Chapter = ['applications.md', 'Register an application']
const registering: Chapter = ['applications.md', 'Let applications register themselves']
const signingIn: Chapter = ['applications.md', 'Sign people in']
const people: Chapter = ['accounts.md', 'Add and invite people']
const roles: Chapter = ['accounts.md', 'Roles and scopes']
const recent: Chapter = ['accounts.md', 'Recent sign-in']
const atRunTime: Chapter = ['providers-at-run-time.md', 'Add a provider']
const versions: Chapter = ['providers-at-run-time.md', 'Drafts and versions']
const trial: Chapter = ['providers-at-run-time.md', 'Try a draft']
const secrets: Chapter = ['providers-at-run-time.md', 'Client secrets']
const lending: Chapter = ['provider-tokens.md', 'Lending']
const inTeam: Chapter = ['teams.md', 'Who may do what']
const invitations: Chapter = ['teams.md', 'Invitations']
const jira: Chapter = ['teams.md', 'Status and errors']
const noEmail = troubleshooting('No email arrives')

const facts: { readonly [C in ErrorCode]: Common & Values<C> } = {
  invalid_credentials: { ...refused, chapters: [guessing] },
  password_rejected: {
    params: { least: '12', most: '256' },
    extra: { reason: 'too_short' },
    chapters: [['accounts.md', 'Passwords']],
  },
  email_required: { chapters: [['accounts.md', 'Email']] },
  second_factor_required: { extra: { second_factor_ticket: secret, expires_in: 600 }, chapters: [secondFactor] },
  second_factor_invalid: { ...refused, chapters: [secondFactor, guessing] },
  second_factor_exists: { chapters: [['accounts.md', 'Second factor']] },
  second_factor_missing: { chapters: [['accounts.md', 'Second factor']] },
  passkey_rejected: { ...refused, chapters: [passkeys] },
  passkey_not_added: { chapters: [passkeys] },
  passkey_origins_not_configured: { chapters: [['accounts.md', 'Passkeys in apps']] },
  passkey_not_found: { chapters: [passkeys] },
  ticket_invalid: { ...refused, chapters: [['accounts.md', 'Email']] },
  mail_not_configured: { chapters: [noEmail, ['operating.md', 'Email']] },
  email_unverified: { ...refused, chapters: [noEmail, ['accounts.md', 'Email']] },
  sign_in_overtaken: { ...refused, chapters: [['accounts.md', 'How a sign-in is decided']] },
  too_many_attempts: { params: wait, retryAfter: 30, ...refused, chapters: [guessing] },
  insufficient_scope: { params: { scope: 'users:read' }, events: ['access.refused'], chapters: [roles] },
  invalid_client: {
    events: ['service_credential.refused', 'application.refused'],
    metrics: ['vinculum_application_refusals_total'],
    chapters: [credentials, applications],
  },

  account_not_found: { events: ['account.deleted'], chapters: [['operating.md', 'Administrators']] },
  last_administrator: { chapters: [['operating.md', 'Administrators']] },
  own_role: { chapters: [roles] },
  own_second_factor: { chapters: [['accounts.md', 'Second factor']] },
  email_taken: { chapters: [people] },
  not_invited: { events: ['account.invitation_accepted', 'account.invitation_withdrawn'], chapters: [people] },
  address_needed: { chapters: [['operating.md', 'Administrators']] },
  provider_not_editable: { chapters: [atRunTime] },
  provider_exists: { chapters: [atRunTime] },
  provider_changed: { events: ['provider.updated'], chapters: [versions] },
  provider_secret_required: { chapters: [secrets] },
  provider_not_tried: { events: ['provider.tried', 'provider.went_live'], chapters: [trial] },
  provider_discovery_failed: { events: ['provider.call_failed', 'provider.issuer_mismatch'], chapters: [trial] },
  provider_version_not_found: { chapters: [versions] },
  provider_trial_not_found: { chapters: [trial] },
  too_many_providers: { chapters: [atRunTime] },
  service_credential_not_found: { events: ['service_credential.revoked'], chapters: [credentials] },

  application_not_found: { events: ['application.deleted'], chapters: [applications] },
  application_has_no_secret: { chapters: [applications] },
  too_many_applications: { chapters: [applications] },
  registration_not_offered: { chapters: [registering] },
  registration_token_invalid: { events: ['registration_token.revoked'], chapters: [registering] },
  redirect_uri_invalid: { faults: [{ path: 'redirect_uris.0', code: 'fragment' }], chapters: [registering] },
  client_metadata_invalid: {
    faults: [{ path: 'client_name', code: 'too_long', params: { limit: '80' } }],
    chapters: [registering],
  },
  registration_token_not_found: { events: ['registration_token.revoked'], chapters: [registering] },
  too_many_registration_tokens: { chapters: [registering] },
  application_not_allowed: { chapters: [['applications.md', 'Access tokens and resources']] },
  authorization_request_invalid: {
    params: { error: 'invalid_redirect_uri' },
    events: ['application.request_refused'],
    chapters: [signingIn],
  },
  authorization_request_expired: { chapters: [signingIn] },
  grant_invalid: {
    events: ['application.signed_out', 'session.ended'],
    metrics: ['vinculum_application_refreshes_total{result="refused"}'],
    chapters: [['applications.md', 'Refresh tokens']],
  },
  client_not_allowed: { chapters: [['applications.md', 'Register an application']] },
  device_pending: { chapters: [['applications.md', 'Sign in on a device without a browser']] },
  device_too_soon: { chapters: [['applications.md', 'Sign in on a device without a browser']] },
  device_refused: { chapters: [['applications.md', 'Sign in on a device without a browser']] },
  device_code_expired: { chapters: [['applications.md', 'Sign in on a device without a browser']] },
  dpop_proof_invalid: { chapters: [['applications.md', 'Bind tokens to a key']] },
  dpop_proof_required: { chapters: [['applications.md', 'Bind tokens to a key']] },
  dpop_nonce_invalid: {
    extra: { nonce: 'a-nonce' },
    chapters: [['applications.md', 'Bind tokens to a key']],
  },
  dpop_nonce_required: {
    extra: { nonce: 'a-nonce' },
    chapters: [['applications.md', 'Bind tokens to a key']],
  },
  request_object_invalid: { chapters: [['applications.md', 'Authenticate with a key']] },
  scope_invalid: { chapters: [['applications.md', 'Scopes and claims']] },
  resource_invalid: { chapters: [['applications.md', 'Access tokens and resources']] },
  response_type_unsupported: { chapters: [['applications.md', 'Sign people in']] },
  provider_not_found: { params: { provider: 'acme' }, chapters: [['providers.md', 'Register an app']] },
  provider_unavailable: {
    params: provider,
    retryAfter: 5,
    events: ['authentication.failed', 'provider.call_failed', 'provider.breaker_changed'],
    metrics: ['vinculum_circuit_breaker_state'],
    chapters: [troubleshooting('The provider is shown as "not responding right now"')],
  },
  access_denied: { params: provider, events: ['authentication.failed', 'oauth.callback_refused'] },
  invalid_state: { ...refused, chapters: [state] },
  state_expired: { ...refused, chapters: [state] },
  state_already_used: { ...refused, chapters: [state] },
  flow_mismatch: { ...refused, chapters: [state] },
  token_exchange_failed: {
    params: provider,
    events: [...call.events, 'provider.issuer_mismatch'],
    chapters: [troubleshooting('The sign-in ends with `token_exchange_failed`')],
  },
  user_info_fetch_failed: { params: provider, ...call, chapters: [['flows.md', 'Read a provider profile']] },
  app_sign_in_not_configured: { params: provider, ...refused, chapters: [apps] },
  id_token_rejected: { params: provider, extra: { reason: 'nonce' }, ...refused, chapters: [apps] },
  id_token_already_used: { ...refused, chapters: [apps] },
  account_linking_failed: { ...refused, chapters: [linking] },
  identity_already_linked: { params: provider, ...refused, chapters: [linking] },
  another_identity: { params: provider, ...refused, chapters: [linking] },
  account_conflict: {
    params: provider,
    extra: { conflict_ticket: secret },
    events: ['conflict.opened'],
    metrics: ['vinculum_authentication_attempts_total{status="account_conflict"}'],
    chapters: [troubleshooting('Everyone is asked whose account it is (`account_conflict`)'), conflict],
  },
  conflict_not_found: { chapters: [conflict] },
  proof_required: { ...refused, chapters: [conflict] },
  user_creation_disabled: { ...refused, chapters: [['accounts.md', 'How a sign-in is decided']] },
  sign_in_restricted: { params: provider, ...refused, chapters: [restricted] },
  organization_access_needed: { params: provider, ...call, chapters: [restricted] },
  user_disabled: {
    events: ['account.disabled', 'authentication.failed'],
    chapters: [['accounts.md', 'What ends what']],
  },
  too_many_identities: { ...refused, chapters: [linking] },
  too_many_service_credentials: { chapters: [credentials] },
  return_to_not_allowed: {
    ...refused,
    chapters: [['clients.md', 'Browser apps'], troubleshooting('The sign-in is refused with `return_to_not_allowed`')],
  },
  redirect_uri_key_not_found: { params: { key: 'mobile' }, chapters: [['clients.md', 'Mobile and desktop apps']] },

  token_expired: { ...ofRefresh, chapters: [refreshing] },
  token_invalid: {
    ...ofRefresh,
    chapters: [
      troubleshooting('Tokens are refused right after they were issued'),
      ['clients.md', 'Verify an access token'],
    ],
  },
  token_wrong_type: { params: { type: 'access' }, ...ofRefresh, chapters: [refreshing] },
  token_subject_missing: { ...ofRefresh, chapters: [['operating.md', 'Rotate signing keys']] },
  user_not_found: { events: ['account.deleted'], ...ofRefresh, chapters: [['accounts.md', 'Export and deletion']] },
  session_revoked: {
    events: ['session.ended'],
    ...ofRefresh,
    chapters: [refreshing, ['accounts.md', 'What ends what']],
  },
  session_expired: { ...ofRefresh, chapters: [refreshing] },
  token_reused: {
    events: ['session.token_reused', 'session.ended'],
    metrics: ['vinculum_token_refreshes_total{result="reused"}'],
    chapters: [refreshing],
  },
  code_invalid: {
    events: ['access.refused', 'session.ended'],
    chapters: [
      ['clients.md', 'Browser apps'],
      troubleshooting('The exchange of a sign-in code ends with `code_invalid`'),
    ],
  },
  grant_type_unsupported: { chapters: [['clients.md', 'Password, email code and passkey']] },

  authentication_required: { chapters: [troubleshooting('Sign-in works, but the next page asks to sign in again')] },
  reauthentication_required: { chapters: [recent] },
  csrf_failed: { events: ['access.refused'], chapters: [troubleshooting('Forms end with `csrf_failed`')] },
  not_linked: { events: ['identity.unlink_refused'], chapters: [linking] },
  last_login_method: {
    extra: { remaining_methods: [{ type: 'provider', usable: true, provider: 'google' }] },
    events: ['identity.unlink_refused'],
    chapters: [linking],
  },
  session_not_found: { events: ['session.ended'], chapters: [['accounts.md', 'Devices']] },
  needs_reauthorization: {
    params: provider,
    events: ['provider_token.needs_reauthorization', 'provider_token.refreshed'],
    metrics: ['vinculum_provider_token_refreshes_total{result="needs_reauthorization"}'],
    chapters: [troubleshooting('`needs_reauthorization` for many people at once'), ['provider-tokens.md', 'Errors']],
  },
  not_connected: { params: provider, events: ['provider_token.withdrawn'], chapters: [lending] },
  scopes_not_offered: { ...refused, chapters: [['provider-tokens.md', 'What a person sees and does']] },

  team_not_found: { chapters: [inTeam] },
  team_role_required: { events: ['access.refused'], chapters: [inTeam] },
  member_not_found: { events: ['team.left'], chapters: [inTeam] },
  last_owner: { chapters: [['teams.md', 'The last owner']] },
  already_member: { chapters: [invitations] },
  invitation_not_found: { events: ['team.invitation_withdrawn'], chapters: [invitations] },
  team_limit_reached: { chapters: [invitations] },
  jira_not_available: { chapters: [['teams.md', 'Jira']] },
  jira_not_connected: { events: ['jira.disconnected'], chapters: [jira] },
  jira_not_active: { events: ['jira.needs_reauthorization', 'jira.drifted'], chapters: [jira] },
  jira_site_not_found: { events: ['jira.drifted'], chapters: [jira] },
  jira_scope_missing: { params: { scopes: 'read:servicedesk-request' }, events: ['jira.drifted'], chapters: [jira] },
  jira_forbidden: { events: ['provider.call_refused'], chapters: [jira] },
  provider_rate_limited: {
    params: { provider: 'Atlassian', ...wait },
    retryAfter: 30,
    events: ['provider.call_failed'],
    chapters: [jira],
  },

  invalid_request: { faults: [{ path: 'email', code: 'required' }] },
  malformed_body: {},
  payload_too_large: {},
  headers_too_large: { chapters: [troubleshooting('`431` before a page appears')] },
  request_timeout: {},
  unsupported_media_type: { params: { accepted: 'application/json' } },
  not_found: { events: ['access.refused'] },
  method_not_allowed: { params: { allowed: 'POST' } },
  rate_limited: {
    params: wait,
    retryAfter: 30,
    events: ['application.refused'],
    chapters: [troubleshooting('Everyone seems to have the same IP address, or gets 429')],
  },
  not_ready: { retryAfter: 5, chapters: [troubleshooting('Requests get 503 `not_ready`')] },
  internal: {},
}

export const factsOf = (code: ErrorCode): ErrorFacts => facts[code]
