import type { Users } from '../accounts/users.ts'
import type { AuditStore } from '../audit/ports.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import { elsewhereOf, type Origin } from '../events/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import { ok, type Result } from '../kernel/result.ts'

type Parts = {
  users: Users
  audit: AuditStore
  /** Sends the letter a forgotten password is replaced with. */
  startReset: (account: Account, origin: Origin) => Promise<void>
}

/**
 * An administrator may start a reset, and never chooses a password (ASVS 6.4.6): the link goes to the address the
 * account has proven, and to nobody else. A claimed address may be a stranger's, who would be let in by it.
 */
export function sendReset({ users, audit, startReset }: Parts) {
  return async (
    by: string,
    accountId: string,
    origin: Origin,
  ): Promise<Result<null, AppError<'account_not_found' | 'address_needed'>>> => {
    const found = await users.get(accountId)
    if (!found) return fail('account_not_found')
    const { account } = found
    if (account.email === null || !account.emailVerified || account.disabledAt) return fail('address_needed')
    const from = elsewhereOf(origin)
    await startReset(account, from)
    await audit.record({ name: 'password.reset_started', accountId, origin: from, data: { by } })
    return ok(null)
  }
}
export type SendReset = ReturnType<typeof sendReset>
