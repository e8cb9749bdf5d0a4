import { z } from 'zod'
import type { ManagedAccount } from '../../accounts/ports.ts'
import { accountMetadataOf, Metadata, User, userOf } from './account.ts'
import { LocaleName, RoleSchema, time } from './fields.ts'

export const ManagedUser = User.extend({
  role: RoleSchema,
  locale: LocaleName.nullable().describe('The language of pages and email; null if it is unknown'),
  second_factor: z.boolean().describe('Whether sign-ins ask for a second factor'),
  created_at: time.describe('When the account was created'),
  updated_at: time.describe('When the account was last changed'),
  last_sign_in_at: time.nullable().describe('When the user last signed in, to the hour; null: never'),
  disabled_at: time.nullable().describe('When the account was disabled; null if it is enabled'),
  invited_at: time.nullable().meta({
    description:
      'When an administrator added the person, or last sent the invitation; null once the person has accepted, and for accounts that people created themselves',
  }),
  invitation_expires_at: time
    .nullable()
    .describe('When the link of the invitation expires, or expired; null if none was sent'),
  metadata: Metadata,
}).meta({ id: 'ManagedUser', description: 'An account, as administrators see it' })

export const managedUserOf = (account: ManagedAccount): z.input<typeof ManagedUser> => ({
  ...userOf(account),
  role: account.role,
  locale: account.locale,
  second_factor: account.secondFactorAt !== null,
  created_at: account.createdAt.toISOString(),
  updated_at: account.updatedAt.toISOString(),
  last_sign_in_at: account.lastSignInAt?.toISOString() ?? null,
  disabled_at: account.disabledAt?.toISOString() ?? null,
  invited_at: account.invitedAt?.toISOString() ?? null,
  invitation_expires_at: account.invitationExpiresAt?.toISOString() ?? null,
  metadata: accountMetadataOf(account),
})
