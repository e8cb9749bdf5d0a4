import { asc, eq } from 'drizzle-orm'
import type { SignInMethods } from '../accounts/ports.ts'
import { type Queries, type Script, step } from './driver.ts'
import type { Tables } from './schema.ts'

/** Queries for all sign-in methods of an account. */
export const signInMethodQueries = (
  db: Queries,
  { identities, passwords, passkeys, accounts }: Tables,
  accountId: string,
) => ({
  identities: db
    .select()
    .from(identities)
    .where(eq(identities.accountId, accountId))
    .orderBy(asc(identities.linkedAt), asc(identities.id)),
  passwords: db
    .select({ emailKey: passwords.emailKey, verifiedEmailKey: accounts.verifiedEmailKey })
    .from(passwords)
    .innerJoin(accounts, eq(accounts.id, passwords.accountId))
    .where(eq(passwords.accountId, accountId)),
  passkeys: db
    .select({ id: passkeys.id, name: passkeys.name })
    .from(passkeys)
    .where(eq(passkeys.accountId, accountId))
    .orderBy(asc(passkeys.createdAt), asc(passkeys.id)),
})

/** The same, read within the transaction that decides which may be removed. */
export function* signInMethodsOf(tx: Queries, t: Tables, accountId: string): Script<SignInMethods> {
  const ask = signInMethodQueries(tx, t, accountId)
  const identities = yield* step(ask.identities)
  const passwords = yield* step(ask.passwords)
  const passkeys = yield* step(ask.passkeys)
  return { identities, password: passwordFrom(passwords), passkeys }
}

type PasswordRow = { readonly emailKey: string; readonly verifiedEmailKey: string | null }
export const passwordFrom = ([row]: readonly PasswordRow[]): SignInMethods['password'] =>
  row ? { emailVerified: row.emailKey === row.verifiedEmailKey } : null
