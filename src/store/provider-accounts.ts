import { and, asc, eq, gt, inArray } from 'drizzle-orm'
import type { Identity, ProviderAccount, UserStore } from '../accounts/ports.ts'
import type { Driver } from './driver.ts'
import { passwordFrom } from './sign-in-methods.ts'

/** The accounts with an identity at one provider, in pages along the index of its subjects. */
export function providerAccounts({ db, tables: t, readLong }: Driver): Pick<UserStore, 'atProvider'> {
  const groups = <R extends { readonly accountId: string }>(rows: readonly R[]): Map<string, R[]> => {
    const byAccount = new Map<string, R[]>()
    for (const row of rows) byAccount.set(row.accountId, [...(byAccount.get(row.accountId) ?? []), row])
    return byAccount
  }
  return {
    async atProvider(provider, { after, limit }) {
      const found = await readLong(
        db
          .select({ accountId: t.identities.accountId, subject: t.identities.subject })
          .from(t.identities)
          .where(and(eq(t.identities.provider, provider), gt(t.identities.subject, after)))
          .orderBy(asc(t.identities.subject))
          .limit(limit),
      )
      const last = found.at(-1)?.subject
      // A subject may occur once for each issuer. A page ends between two subjects, unless it has only one.
      const isFull = found.length === limit
      const whole = isFull ? found.filter(({ subject }) => subject !== last) : found
      const rows = whole.length > 0 ? whole : found
      const ids = [...new Set(rows.map(({ accountId }) => accountId))]
      if (ids.length === 0) return { accounts: [], next: null }
      const [accounts, identities, passwords, passkeys] = await Promise.all([
        readLong(
          db
            .select({
              id: t.accounts.id,
              email: t.accounts.email,
              name: t.accounts.name,
              disabledAt: t.accounts.disabledAt,
              verifiedEmailKey: t.accounts.verifiedEmailKey,
            })
            .from(t.accounts)
            .where(inArray(t.accounts.id, ids)),
        ),
        readLong(db.select().from(t.identities).where(inArray(t.identities.accountId, ids))),
        readLong(
          db
            .select({ accountId: t.passwords.accountId, emailKey: t.passwords.emailKey })
            .from(t.passwords)
            .where(inArray(t.passwords.accountId, ids)),
        ),
        readLong(
          db
            .select({ accountId: t.passkeys.accountId, id: t.passkeys.id, name: t.passkeys.name })
            .from(t.passkeys)
            .where(inArray(t.passkeys.accountId, ids)),
        ),
      ])
      const [known, own, locks, keys] = [
        new Map(accounts.map((account) => [account.id, account])),
        groups<Identity>(identities),
        groups(passwords),
        groups(passkeys),
      ]
      return {
        accounts: ids.flatMap((id): ProviderAccount[] => {
          const account = known.get(id)
          if (!account) return []
          const { verifiedEmailKey, ...shown } = account
          const password = passwordFrom((locks.get(id) ?? []).map(({ emailKey }) => ({ emailKey, verifiedEmailKey })))
          return [
            { account: shown, methods: { identities: own.get(id) ?? [], password, passkeys: keys.get(id) ?? [] } },
          ]
        }),
        next: isFull ? (rows.at(-1)?.subject ?? null) : null,
      }
    },
  }
}
