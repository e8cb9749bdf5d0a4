/** What administrators do with the providers that they manage. */
import { z } from 'zod'
import { ok } from '../../kernel/result.ts'
import type { Examination } from '../../providers/examine.ts'
import { json, noContent } from '../reply.ts'
import { object, route } from '../route.ts'
import { managedProviderParams, storable } from '../schemas/fields.ts'
import { StartedFlow, startedFlow } from '../schemas/sign-in.ts'
import type { Services } from '../services.ts'
import {
  answer,
  exampleLive,
  exampleProvider,
  exampleVersion,
  Managed,
  order,
  secretExpiry,
} from './managed-provider-replies.ts'
import { impact, list, read, trial, versions } from './managed-provider-views.ts'

const writing = {
  tag: 'Providers',
  surface: 'api',
  limit: 'account',
  auth: 'recent',
  scope: 'providers:write',
} as const

const settingName = z.string().regex(/^[A-Z][A-Z0-9_]{0,40}$/)
const settingText = storable(16_384).min(1)
const force = z
  .boolean()
  .default(false)
  .describe('Make the draft live although its author has not signed in with it; recorded in the audit log')
const revision = z
  .number()
  .int()
  .optional()
  .describe('The `revision` that the change is based on; refused if another administrator changed the provider since')

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
  reply: () => Managed,
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
  reply: () => Managed,
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
  reply: () => Managed,
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
  reply: () => Managed,
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
  reply: () => Check,
  fails: ['provider_not_found'],
  async handle({ params }, { flows }: Services) {
    const checked = await flows.manageProviders.check(params.id)
    return checked.ok ? ok(json(checkOf(checked.value))) : checked
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
  reply: () => Managed,
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
  reply: () => StartedFlow,
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
