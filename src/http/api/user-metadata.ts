import { z } from 'zod'
import type { RefusedMetadata } from '../../accounts/users.ts'
import type { AppError } from '../../errors/catalogue.ts'
import type { MetadataPatch } from '../../kernel/metadata.ts'
import { ok } from '../../kernel/result.ts'
import { readClient } from '../client.ts'
import { json } from '../reply.ts'
import { object, route } from '../route.ts'
import { accountMetadataOf, Metadata } from '../schemas/account.ts'
import { accountParams } from '../schemas/fields.ts'
import { ManagedUser, managedUserOf } from '../schemas/managed-user.ts'
import type { Services } from '../services.ts'
import { writing } from './users.ts'

/** Metadata of accounts: written by administrators and back ends, never by the person. */

const isObject = (value: unknown): value is MetadataPatch =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * A merge patch (RFC 7396) of the public metadata. No schema of records: it would drop the key `__proto__` silently
 * instead of refusing it.
 */
const Patch = z
  .unknown()
  .transform((value, context): MetadataPatch | null => {
    if (value === null || isObject(value)) return value
    context.addIssue({ code: 'invalid_type', expected: 'object', input: value })
    return z.NEVER
  })
  .meta({
    type: ['object', 'null'],
    additionalProperties: true,
    description: 'The keys to change. `null` deletes a key, and in place of the object all of them (RFC 7396)',
  })

/** The fields of a refusal, as the caller named them. */
const refusalOf = (error: AppError<'account_not_found'> | RefusedMetadata, path: string) => {
  if (!('fault' in error)) return { ok: false, error } as const
  const { at, code, params } = error.fault
  return { ok: false, error, faults: [{ path: [path, ...at].join('.'), code, params }] } as const
}

const what =
  'The body is a merge patch (RFC 7396): keys that it does not name stay as they are, and concurrent patches of different keys are all kept. At most 50 keys, 4 levels and 4096 bytes.'

export const updateMetadata = route({
  ...writing,
  method: 'patch',
  path: '/users/:id',
  summary: 'Change the metadata of an account',
  description: `Changes what the user and applications with the scope \`metadata\` may read, such as a plan. ${what}`,
  example: {
    request: { metadata: { public: { plan: 'team', trial: null } } },
    response: {
      id: 'usr_00000001',
      email: 'pat@example.com',
      email_verified: true,
      name: 'Pat',
      picture: null,
      role: 'user',
      locale: 'en',
      second_factor: false,
      created_at: '2026-01-08T10:00:00.000Z',
      updated_at: '2026-01-08T10:00:00.000Z',
      last_sign_in_at: '2026-01-08T10:00:00.000Z',
      disabled_at: null,
      invited_at: null,
      invitation_expires_at: null,
      metadata: { public: { plan: 'team' } },
    },
  },
  params: accountParams,
  body: object({ metadata: object({ public: Patch }).describe('The changes of the metadata') }),
  reply: () => ManagedUser,
  fails: ['account_not_found'],
  async handle({ who, params, body, origin }, { users }: Services) {
    const patch = body.metadata.public
    const done = await users.patchMetadata({ account: who.accountId }, params.id, patch, origin)
    return done.ok ? ok(json(managedUserOf(done.value))) : refusalOf(done.error, 'metadata.public')
  },
})

const patchAsBackEnd = route({
  tag: 'Administration',
  surface: 'api',
  auth: 'none',
  credential: 'service',
  limit: 'service',
  method: 'patch',
  path: '/users/:id/metadata',
  summary: 'Change metadata as a back end',
  description: `For back ends with the scope \`users:metadata\`, such as one that sells plans. ${what} An empty patch changes nothing and returns the metadata.`,
  example: { request: { public: { plan: 'team', trial: null } }, response: { public: { plan: 'team' } } },
  params: accountParams,
  body: object({ public: Patch }),
  reply: () => Metadata,
  fails: ['invalid_client', 'insufficient_scope', 'too_many_attempts', 'account_not_found'],
  async handle({ params, body, header, origin }, { serviceCredentials, users }: Services) {
    const client = await serviceCredentials.authenticate(readClient(header('authorization')), 'users:metadata', origin)
    if (!client.ok) return client
    const done = await users.patchMetadata({ credential: client.value.id }, params.id, body.public, origin)
    return done.ok ? ok(json(accountMetadataOf(done.value))) : refusalOf(done.error, 'public')
  },
})

export const userMetadataRoutes = [updateMetadata, patchAsBackEnd]
