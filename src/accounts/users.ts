import { type AppError, fail } from '../errors/catalogue.ts'
import { type Fact, internalOrigin, type Origin, originForOthers } from '../events/catalogue.ts'
import type { Account, Role } from '../kernel/account.ts'
import type { Clock } from '../kernel/clock.ts'
import { readEmail } from '../kernel/email.ts'
import { type MetadataFault, type MetadataPatch, patchMetadata } from '../kernel/metadata.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { AccountStore, ManagedAccount, UserListItem, UserPage, UserSearch, UserStore } from './ports.ts'
import type { ProfileChange } from './profile.ts'
import { scopeOf } from './roles.ts'

export type UserChange = ProfileChange & { readonly role?: Role }
export type UserCode =
  | 'account_not_found'
  | 'last_administrator'
  | 'own_role'
  | 'address_needed'
  | 'own_second_factor'
  | 'second_factor_missing'
export type AdministratorResult = 'made' | 'already' | 'not_found' | 'unverified' | 'disabled'

/** Metadata that was refused, with what is wrong in it. */
export type RefusedMetadata = AppError<'invalid_request'> & { readonly fault: MetadataFault }

type UsersParts = { users: UserStore; accounts: AccountStore; clock: Clock }
type AccountResult<C extends UserCode> = Promise<Result<ManagedAccount, AppError<C>>>

/**
 * What administrators do to the accounts of others. It is recorded in the audit log of the affected account, with the
 * administrator (`by`) but without their IP address, which that user must not read. Operators find it by the request
 * ID, or in the administrator's own sessions.
 */
export function createUsers({ users, accounts, clock }: UsersParts) {
  const told = (by: string, id: string, origin: Origin): Origin => (by === id ? origin : originForOthers(origin))

  return {
    /** Newest first, or those that match a text; see `UserStore.list`. */
    list: (search: UserSearch): Promise<UserPage> => users.list(search),

    /** How many there are, up to a limit; see `UserStore.count`. */
    count: users.count,

    /** The accounts with an identity at a provider; see `UserStore.atProvider`. */
    atProvider: users.atProvider,

    /** The accounts with this email address, verified or not, oldest first. */
    async atAddress(address: string, limit: number): Promise<readonly Account[]> {
      const email = readEmail(address)
      return email ? users.atAddress(email.key, limit) : []
    },

    /** What pages call these accounts; see `UserStore.names`. */
    names: users.names,

    get: (id: string): Promise<UserListItem | undefined> => users.get(id, clock()),

    async update(
      by: string,
      id: string,
      { role, ...profile }: UserChange,
      origin: Origin,
    ): AccountResult<'account_not_found' | 'last_administrator' | 'own_role' | 'address_needed'> {
      if (role !== undefined && by === id) return fail('own_role')
      const fields = Object.keys(profile)
      const from = told(by, id, origin)
      const done = await users.update(
        id,
        { ...profile, ...(role === undefined ? {} : { role: { name: role, scope: scopeOf(role) } }) },
        clock(),
        (before): readonly Fact[] => [
          ...(fields.length === 0
            ? []
            : [{ name: 'account.updated', accountId: id, origin: from, data: { fields, by } } as const]),
          ...(role === undefined || role === before.role
            ? []
            : [{ name: 'account.role_changed', accountId: id, origin: from, data: { by, role } } as const]),
        ],
      )
      return typeof done === 'string' ? fail(done === 'not_found' ? 'account_not_found' : done) : ok(done)
    },

    /**
     * Changes the public metadata of an account: an administrator, or a back end with its credential. A patch that
     * changes nothing is not recorded. The audit log has the names of the changed keys, and no value: it is kept longer
     * than the account, and more people read it.
     */
    async patchMetadata(
      by: { readonly account: string } | { readonly credential: string },
      id: string,
      patch: MetadataPatch | null,
      origin: Origin,
    ): Promise<Result<ManagedAccount, AppError<'account_not_found'> | RefusedMetadata>> {
      const who = 'account' in by ? { by: by.account } : by
      const from = 'account' in by ? told(by.account, id, origin) : originForOthers(origin)
      let fault: MetadataFault | undefined
      const done = await users.updateMetadata(
        id,
        (current) => {
          const next = patchMetadata(current.public, patch)
          fault = next.tag === 'refused' ? next.fault : undefined
          if (next.tag === 'refused' || next.changed.length === 0) return undefined
          const { metadata, changed } = next
          return {
            metadata: { ...current, public: metadata },
            because: [
              { name: 'account.metadata_changed', accountId: id, origin: from, data: { keys: [...changed], ...who } },
            ],
          }
        },
        clock(),
      )
      if (done === 'not_found') return fail('account_not_found')
      return fault ? err({ ...fail('invalid_request').error, fault }) : ok(done)
    },

    /** Disables an account and ends its sessions. Succeeds if it is already disabled. */
    async disable(by: string, id: string, origin: Origin): AccountResult<'account_not_found' | 'last_administrator'> {
      const from = told(by, id, origin)
      const done = await users.disable(
        id,
        clock(),
        [{ name: 'account.disabled', accountId: id, origin: from, data: { by } }],
        (session) => ({
          name: 'session.ended',
          accountId: id,
          origin: from,
          data: { session, reason: 'account_disabled', by },
        }),
      )
      return typeof done === 'string' ? fail(done === 'not_found' ? 'account_not_found' : done) : ok(done)
    },

    async enable(by: string, id: string, origin: Origin): AccountResult<'account_not_found'> {
      const done = await users.enable(id, clock(), [
        { name: 'account.enabled', accountId: id, origin: told(by, id, origin), data: { by } },
      ])
      return typeof done === 'string' ? fail('account_not_found') : ok(done)
    },

    /**
     * Removes the second factor and recovery codes of a user who lost them, after their identity was checked (ASVS
     * 6.4.4). Their sessions end. Not for one's own account, where the page of the account requires the factor.
     */
    async removeSecondFactor(
      by: string,
      id: string,
      origin: Origin,
    ): AccountResult<'account_not_found' | 'own_second_factor' | 'second_factor_missing'> {
      if (by === id) return fail('own_second_factor')
      const about = { accountId: id, origin: originForOthers(origin) }
      const done = await users.removeSecondFactor(
        id,
        clock(),
        (factor) => [{ name: 'second_factor.removed', ...about, data: { factor, by } }],
        (session) => ({
          name: 'session.ended',
          ...about,
          data: { session, reason: 'second_factor_removed', by },
        }),
      )
      return typeof done === 'string' ? fail(done === 'not_found' ? 'account_not_found' : done) : ok(done)
    },

    /**
     * Makes an account an administrator. Only for the command line, never over the network. `who` is its ID or its
     * verified email address: with an unverified one, a stranger could become administrator.
     */
    async makeAdministrator(who: string): Promise<AdministratorResult> {
      const email = readEmail(who)
      const account = email
        ? (await accounts.findByEmail(email.key)).map((found) => found.account)[0]
        : await accounts.find(who)
      if (!account) return 'not_found'
      if (!account.emailVerified) return 'unverified'
      if (account.disabledAt) return 'disabled'
      if (account.role === 'administrator') return 'already'
      const role = 'administrator'
      const done = await users.update(account.id, { role: { name: role, scope: scopeOf(role) } }, clock(), () => [
        { name: 'account.role_changed', accountId: account.id, origin: internalOrigin, data: { by: null, role } },
      ])
      return typeof done === 'string' ? (done === 'address_needed' ? 'unverified' : 'not_found') : 'made'
    },
  }
}
export type Users = ReturnType<typeof createUsers>
