import type { Users } from '../accounts/users.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import { type Origin, originForOthers } from '../events/catalogue.ts'
import { readEmail } from '../kernel/email.ts'
import type { Result } from '../kernel/result.ts'
import type { ResetPassword } from './reset-password.ts'

type SendResetParts = {
  users: Users
  resets: Pick<ResetPassword, 'ask'>
}

/**
 * An administrator can start a password reset but never chooses a password (ASVS 6.4.6). The link goes only to the
 * account's verified address. An unverified one may belong to a stranger, who would gain access by it.
 */
export function sendReset({ users, resets }: SendResetParts) {
  return async (
    by: string,
    accountId: string,
    origin: Origin,
  ): Promise<Result<null, AppError<'account_not_found' | 'address_needed' | 'mail_not_configured'>>> => {
    const found = await users.get(accountId)
    if (!found) return fail('account_not_found')
    const { account } = found
    const email = account.email === null ? undefined : readEmail(account.email)
    if (!email || !account.emailVerified || account.disabledAt) return fail('address_needed')
    return resets.ask(email, originForOthers(origin), by)
  }
}
