import { and, asc, desc, eq, gt, isNotNull, isNull, not, or, type SQL, sql } from 'drizzle-orm'
import type { UserPage, UserPlace, UserSearch, UserStore } from '../accounts/ports.ts'
import type { Account } from '../kernel/account.ts'
import { accountColumns } from './accounts.ts'
import { beginnings } from './beginnings.ts'
import type { Driver } from './driver.ts'
import { rowIs } from './row-value.ts'

/** How many accounts one page of a search examines at most; the next page continues behind them. */
const looksAt = 1000
/** How many rows of an index one statement reads. */
const atOnce = 100

/** Above every text that has this beginning, compared by bytes. */
const behind = (beginning: string): string => `${beginning}\u{10ffff}`
/** What is looked for stands for itself: `%` and `_` are no wildcards. */
const anywhere = (text: string): string => `%${text.replace(/[!%_]/g, '!$&')}%`

/** One indexed text, and the range of it that begins with the search text. */
type Key = { readonly of: SQL<string | null>; readonly from: string; readonly to: string }
/** A row of such a range. */
type Seen = { readonly key: string; readonly id: string }
type Looked = { readonly found: Account[]; readonly looked: number; readonly next: UserPlace | null }
const noneLeft = { index: Number.POSITIVE_INFINITY, key: '' }

/**
 * The lists of accounts. Without a text each is a range of one index. With one, the accounts of which something begins
 * so are ranges of indexes, too. Those that only contain it are in no index: of them a page looks at so many of the
 * newest and no more, and the next one goes on from there. So a page costs the same however many accounts there are.
 */
export function userLists({ db, tables: t, readLong, byteOrder }: Driver): Pick<UserStore, 'list'> {
  const { accounts } = t
  const columns = accountColumns(t)
  const texts = beginnings(accounts, byteOrder)

  /** An ID only where it can be one: its order is that of the database's collation. */
  const keysOf = (text: string): readonly Key[] => {
    const lower = text.toLowerCase()
    const keys: Key[] = [texts.email, texts.name].map((of) => ({ of, from: lower, to: behind(lower) }))
    // IDs are hexadecimal digits behind their prefix, and a letter behind those is above them in every collation.
    if (/^usr_[0-9a-f]*$/.test(lower)) keys.push({ of: sql`${accounts.id}`, from: lower, to: `${lower}g` })
    return keys
  }
  const isIn = ({ of, from, to }: Key): SQL => sql`(${of} >= ${from} and ${of} < ${to})`
  const either = (keys: readonly Key[]): SQL => or(...keys.map(isIn)) ?? sql.raw('false')

  /** SQLite lowers ASCII alone, so beyond it a name is also found as it is written. */
  const contains = (text: string): SQL | undefined => {
    const lower = anywhere(text.toLowerCase())
    return or(
      sql`${accounts.emailKey} like ${lower} escape '!'`,
      sql`lower(${accounts.name}) like ${lower} escape '!'`,
      sql`${accounts.name} like ${anywhere(text)} escape '!'`,
      sql`${accounts.id} like ${lower} escape '!'`,
    )
  }

  const wanted = ({ role, disabled }: UserSearch): SQL | undefined =>
    and(
      role === null ? undefined : eq(accounts.role, role),
      disabled === null ? undefined : (disabled ? isNotNull : isNull)(accounts.disabledAt),
    )
  const isWanted = ({ role, disabled }: UserSearch, account: Account): boolean =>
    (role === null || account.role === role) && (disabled === null || disabled === (account.disabledAt !== null))

  const placeIs = (sign: '<' | '>=', { createdAt, id }: Pick<UserPlace, 'createdAt' | 'id'>): SQL =>
    rowIs(sign, [
      [accounts.createdAt, createdAt],
      [accounts.id, id],
    ])
  const newest = (which: SQL | undefined, limit: number): Promise<Account[]> =>
    readLong(
      db.select(columns).from(accounts).where(which).orderBy(desc(accounts.createdAt), desc(accounts.id)).limit(limit),
    )

  /** Up to `limit` rows of a key's range, from a place in it on. `earlier`: whether a key before this one found the row. */
  async function along(key: Key, earlier: readonly Key[], seen: Seen | null, limit: number) {
    const { of, from, to } = key
    const reading = (which: SQL | undefined, most: number) =>
      readLong(
        db
          .select({ account: columns, key: of, earlier: either(earlier).mapWith(Boolean) })
          .from(accounts)
          .where(which)
          .orderBy(asc(of), asc(accounts.id))
          .limit(most),
      )
    if (seen === null) return reading(isIn(key), limit)
    // Two ranges, since SQLite reads no index of expressions from a row value on.
    const alike = await reading(and(sql`${of} = ${seen.key}`, gt(accounts.id, seen.id)), limit)
    if (alike.length === limit) return alike
    const others = await reading(sql`${of} > ${seen.key} and ${of} < ${to} and ${of} >= ${from}`, limit - alike.length)
    return [...alike, ...others]
  }

  /** The accounts of which something begins so: one index after the other. */
  async function beginning(asked: UserSearch, keys: readonly Key[]): Promise<Looked> {
    const found: Account[] = []
    let looked = 0
    // A place that names no index lies behind them all.
    const { index: begun, key } = asked.after === null ? { index: 0, key: '' } : (asked.after.begins ?? noneLeft)
    let seen: Seen | null = asked.after?.begins ? { key, id: asked.after.id } : null
    for (let index = begun; index < keys.length; seen = null, index++) {
      for (let rows = atOnce; rows === atOnce; ) {
        const chunk = await along(keys[index] as Key, keys.slice(0, index), seen, atOnce)
        for (const { account, key: value, earlier } of chunk) {
          seen = { key: value ?? '', id: account.id }
          looked++
          if (!earlier && isWanted(asked, account)) found.push(account)
          if (found.length < asked.limit && looked < looksAt) continue
          return {
            found,
            looked,
            next: { createdAt: account.createdAt, id: account.id, begins: { index, key: seen.key } },
          }
        }
        rows = chunk.length
      }
    }
    return { found, looked, next: null }
  }

  /** Those that contain it anywhere and are in none of the indexes, among the next `most` accounts. */
  async function containing(asked: UserSearch, keys: readonly Key[], text: string, limit: number, most: number) {
    const older = asked.after && !asked.after.begins ? placeIs('<', asked.after) : undefined
    const [last] = await readLong(
      db
        .select({ createdAt: accounts.createdAt, id: accounts.id })
        .from(accounts)
        .where(older)
        .orderBy(desc(accounts.createdAt), desc(accounts.id))
        .limit(1)
        .offset(most - 1),
    )
    const others = not(sql`coalesce(${either(keys)}, ${sql.raw('false')})`)
    const within = last && placeIs('>=', last)
    const found = await newest(and(older, within, contains(text), others, wanted(asked)), limit)
    const end = found.length === limit ? found.at(-1) : last
    return { found, next: end ? { createdAt: end.createdAt, id: end.id } : null }
  }

  async function search(asked: UserSearch, text: string): Promise<UserPage> {
    const keys = keysOf(text)
    const begun = await beginning(asked, keys)
    if (begun.next !== null) return { accounts: begun.found, next: begun.next }
    const left = asked.limit - begun.found.length
    const { found, next } = await containing(asked, keys, text, left, looksAt - begun.looked)
    return { accounts: [...begun.found, ...found], next }
  }

  return {
    async list(asked) {
      if (asked.text !== null) return search(asked, asked.text)
      // One more than asked for tells whether there is a next page.
      const found = await newest(
        and(wanted(asked), asked.after ? placeIs('<', asked.after) : undefined),
        asked.limit + 1,
      )
      const shown = found.slice(0, asked.limit)
      const last = found.length > asked.limit ? shown.at(-1) : undefined
      return { accounts: shown, next: last ? { createdAt: last.createdAt, id: last.id } : null }
    },
  }
}
