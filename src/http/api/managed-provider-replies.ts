/** How a managed provider is shown to administrators, with examples for the API description. */
import { z } from 'zod'
import { ok, type Result } from '../../kernel/result.ts'
import type { InvalidProvider, ManagedProvider, SettingsVersion } from '../../providers/managed.ts'
import { json } from '../reply.ts'
import type { HandlerOutcome } from '../route.ts'
import { time } from '../schemas/fields.ts'
import type { Services } from '../services.ts'

export const order = z
  .number()
  .int()
  .min(0)
  .max(1_000_000)
  .describe('Its place in the list: the smallest number comes first')
/** PostgreSQL has no year 0, and a secret that expired long ago is a mistake. */
export const secretExpiry = time
  .refine((text) => text >= '2000', 'must be after 1999')
  .nullable()
  .describe('When the client secret expires at the provider; null if it does not')

export const Version = z
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

export const Managed = z
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

export const versionOf = (one: SettingsVersion): z.input<typeof Version> => ({
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
export const providerOf = (one: ManagedProvider, { providers }: Services): z.input<typeof Managed> => ({
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

export const exampleVersion = {
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
export const exampleProvider = {
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
export const exampleLive = {
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
export function answer<E extends { readonly code: string }>(
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
