import { z } from 'zod'
import { ok, type Result } from '../../kernel/result.ts'
import type { Examination } from '../../providers/examine.ts'
import type { InvalidProvider, ManagedProvider, SettingsVersion, Trial } from '../../providers/managed.ts'
import { json, noContent } from '../reply.ts'
import { type HandlerOutcome, object, route } from '../route.ts'
import { managedProviderParams, pageSize, storable, time } from '../schemas/fields.ts'
import { StartedFlow, startedFlow } from '../schemas/sign-in.ts'
import type { Services } from '../services.ts'

const common = { tag: 'Providers', surface: 'api', limit: 'account' } as const
const reading = { ...common, auth: 'user', scope: 'providers:read' } as const
const writing = { ...common, auth: 'recent', scope: 'providers:write' } as const

const settingName = z.string().regex(/^[A-Z][A-Z0-9_]{0,40}$/)
const settingText = storable(16_384).min(1)
const order = z.number().int().min(0).max(1_000_000).describe('Its place in the list: the smallest number comes first')
/** PostgreSQL has no year 0, and a secret that expired long ago is a mistake. */
const secretExpiry = time
  .refine((text) => text >= '2000', 'must be after 1999')
  .nullable()
  .describe('When the client secret expires at the provider; null if it does not')
const force = z
  .boolean()
  .default(false)
  .describe('Make the draft live although its author has not signed in with it; recorded in the audit log')
const revision = z
  .number()
  .int()
  .optional()
  .describe('The `revision` that the change is based on; refused if another administrator changed the provider since')

const Version = z
  .object({
    version: z.number().int().describe('Its number; the first is 1'),
    state: z.enum(['draft', 'live', 'former']).describe('Whether it is a draft, live, or was live'),
    settings: z
      .record(z.string(), z.string())
      .describe('The settings that are not secret: the names of the environment without the prefix'),
    secrets: z.array(z.string()).describe('The secret settings that have a value. The values are never returned'),
    secret_expires_at: secretExpiry,
    author: z.string().nullable().describe('The account ID of its author; null for a command or if deleted'),
    created_at: time.describe('When it was saved'),
    live_at: time.nullable().describe('When it became live'),
    tried_at: time.nullable().describe('When its author signed in with it'),
  })
  .meta({ id: 'ProviderVersion', description: 'A version of the settings of a provider' })

const Managed = z
  .object({
    id: z.string().describe('The provider ID, for `/auth/{provider}`'),
    kind: z.string().describe('The kind of provider, such as `oidc`'),
    name: z.string().describe('The name to show'),
    source: z
      .enum(['environment', 'database'])
      .describe('Where its settings are; a provider from the environment cannot be changed here'),
    enabled: z.boolean().describe('Whether it is enabled'),
    in_use: z.boolean().describe('Whether users can sign in with it now'),
    status: z
      .enum(['up', 'degraded', 'down'])
      .nullable()
      .describe('Whether sign-ins with it work at present; null if it is not in use'),
    redirect_uris: z.record(z.string(), z.string()).describe('The redirect URIs to register at the provider, by key'),
    order: order.nullable(),
    revision: z.number().int().nullable().describe('Grows with every change; null for the environment'),
    live: Version.nullable().describe('The settings that are in use while it is enabled'),
    draft: Version.nullable().describe('Changed settings that are not in use yet'),
    created_at: time.nullable().describe('When it was added'),
    created_by: z.string().nullable().describe('The account ID of the administrator; null for a command or if deleted'),
    updated_at: time.nullable().describe('When it was last changed'),
    updated_by: z.string().nullable().describe('The account ID of the administrator; null for a command or if deleted'),
  })
  .meta({ id: 'ManagedProvider', description: 'A provider as administrators see it' })

const versionOf = (one: SettingsVersion): z.input<typeof Version> => ({
  version: one.version,
  state: one.state,
  settings: { ...one.settings },
  secrets: [...one.secrets],
  secret_expires_at: one.secretExpiresAt?.toISOString() ?? null,
  author: one.author,
  created_at: one.createdAt.toISOString(),
  live_at: one.liveAt?.toISOString() ?? null,
  tried_at: one.triedAt?.toISOString() ?? null,
})
const providerOf = (one: ManagedProvider, { providers }: Services): z.input<typeof Managed> => ({
  id: one.id,
  kind: one.kind,
  name: one.name,
  source: one.source,
  enabled: one.enabled,
  in_use: one.inUse !== null,
  status: one.inUse && providers.status(one.inUse),
  redirect_uris: { ...one.redirectUris },
  order: one.record?.position ?? null,
  revision: one.record?.revision ?? null,
  live: one.live && versionOf(one.live),
  draft: one.draft && versionOf(one.draft),
  created_at: one.record?.createdAt.toISOString() ?? null,
  created_by: one.record?.createdBy ?? null,
  updated_at: one.record?.updatedAt.toISOString() ?? null,
  updated_by: one.record?.updatedBy ?? null,
})

const exampleVersion = {
  version: 1,
  state: 'draft',
  settings: { CLIENT_ID: 'vinculum', ISSUER: 'https://login.example.org' },
  secrets: ['CLIENT_SECRET'],
  secret_expires_at: null,
  author: 'usr_00000001',
  created_at: '2026-01-08T10:00:00.000Z',
  live_at: null,
  tried_at: null,
}
const exampleProvider = {
  id: 'staff',
  kind: 'oidc',
  name: 'Staff',
  source: 'database',
  enabled: false,
  in_use: false,
  status: null,
  redirect_uris: { default: 'https://id.example.org/auth/staff/callback' },
  order: 0,
  revision: 1,
  live: null,
  draft: exampleVersion,
  created_at: '2026-01-08T10:00:00.000Z',
  created_by: 'usr_00000001',
  updated_at: '2026-01-08T10:00:00.000Z',
  updated_by: 'usr_00000001',
}
const exampleLive = {
  ...exampleProvider,
  enabled: true,
  in_use: true,
  status: 'up',
  revision: 3,
  live: {
    ...exampleVersion,
    state: 'live',
    live_at: '2026-01-08T10:05:00.000Z',
    tried_at: '2026-01-08T10:04:00.000Z',
  },
  draft: null,
}

/** The result of a change. Errors of settings name the fields. */
function answer<E extends { readonly code: string }>(
  done: Result<ManagedProvider, E | InvalidProvider>,
  services: Services,
): HandlerOutcome<ReturnType<typeof shown>, E> {
  if (done.ok) return ok(shown(done.value, services))
  const { error } = done
  return isInvalid(error)
    ? {
        ok: false,
        error: error as unknown as E,
        faults: error.faults.map(({ field, message }) => ({ path: field, code: 'setting', params: { message } })),
      }
    : { ok: false, error }
}
const shown = (provider: ManagedProvider, services: Services) => json(providerOf(provider, services))
const isInvalid = (error: object): error is InvalidProvider => 'faults' in error

const list = route({
  ...reading,
  method: 'get',
  path: '/providers',
  summary: 'List managed providers',
  description: 'All providers: those from the environment, and those that administrators added, with their drafts.',
  example: { response: [exampleLive] },
  reply: z.array(Managed),
  fails: [],
  handle: async (_, services: Services) =>
    ok(json((await services.flows.manageProviders.list()).map((one) => providerOf(one, services)))),
})

const read = route({
  ...reading,
  method: 'get',
  path: '/providers/:id',
  summary: 'Get a managed provider',
  description: 'One provider with its live settings and its draft, without the values of secrets.',
  example: { response: exampleLive },
  params: managedProviderParams,
  reply: Managed,
  fails: ['provider_not_found'],
  handle: async ({ params }, services: Services) =>
    answer(await services.flows.manageProviders.find(params.id), services),
})

export const create = route({
  ...writing,
  method: 'post',
  path: '/providers',
  summary: 'Add a provider',
  description:
    'Adds a provider as a draft, with which users cannot sign in yet. Register `redirect_uris` at the provider, try the draft, then enable it. All errors of the settings are reported together.',
  example: {
    request: {
      id: 'staff',
      kind: 'oidc',
      settings: {
        CLIENT_ID: 'vinculum',
        CLIENT_SECRET: 'from-the-console-of-the-provider',
        ISSUER: 'https://login.example.org',
      },
    },
    response: exampleProvider,
  },
  body: object({
    id: storable(40).describe('The provider ID, for `/auth/{provider}`. It cannot be changed'),
    kind: storable(40).describe('The kind of provider, such as `oidc`. It cannot be changed'),
    settings: z
      .record(settingName, settingText)
      .describe('The settings, secrets included: the names of the environment without the prefix'),
    order: order.optional(),
    secret_expires_at: secretExpiry.optional(),
  }),
  reply: Managed,
  status: 201,
  fails: ['provider_exists', 'too_many_providers', 'provider_not_found', 'invalid_request'],
  async handle({ who, body, origin }, services: Services) {
    const { order: position, secret_expires_at: expiry, ...data } = body
    const given = {
      ...data,
      ...(position === undefined ? {} : { position }),
      ...(expiry === undefined ? {} : { secretExpiresAt: dateOf(expiry) }),
    }
    return answer(await services.flows.manageProviders.create(who.accountId, given, origin), services)
  },
})

export const update = route({
  ...writing,
  method: 'patch',
  path: '/providers/:id',
  summary: 'Change a provider',
  description:
    'Changes settings: the result is a draft, and the live settings stay in use until the draft is published. A setting that is null is removed. If an issuer or endpoint changes, send the secrets again. `order` and `secret_expires_at` change at once.',
  example: {
    request: { settings: { NAME: 'Staff' } },
    response: { ...exampleProvider, revision: 2 },
  },
  params: managedProviderParams,
  body: object({
    settings: z
      .record(settingName, settingText.nullable())
      .optional()
      .describe('The settings to change, secrets included; null removes one'),
    order: order.optional(),
    secret_expires_at: secretExpiry.optional(),
    revision,
    force: force.describe('Publish the change at once, although its author has not signed in with it'),
  }),
  reply: Managed,
  fails: [
    'provider_not_found',
    'provider_not_editable',
    'provider_changed',
    'provider_secret_required',
    'provider_not_tried',
    'provider_discovery_failed',
    'invalid_request',
  ],
  async handle({ who, params, body, origin }, services: Services) {
    const { order: position, secret_expires_at: expiry, force: publishes, ...change } = body
    const { manageProviders } = services.flows
    const secretExpiresAt = expiry === undefined ? undefined : dateOf(expiry)
    const changed = await manageProviders.change(
      who.accountId,
      params.id,
      { ...change, position, secretExpiresAt },
      origin,
    )
    // Only the draft of this change: another one has not been seen by its author, or belongs to someone else.
    const { draft = null, record = null } = changed.ok ? changed.value : {}
    if (!publishes || draft?.author !== who.accountId) return answer(changed, services)
    const publishing = { force: true, revision: record?.revision }
    return answer(await manageProviders.goLive(who.accountId, params.id, publishing, origin), services)
  },
})

/** What makes a draft live has the same consequences and errors, whatever it is called. */
const publishing = {
  ...writing,
  params: managedProviderParams,
  bodyOptional: true,
  reply: Managed,
  fails: [
    'provider_not_found',
    'provider_not_editable',
    'provider_changed',
    'provider_not_tried',
    'provider_discovery_failed',
    'invalid_request',
  ],
} as const

export const publish = route({
  ...publishing,
  method: 'post',
  path: '/providers/:id/publish',
  summary: 'Publish a draft',
  description:
    'Makes the draft live on every node within two seconds, without a restart. Sign-ins in progress finish with the settings they began with. The author must have tried the draft, and its endpoints must be known.',
  example: { request: { revision: 2 }, response: exampleLive },
  body: object({ revision, force }),
  handle: async ({ who, params, body, origin }, services: Services) =>
    answer(await services.flows.manageProviders.goLive(who.accountId, params.id, body, origin), services),
})

export const enable = route({
  ...publishing,
  method: 'post',
  path: '/providers/:id/enable',
  summary: 'Enable a provider',
  description: 'Lets users sign in with the provider. If it was never live, its draft is published first.',
  example: { request: { force: false }, response: exampleLive },
  body: object({ force }),
  handle: async ({ who, params, body, origin }, services: Services) =>
    answer(await services.flows.manageProviders.enable(who.accountId, params.id, body, origin), services),
})

export const disable = route({
  ...writing,
  method: 'post',
  path: '/providers/:id/disable',
  summary: 'Disable a provider',
  description:
    'Ends sign-ins with the provider on every node within two seconds. Identities and grants stay, and work again when the provider is enabled. Look at its impact first.',
  example: { response: { ...exampleLive, enabled: false, in_use: false, status: null, revision: 4 } },
  params: managedProviderParams,
  reply: Managed,
  fails: ['provider_not_found', 'provider_not_editable'],
  handle: async ({ who, params, origin }, services: Services) =>
    answer(await services.flows.manageProviders.disable(who.accountId, params.id, origin), services),
})

const Check = z
  .object({
    endpoints: z.enum(['known', 'failed']).describe('Whether the endpoints are known: for OpenID Connect, discovered'),
    endpoints_failure: z.string().nullable().describe('Why they are not known: a short class for the log'),
    client: z
      .enum(['accepted', 'rejected', 'wrong_redirect_uri', 'unanswered', 'unclear'])
      .nullable()
      .describe('How the provider treats the client ID and secret; null if the endpoints are not known'),
    client_code: z.string().nullable().describe('The error code of the provider'),
  })
  .meta({ id: 'ProviderCheck', description: 'Whether the settings of a provider work' })

const checkOf = ({ endpoints, client }: Examination): z.input<typeof Check> => ({
  endpoints: endpoints.ok ? 'known' : 'failed',
  endpoints_failure: endpoints.ok ? null : endpoints.error.reason,
  client: client?.tag ?? null,
  client_code: client && 'code' in client ? client.code : null,
})

export const check = route({
  ...writing,
  method: 'post',
  path: '/providers/:id/check',
  summary: 'Check a provider',
  description:
    'Tests discovery and client authentication, with the draft if there is one. It sends a made-up code to the provider, which changes nothing there.',
  example: {
    response: { endpoints: 'known', endpoints_failure: null, client: 'accepted', client_code: 'invalid_grant' },
  },
  params: managedProviderParams,
  reply: Check,
  fails: ['provider_not_found'],
  async handle({ params }, { flows }: Services) {
    const checked = await flows.manageProviders.check(params.id)
    return checked.ok ? ok(json(checkOf(checked.value))) : checked
  },
})

const versions = route({
  ...reading,
  method: 'get',
  path: '/providers/:id/versions',
  summary: 'List versions of a provider',
  description: 'The draft, the live version and the newest former versions, newest first.',
  example: { response: [exampleVersion] },
  params: managedProviderParams,
  reply: z.array(Version),
  fails: ['provider_not_found', 'provider_not_editable'],
  async handle({ params }, { flows }: Services) {
    const found = await flows.manageProviders.versions(params.id)
    return found.ok ? ok(json(found.value.map(versionOf))) : found
  },
})

export const restore = route({
  ...writing,
  method: 'post',
  path: '/providers/:id/versions/:version/restore',
  summary: 'Restore a version of a provider',
  description: 'Makes an earlier version, with its secret, the draft. Try it, then publish it.',
  example: { response: { ...exampleLive, revision: 4, draft: { ...exampleVersion, version: 3 } } },
  params: managedProviderParams.extend({
    version: z.coerce
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .meta({ parameter: 'ProviderVersionNumber', description: 'The number of a version' }),
  }),
  reply: Managed,
  fails: [
    'provider_not_found',
    'provider_not_editable',
    'provider_secret_required',
    'provider_version_not_found',
    'invalid_request',
  ],
  handle: async ({ who, params, origin }, services: Services) =>
    answer(await services.flows.manageProviders.restore(who.accountId, params.id, params.version, origin), services),
})

const Impact = z
  .object({
    affected: z
      .number()
      .int()
      .describe('How many accounts would have no usable sign-in method left, from this page on'),
    complete: z.boolean().describe('Whether all accounts with an identity at the provider were examined'),
    accounts: z
      .array(
        z
          .object({
            id: z.string().describe('The account ID'),
            email: z.string().nullable().describe('The email address'),
            name: z.string().nullable().describe('The display name'),
          })
          .meta({ id: 'AffectedAccount', description: 'An account that could not sign in any longer' }),
      )
      .describe('The affected accounts of this page'),
    next_cursor: z.string().nullable().describe('Where the next page starts; null if there is none'),
  })
  .meta({ id: 'ProviderImpact', description: 'Who could not sign in any longer without a provider' })

const subjectCursor = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,3000}$/)
  .transform((text) => Buffer.from(text, 'base64url').toString().replaceAll('\0', ''))
  .describe('The `next_cursor` of the previous page')

const impact = route({
  ...reading,
  method: 'get',
  path: '/providers/:id/impact',
  summary: 'Show who depends on a provider',
  description:
    'The accounts that would have no usable sign-in method left without the provider, by the rules of unlinking. Look at it before you disable or delete the provider.',
  example: {
    response: {
      affected: 1,
      complete: true,
      accounts: [{ id: 'usr_00000002', email: 'pat@example.com', name: 'Pat' }],
      next_cursor: null,
    },
  },
  params: managedProviderParams,
  query: object({ cursor: subjectCursor.optional(), limit: pageSize(25) }),
  reply: Impact,
  fails: ['provider_not_found'],
  async handle({ params, query }, { flows }: Services) {
    const found = await flows.manageProviders.impactOf(params.id, { after: query.cursor ?? '', limit: query.limit })
    if (!found.ok) return found
    const { affected, accounts, next, isComplete } = found.value
    return ok(
      json({
        affected,
        complete: isComplete,
        accounts: accounts.map(({ id, email, name }) => ({ id, email, name })),
        next_cursor: next === null ? null : Buffer.from(next).toString('base64url'),
      }),
    )
  },
})

export const tryDraft = route({
  ...writing,
  method: 'post',
  path: '/providers/:id/try',
  summary: 'Try a draft',
  description:
    'Starts a sign-in with the draft, which creates nothing. Open `authorize_url`, and finish at `POST /auth/{provider}/callback` with the same account signed in. Then read the result with `GET /providers/{id}/try`.',
  example: {
    response: {
      authorize_url: 'https://login.example.org/authorize?client_id=vinculum',
      state: 'a-state',
      flow_token: 'a-flow-token',
      expires_in: 300,
    },
  },
  params: managedProviderParams,
  reply: StartedFlow,
  fails: [
    'provider_not_found',
    'provider_not_editable',
    'provider_version_not_found',
    'provider_unavailable',
    'redirect_uri_key_not_found',
    'return_to_not_allowed',
    'invalid_request',
  ],
  async handle({ who, params, origin }, { flows }: Services) {
    const begun = await flows.manageProviders.tryDraft(who, params.id, origin)
    return begun.ok ? ok(json(startedFlow(begun.value))) : begun
  },
})

const TrialResult = z
  .object({
    version: z.number().int().describe('The number of the draft that was tried'),
    at: time.describe('When it was tried'),
    outcome: z.enum(['signed_in', 'failed']).describe('Whether the provider returned a profile'),
    code: z.string().nullable().describe('The error code of a trial that failed'),
    issuer: z.string().nullable().describe('The issuer of the subject'),
    claims: z
      .object({
        subject: z.string().describe('The subject at the provider'),
        email: z.string().nullable().describe('The email address'),
        email_verified: z.boolean().describe('Whether the provider has verified it'),
        name: z.string().nullable().describe('The name'),
        picture: z.string().nullable().describe('The URL of the picture'),
      })
      .nullable()
      .describe('What was read from the response of the provider'),
    scopes: z.array(z.string()).describe('The granted scopes'),
    missing_scopes: z.array(z.string()).describe('The requested scopes that were not granted'),
    email_trusted: z.boolean().describe('Whether the email address counts as proven'),
    restriction: z.string().nullable().describe('The error code if this person may not sign in with the provider'),
    decision: z
      .object({
        action: z
          .enum(['login_existing', 'linked_existing', 'created_new_user', 'account_conflict', 'refused'])
          .describe('What would happen'),
        account: z.string().nullable().describe('The ID of the account it leads to'),
        code: z.string().nullable().describe('The error code of a refusal'),
      })
      .nullable()
      .describe('What a sign-in of this person would do'),
  })
  .meta({ id: 'TrialResult', description: 'What a trial of a draft has shown' })

const trialOf = (trial: Trial): z.input<typeof TrialResult> => {
  const { version, at, outcome } = trial
  const nothing = {
    issuer: null,
    claims: null,
    scopes: [],
    missing_scopes: [],
    email_trusted: false,
    restriction: null,
  }
  if (trial.outcome === 'failed') return { version, at, outcome, ...nothing, code: trial.code, decision: null }
  const { subject, email, emailVerified, name, picture } = trial.claims
  const { action, accountId, code } = trial.decision
  return {
    version,
    at,
    outcome,
    code: null,
    issuer: trial.issuer,
    claims: { subject, email, email_verified: emailVerified, name, picture },
    scopes: [...trial.scopes],
    missing_scopes: [...trial.missingScopes],
    email_trusted: trial.isTrusted,
    restriction: trial.restriction,
    decision: { action, account: accountId, code },
  }
}

const trial = route({
  ...reading,
  method: 'get',
  path: '/providers/:id/try',
  summary: 'Get the result of a trial',
  description:
    'What the provider returned when you tried the draft, and what a sign-in would do. Only you can read it, for an hour.',
  example: {
    response: {
      version: 1,
      at: '2026-01-08T10:00:00.000Z',
      outcome: 'signed_in',
      code: null,
      issuer: 'https://login.example.org',
      claims: {
        subject: '4711',
        email: 'pat@example.com',
        email_verified: true,
        name: 'Pat',
        picture: null,
      },
      scopes: ['openid', 'email'],
      missing_scopes: [],
      email_trusted: false,
      restriction: null,
      decision: { action: 'account_conflict', account: null, code: null },
    },
  },
  params: managedProviderParams,
  reply: TrialResult,
  fails: ['provider_not_found', 'provider_not_editable', 'provider_trial_not_found'],
  async handle({ who, params }, { flows }: Services) {
    const found = await flows.manageProviders.trial(who.accountId, params.id)
    return found.ok ? ok(json(trialOf(found.value))) : found
  },
})

export const remove = route({
  ...writing,
  method: 'delete',
  path: '/providers/:id',
  summary: 'Delete a provider',
  description:
    'Deletes a provider with its versions and secrets. Identities stay, shown as unavailable, and work again when a provider with the same ID and issuer returns. With `withdraw`, the grants of its users are revoked at the provider first; until that is done, the ID cannot be used again.',
  params: managedProviderParams,
  query: object({
    withdraw: z.enum(['true', 'false']).optional().describe('Revoke the grants of all its users at the provider'),
  }),
  status: 204,
  fails: ['provider_not_found', 'provider_not_editable'],
  async handle({ who, params, query, origin }, { flows }: Services) {
    const withdraw = query.withdraw === 'true'
    const done = await flows.manageProviders.remove(who.accountId, params.id, { withdraw }, origin)
    return done.ok ? ok(noContent()) : done
  },
})

const dateOf = (text: string | null): Date | null => (text === null ? null : new Date(text))

export const managedProviderRoutes = [
  list,
  create,
  read,
  update,
  publish,
  enable,
  disable,
  check,
  impact,
  tryDraft,
  trial,
  versions,
  restore,
  remove,
]
