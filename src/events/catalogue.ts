import { z } from 'zod'
import { roles } from '../kernel/account.ts'
import { httpMethods } from '../kernel/http-method.ts'
import type { Locale } from '../kernel/locale.ts'

type Delivery = { audit?: true; notice?: true; log?: 'debug' | 'info' | 'warn' | 'error' }
/** Only documents and tests read the schemas, so they are built when they are read; types come from them. */
const fact = <const S extends z.ZodRawShape, const H extends Delivery = Record<never, never>>(
  meaning: string,
  shape: S,
  heard?: H,
) => ({
  kind: 'fact' as const,
  meaning,
  get payload() {
    return z.object(shape)
  },
  ...(heard as H),
})
const span = <const S extends z.ZodRawShape, const R extends z.ZodRawShape>(meaning: string, shape: S, outcome: R) => ({
  kind: 'span' as const,
  meaning,
  get payload() {
    return z.object(shape)
  },
  get outcome() {
    return z.object(outcome)
  },
})

const provider = z.string()
const code = z.string()
/** The administrator who did it; `null`: a command on the machine itself. */
const by = z.string().nullable()
const factor = z.enum(['totp', 'passkey'])
/** The result of a sign-in or linking. */
export const actions = ['login_existing', 'linked_existing', 'linked_new', 'created_new_user'] as const
export type Action = (typeof actions)[number]
const action = z.enum(actions)
/**
 * The known error codes of a callback (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6, and those of GitHub, Apple and
 * LinkedIn).
 * Any other value becomes `other`: anyone can write text into the callback URL.
 */
export const callbackErrors = [
  'access_denied',
  'user_cancelled_authorize',
  'user_cancelled_login',
  'invalid_request',
  'unauthorized_client',
  'unsupported_response_type',
  'invalid_scope',
  'server_error',
  'temporarily_unavailable',
  'interaction_required',
  'login_required',
  'account_selection_required',
  'consent_required',
  'redirect_uri_mismatch',
  'application_suspended',
  'other',
] as const
const intent = z.enum(['login', 'link', 'connect', 'try'])
const team = z.string()
const teamRole = z.enum(['owner', 'admin', 'member'])
/** The account whose membership changed, in the audit log of the account that changed it. */
const member = z.string().optional()
/** Changed settings with their values before and after. The value of a secret is `changed`. */
const changes = z.array(z.object({ setting: z.string(), before: z.string().nullable(), after: z.string().nullable() }))
/** The formats in which the audit log can be exported: JSON Lines, and comma-separated values (RFC 4180). */
export const exportFormats = ['jsonl', 'csv'] as const
const endpointType = z.enum(['token', 'userinfo', 'revoke', 'discovery', 'jwks', 'api'])

/**
 * All events. A fact happened once. A span started, and then stopped or ended in an exception (whose `code` is from the
 * error catalogue). `audit` facts become audit log entries, written in the transaction of the change they explain. A
 * `notice` is also emailed to the person, at their verified email address. Payloads contain neither secrets nor text
 * that a stranger chose.
 */
export const eventCatalogue = {
  'oauth.authorize_url_generated': fact(
    'A sign-in or linking started, and its provider URL was created',
    { provider, intent },
    { log: 'info' },
  ),
  'oauth.callback_received': fact(
    'A provider returned a browser to the callback',
    { provider, state_valid: z.boolean() },
    { log: 'info' },
  ),
  'oauth.callback_refused': fact(
    'A provider returned a browser with an error instead of a code',
    { provider, error: z.enum(callbackErrors) },
    { log: 'warn' },
  ),
  'oauth.token_exchange': span('A code was exchanged for the provider’s tokens', { provider }, {}),
  'oauth.user_info_fetch': span(
    'A provider’s profile (UserInfo) was requested',
    { provider },
    { from_cache: z.boolean() },
  ),
  'oauth.account_reconciliation': span(
    'The account of an identity was decided',
    { provider },
    { action_taken: action },
  ),

  'authentication.succeeded': fact(
    'A person signed in',
    { provider, action, session: z.string() },
    { audit: true, log: 'info' },
  ),
  'authentication.email_requested': fact(
    'A link and a code to sign in with were sent to an email address',
    {},
    { audit: true, log: 'info' },
  ),
  'authentication.failed': fact(
    'A sign-in was refused; `provider` is `none` if no sign-in method had been used; refusals without a limit (of throttled attempts, passkeys and invalid links) share one audit log entry, whose `attempts` grow for an hour',
    { provider, code, intent, attempts: z.number().optional() },
    { audit: true, log: 'warn' },
  ),
  'account.created': fact(
    'An account was created; `via` is `invitation` if an administrator created it for a person',
    { via: provider, by: by.optional() },
    { audit: true, log: 'info' },
  ),
  'account.invited': fact(
    'An administrator sent a person an invitation to the account that was created for them',
    { by },
    { audit: true, log: 'info' },
  ),
  'account.invitation_accepted': fact(
    'An invited person proved the email address, and got the account that was created for them',
    {},
    { audit: true, log: 'info' },
  ),
  'account.invitation_withdrawn': fact(
    'An administrator withdrew an invitation, and the account that waited for it was deleted',
    { by },
    { audit: true, log: 'info' },
  ),
  'account.email_changed': fact('The email address of an account was changed', {}, { audit: true, log: 'info' }),
  'account.email_change_requested': fact(
    'A message was sent to a new email address, to confirm it for an account',
    {},
    { audit: true, log: 'info' },
  ),
  'account.email_verification_requested': fact(
    'A message was sent to the email address of an account, to verify it',
    {},
    { audit: true, log: 'info' },
  ),
  'account.sessions_read': fact(
    'An administrator or auditor read the sessions of an account',
    { by },
    { audit: true, log: 'info' },
  ),
  'account.disabled': fact('An account was disabled', { by }, { audit: true, notice: true, log: 'info' }),
  'account.enabled': fact('A disabled account was enabled again', { by }, { audit: true, log: 'info' }),
  'account.role_changed': fact(
    'An account was given another role',
    { by, role: z.enum(roles) },
    { audit: true, notice: true, log: 'info' },
  ),
  'account.exported': fact('A person exported their data', {}, { audit: true, log: 'info' }),
  'account.updated': fact(
    'A profile was changed',
    { fields: z.array(z.string()), by: by.optional() },
    { audit: true, log: 'info' },
  ),
  'account.metadata_changed': fact(
    'The metadata of an account was changed; `keys` are the names of the changed keys, `credential` the back end that did it',
    { keys: z.array(z.string()), by: by.optional(), credential: z.string().optional() },
    { audit: true, log: 'info' },
  ),
  'account.deleted': fact('An account and its data were deleted', { by: by.optional() }, { audit: true, log: 'info' }),
  'account.email_verified': fact('An account verified its email address', { provider }, { audit: true, log: 'info' }),
  'account.email_claim_ended': fact(
    'Another account verified an email address that this account had only claimed; `deletion`: this account has no sign-in method left and is deleted in the background',
    { deletion: z.literal('later').optional() },
    { audit: true, log: 'info' },
  ),
  'identity.link_started': fact(
    'A user was sent to a provider to link it, or to grant more permissions with a linked identity',
    { provider, purpose: z.enum(['link', 'more']) },
    { audit: true, log: 'info' },
  ),
  'identity.linked': fact(
    'A provider identity was linked to an account',
    { provider, identity: z.string(), how: z.enum(['verified_email', 'invitation', 'on_purpose', 'conflict']) },
    { audit: true, notice: true, log: 'info' },
  ),
  'identity.unlinked': fact(
    'A provider identity was unlinked',
    { provider, identity: z.string() },
    { audit: true, notice: true, log: 'info' },
  ),
  'identity.unlink_refused': fact('An unlink request was refused', { code }, { audit: true, log: 'warn' }),
  'conflict.opened': fact(
    'The email address of a sign-in already belonged to another account',
    { provider },
    { audit: true, log: 'info' },
  ),
  'conflict.resolved': fact(
    'A conflict about an email address was resolved',
    { provider, action: z.enum(['link', 'create']) },
    { audit: true, log: 'info' },
  ),

  'password.set': fact('An account got its first password', {}, { audit: true, notice: true, log: 'info' }),
  'password.changed': fact('A password was changed', {}, { audit: true, notice: true, log: 'info' }),
  'password.reset': fact(
    'A password was reset through an emailed link',
    {},
    { audit: true, notice: true, log: 'info' },
  ),
  'password.reset_requested': fact(
    'A link to choose a new password was sent to an email address',
    {},
    { audit: true, log: 'info' },
  ),
  'password.reset_started': fact(
    'An administrator sent an account a link to choose a new password',
    { by },
    { audit: true, log: 'info' },
  ),
  'password.removed': fact('An account no longer has a password', {}, { audit: true, notice: true, log: 'info' }),
  'second_factor.started': fact(
    'The setup of an authenticator app started; it is active after the first code',
    { factor },
    { audit: true, log: 'info' },
  ),
  'second_factor.cancelled': fact(
    'The setup of an authenticator app was canceled before its first code',
    { factor },
    { audit: true, log: 'info' },
  ),
  'second_factor.added': fact(
    'A second factor was added to an account',
    { factor },
    { audit: true, notice: true, log: 'info' },
  ),
  'second_factor.removed': fact(
    'A second factor was removed from an account',
    { factor, by: by.optional() },
    { audit: true, notice: true, log: 'info' },
  ),
  'passkey.renamed': fact('A passkey was renamed', { passkey: z.string() }, { audit: true, log: 'info' }),
  'recovery_codes.made': fact(
    'Recovery codes were created; older ones are invalid',
    {},
    { audit: true, notice: true, log: 'info' },
  ),
  'recovery_code.used': fact(
    'A recovery code was used instead of a second factor',
    { left: z.number() },
    { audit: true, notice: true, log: 'warn' },
  ),
  'device.new': fact(
    'A person signed in on a new device',
    { session: z.string(), provider },
    { audit: true, notice: true, log: 'info' },
  ),
  'service_credential.created': fact(
    'A service credential was created',
    { credential: z.string(), by },
    { audit: true, log: 'info' },
  ),
  'service_credential.rotated': fact(
    'The secret of a service credential was rotated',
    { credential: z.string(), by },
    { audit: true, log: 'info' },
  ),
  'service_credential.revoked': fact(
    'A service credential was revoked',
    { credential: z.string(), by },
    { audit: true, log: 'info' },
  ),
  'service_credential.refused': fact(
    'A back end used a wrong or revoked secret',
    { credential: z.string().nullable() },
    { audit: true, log: 'warn' },
  ),
  'branding.updated': fact(
    'The name, colors or texts of the service were changed',
    { fields: z.array(z.string()), by },
    { audit: true, log: 'info' },
  ),
  'application.created': fact(
    'An application was registered',
    { application: z.string(), by },
    { audit: true, log: 'info' },
  ),
  'application.updated': fact(
    'A registered application was changed',
    { application: z.string(), by },
    { audit: true, log: 'info' },
  ),
  'application.deleted': fact(
    'A registered application was deleted',
    { application: z.string(), by },
    { audit: true, log: 'info' },
  ),
  'application.secret_rotated': fact(
    'The secret of an application was rotated',
    { application: z.string(), by },
    { audit: true, log: 'info' },
  ),
  'application.secret_ended': fact(
    'The previous secret of an application was ended before its time',
    { application: z.string(), by },
    { audit: true, log: 'info' },
  ),
  'application.disabled': fact(
    'An application was disabled: its tokens are refused',
    { application: z.string(), by },
    { audit: true, log: 'warn' },
  ),
  'application.enabled': fact(
    'A disabled application was enabled again',
    { application: z.string(), by },
    { audit: true, log: 'info' },
  ),
  'application.registered': fact(
    'An application registered itself; `credential` is the ID of the initial access token that it used, or null',
    { application: z.string(), credential: z.string().nullable() },
    { audit: true, log: 'info' },
  ),
  'application.registration_changed': fact(
    'An application that registered itself changed its registration',
    { application: z.string() },
    { audit: true, log: 'info' },
  ),
  'application.registration_deleted': fact(
    'An application that registered itself deleted its registration',
    { application: z.string() },
    { audit: true, log: 'info' },
  ),
  'application.document_read': fact(
    'The metadata document of an application was read for the first time, or says something else than before; `application` is its URL',
    { application: z.string() },
    { audit: true, log: 'info' },
  ),
  'application.expired': fact(
    'An application that registered itself was deleted, because nobody used it for a long time',
    { application: z.string() },
    { audit: true, log: 'info' },
  ),
  'registration_token.created': fact(
    'An initial access token was created, with which applications register themselves',
    { credential: z.string(), by },
    { audit: true, log: 'info' },
  ),
  'registration_token.revoked': fact(
    'An initial access token was revoked',
    { credential: z.string(), by },
    { audit: true, log: 'info' },
  ),
  'application.refused': fact(
    'An application sent a wrong secret or a wrong assertion, or is disabled; one audit log entry counts the `attempts` of an hour',
    {
      application: z.string().nullable(),
      method: z.enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt']),
      attempts: z.number().optional(),
    },
    { audit: true, log: 'warn' },
  ),
  'application.consented': fact(
    'A person allowed an application to see some of their data',
    { application: z.string() },
    { audit: true, log: 'info' },
  ),
  'application.withdrawn': fact(
    'A person ended an application: its consent and its sign-ins on every device',
    { application: z.string() },
    { audit: true, log: 'info' },
  ),
  'application.signed_in': fact(
    'A person signed in to an application',
    { application: z.string(), session: z.string() },
    { audit: true, log: 'info' },
  ),
  'application.signed_out': fact(
    'A person was signed out of an application; the device stays signed in',
    { application: z.string(), session: z.string(), reason: z.enum(['revoked', 'code_reused', 'token_reused']) },
    { audit: true, log: 'info' },
  ),
  'application.token_issued': fact(
    'A machine application got an access token for a resource',
    { application: z.string(), resource: z.string(), scope: z.string() },
    { audit: true, log: 'info' },
  ),
  'application.request_refused': fact(
    'An authorization request was refused; `application` is null if it names none that is registered',
    { application: z.string().nullable(), error: code },
    { log: 'warn' },
  ),
  'application.refreshed': fact('An application refreshed its tokens, or was refused', {
    result: z.enum(['rotated', 'replayed', 'reused', 'refused']),
  }),
  'application.logout_notified': fact(
    'An application was notified that a session ended (back-channel logout), or could not be',
    { application: z.string(), result: z.enum(['sent', 'transient', 'gave_up']) },
    { log: 'info' },
  ),
  'mail.handled': fact(
    'A message was sent, or could not be',
    {
      template: z.string(),
      result: z.enum(['sent', 'transient', 'gave_up']),
      server: z.enum(['answered', 'failed', 'unknown']),
    },
    { log: 'info' },
  ),

  'session.ended': fact(
    'A device was signed out',
    {
      session: z.string(),
      reason: z.enum([
        'logout',
        'logout_all',
        'revoked',
        'replaced',
        'session_limit',
        'token_reused',
        'code_reused',
        'identity_unlinked',
        'email_claim_ended',
        'account_deleted',
        'password_changed',
        'password_reset',
        'password_removed',
        'second_factor_added',
        'second_factor_removed',
        'email_changed',
        'account_disabled',
        'by_administrator',
        'operator',
      ]),
      by: by.optional(),
    },
    { audit: true, log: 'info' },
  ),
  'session.renamed': fact('A device was renamed', { session: z.string() }, { audit: true, log: 'info' }),
  'session.token_reused': fact(
    'An old refresh token was used, so its device was signed out',
    { session: z.string() },
    { audit: true, log: 'warn' },
  ),
  'session.refreshed': fact('A token pair was refreshed, or refused', {
    result: z.enum(['rotated', 'replayed', 'reused', 'refused']),
  }),
  'signing_key.rotated': fact('A new signing key was published', { key: z.string() }, { audit: true, log: 'info' }),

  'provider.created': fact(
    'An administrator added a provider, as a draft',
    { provider, kind: z.string(), changes, by },
    { audit: true, log: 'info' },
  ),
  'provider.updated': fact(
    'The settings of a provider were changed, as a draft; `restored` is the earlier version they come from',
    { provider, version: z.number(), restored: z.number().optional(), changes, by },
    { audit: true, log: 'info' },
  ),
  'provider.tried': fact(
    'An administrator signed in with a draft of a provider’s settings',
    { provider, version: z.number(), by },
    { audit: true, log: 'info' },
  ),
  'provider.went_live': fact(
    'A draft of a provider’s settings became live; `forced` if its author had not tried it',
    { provider, version: z.number(), forced: z.boolean(), by },
    { audit: true, log: 'info' },
  ),
  'provider.enabled': fact('A provider was enabled', { provider, by }, { audit: true, log: 'info' }),
  'provider.disabled': fact('A provider was disabled', { provider, by }, { audit: true, log: 'info' }),
  'provider.deleted': fact(
    'A provider was deleted; `withdrawn` if its grants were withdrawn at the provider',
    { provider, withdrawn: z.boolean(), by },
    { audit: true, log: 'info' },
  ),
  'provider.secret_expiring': fact(
    'The client secret of a provider expires soon, and administrators were notified',
    { provider, days: z.number() },
    { audit: true, notice: true, log: 'warn' },
  ),
  'provider.not_loaded': fact(
    'A stored provider cannot be used on this node: its settings are invalid, no encryption key opens its secret, or the environment has the same ID',
    { provider, reason: z.enum(['invalid_settings', 'unreadable_secret', 'in_environment']) },
    { log: 'error' },
  ),
  'provider.call_failed': fact(
    'A call to a provider’s endpoint failed',
    { provider, endpoint_type: endpointType, reason: z.string() },
    { log: 'warn' },
  ),
  'provider.issuer_mismatch': fact(
    'A provider’s discovery document or id_token names another issuer than the configured one; the two must match exactly',
    {
      provider,
      endpoint_type: endpointType,
      configured: z.string(),
      received: z.string(),
      hint: z.enum([
        'configured_without_trailing_slash',
        'configured_with_extra_trailing_slash',
        'letter_case',
        'scheme',
        'tenant_placeholder',
        'none',
      ]),
    },
    { log: 'error' },
  ),
  'provider.call_refused': fact(
    'A provider’s endpoint refused a request, with its error code if there is one',
    { provider, endpoint_type: endpointType, status: z.number(), code: code.nullable() },
    { log: 'warn' },
  ),
  'provider.breaker_changed': fact(
    'A circuit breaker opened (logged as an error), half opened or closed (logged as info)',
    { provider, endpoint_type: endpointType, state: z.enum(['closed', 'half_open', 'open']) },
    { log: 'error' },
  ),
  'provider_token.refreshed': fact(
    'A provider token was renewed, or could not be',
    {
      provider,
      result: z.enum(['refreshed', 'transient', 'rate_limited', 'client_misconfigured', 'needs_reauthorization']),
    },
    { log: 'info' },
  ),
  'provider_token.needs_reauthorization': fact(
    'A provider no longer accepts our grant',
    { provider },
    { audit: true, notice: true, log: 'warn' },
  ),
  'provider_token.lent': fact(
    'A provider’s access token was lent to a back end',
    { provider, credential: z.string(), team: team.optional() },
    { audit: true, log: 'info' },
  ),
  'provider_token.extended': fact(
    'A person answered a request for more permissions at a provider',
    { provider, identity: z.string() },
    { audit: true, log: 'info' },
  ),
  'provider_token.withdrawn': fact(
    'A person withdrew a grant and kept the sign-in method',
    { provider, identity: z.string() },
    { audit: true, log: 'info' },
  ),
  'provider_token.revoked': fact(
    'A grant was revoked at its provider',
    { provider, result: z.enum(['revoked', 'not_supported', 'still_needed', 'gave_up']) },
    { audit: true, log: 'info' },
  ),
  'team.created': fact('A team was created', { team }, { audit: true, log: 'info' }),
  'team.renamed': fact('A team was renamed', { team }, { audit: true, log: 'info' }),
  'team.deleted': fact('A team was deleted, and its grants withdrawn', { team }, { audit: true, log: 'info' }),
  'team.invited': fact(
    'A person was invited to a team',
    { team, invitation: z.string(), role: teamRole },
    { audit: true, log: 'info' },
  ),
  'team.invitation_withdrawn': fact(
    'An invitation to a team was withdrawn',
    { team, invitation: z.string() },
    { audit: true, log: 'info' },
  ),
  'team.joined': fact('A person joined a team', { team, role: teamRole }, { audit: true, log: 'info' }),
  'team.left': fact(
    'A person left a team, or `done_by` removed them; the entry of that account names the `member`',
    { team, done_by: z.string().optional(), member },
    { audit: true, log: 'info' },
  ),
  'team.role_changed': fact(
    'The role of a team member changed. Without `done_by`, because the last owner was deleted; the entry of the account that changed it names the `member`',
    { team, role: teamRole, done_by: z.string().optional(), member },
    { audit: true, log: 'info' },
  ),
  'jira.connected': fact(
    'A team was connected to Jira; handed over if another person had connected it before',
    { team, handed_over: z.boolean(), sites: z.number() },
    { audit: true, log: 'info' },
  ),
  'jira.sites_chosen': fact(
    'The Jira sites of a team were chosen',
    { team, sites: z.number() },
    { audit: true, log: 'info' },
  ),
  'jira.disconnected': fact(
    'A team was disconnected from Jira',
    { team, reason: z.enum(['asked', 'team_deleted']) },
    { audit: true, log: 'info' },
  ),
  'jira.drifted': fact(
    'The sites that a team’s connection reaches changed at Jira',
    { team, change: z.enum(['site_gone', 'site_back', 'site_renamed', 'scopes_reduced']) },
    { audit: true, log: 'warn' },
  ),
  'jira.needs_reauthorization': fact(
    'A team’s connection to Jira stopped working; its owners and admins were notified',
    { team, reason: z.enum(['invalid_grant', 'connector_left', 'connector_disabled']) },
    { audit: true, notice: true, log: 'warn' },
  ),
  'job.ran': fact(
    'A run of a background job ended',
    { job: z.string(), outcome: z.enum(['ok', 'failed']), ms: z.number() },
    { log: 'debug' },
  ),
  'sweep.ran': fact(
    'Rows of one kind that ended long ago were erased, or could not be',
    { sweep: z.string(), outcome: z.enum(['ok', 'failed']), rows: z.number() },
    { log: 'debug' },
  ),
  'user_info_cache.read': fact('A profile was looked up in the cache', { provider, hit: z.boolean() }),

  'audit.read': fact(
    'An administrator or auditor read the audit log: of one `account`, or of all',
    { account: z.string().nullable() },
    { audit: true, log: 'info' },
  ),
  'audit.exported': fact(
    'An administrator or auditor exported the audit log: of one `account`, or of all',
    { account: z.string().nullable(), format: z.enum(exportFormats) },
    { audit: true, log: 'info' },
  ),
  'access.refused': fact(
    'A request was refused for missing permissions or an invalid one-time code, or because another site caused it',
    { code, method: z.string(), route: z.string() },
    { audit: true, log: 'warn' },
  ),
  'http.answered': fact('A request was answered', {
    method: z.enum(httpMethods),
    route: z.string(),
    status: z.number(),
    ms: z.number(),
  }),
  'handler.failed': fact(
    'An event listener failed; logged at most once a minute for each',
    { handler: z.string(), heard: z.string(), reason: z.string() },
    { log: 'error' },
  ),
} as const

type Catalogue = typeof eventCatalogue
type OfKind<K> = { [N in keyof Catalogue]: Catalogue[N]['kind'] extends K ? N : never }[keyof Catalogue]
export type SpanName = OfKind<'span'>
export type FactName = OfKind<'fact'>
export type AuditName = { [N in FactName]: Catalogue[N] extends { audit: true } ? N : never }[FactName]
export const auditNames = (Object.keys(eventCatalogue) as (keyof Catalogue)[]).filter(
  (name): name is AuditName => 'audit' in eventCatalogue[name],
)
/** Events that are also emailed to the person. */
export type NoticeName = { [N in AuditName]: Catalogue[N] extends { notice: true } ? N : never }[AuditName]
export type Payload<N extends keyof Catalogue> = z.infer<Catalogue[N]['payload']>
type Shape<S extends Readonly<Record<string, z.ZodType>>> = { [K in keyof S]: z.infer<S[K]> }
export type Outcome<N extends SpanName> = Shape<Catalogue[N]['outcome']['shape']>

/** The origin of a request: for the audit log and the device list, never for deciding which account it belongs to. */
export type Origin = {
  readonly ip: string | null
  readonly userAgent: string | null
  readonly requestId: string | null
  /** The language that the request states, if any. Messages to a person use their own language if it is known. */
  readonly locale?: Locale
  /** SHA-256 of the secret that a browser keeps once a person has proven themselves in it. */
  readonly device?: string
}

/** The origin of a job or a command, without a request. */
export const internalOrigin: Origin = { ip: null, userAgent: null, requestId: null }

/**
 * The origin of a request in the audit log of another account. The IP address and user agent of the person who made it
 * are not shown there; the request ID lets an operator find them.
 */
export const originForOthers = ({ requestId }: Origin): Origin => ({ ...internalOrigin, requestId })

/** A fact, the account it is about, and its origin. Every change must pass its facts (`because`). */
export type Fact = {
  [N in AuditName]: {
    readonly name: N
    readonly data: Payload<N>
    readonly accountId: string | null
    readonly origin: Origin
  }
}[AuditName]

/** What a wrong passkey is refused with. It is no guess, so nothing throttles it, and strangers may know its ID. */
const passkeyRefusals: ReadonlySet<string> = new Set(['passkey_rejected', 'second_factor_invalid', 'ticket_invalid'])

/** Whether anyone can cause this refusal without limit. */
const isUnlimited = ({ code, provider }: Payload<'authentication.failed'>, accountId: string | null): boolean =>
  code === 'too_many_attempts' ||
  (code === 'ticket_invalid' && accountId === null) ||
  (provider === 'passkey' && passkeyRefusals.has(code))

/**
 * The key of an audit log entry that counts facts instead of holding one: facts with the same key share an entry for an
 * hour. Anyone can cause some refusals without limit: with one entry each, a stranger could fill the audit log of
 * another person, or that of the operators. `null`: the fact gets an entry of its own.
 */
export function countingKey({ name, data, accountId }: Fact): string | null {
  if (name === 'authentication.failed' && isUnlimited(data, accountId))
    return `${name} ${data.code} ${data.provider} ${data.intent} ${accountId ?? ''}`
  // Without the network: a caller with many addresses would get as many entries.
  return name === 'application.refused' ? `${name} ${data.application ?? ''} ${data.method}` : null
}

type FactEvent<N extends FactName> = { name: N; at: Date; data: Payload<N>; accountId?: string | null; origin?: Origin }
type SpanEvent<N extends SpanName> =
  | { name: `${N}.start`; at: Date; data: Payload<N> }
  | { name: `${N}.stop`; at: Date; ms: number; data: Payload<N> & Outcome<N> }
  | { name: `${N}.exception`; at: Date; ms: number; code: string; data: Payload<N> }

export type Event = { [N in FactName]: FactEvent<N> }[FactName] | { [N in SpanName]: SpanEvent<N> }[SpanName]
export type EventName = Event['name']
