import { and, asc, desc, eq, gt, isNotNull, isNull, not, or, type SQL, sql } from 'drizzle-orm'
import type { UserPage, UserPlace, UserSearch, UserStore } from '../accounts/ports.ts'
import type { Account } from '../kernel/account.ts'
import { accountColumns } from './accounts.ts'
import { beginnings } from './beginnings.ts'
import type { Driver } from './driver.ts'
import { compareRow } from './row-value.ts'

/** How many accounts one page of a search examines at most; the next page continues after them. */
const maxExamined = 1000
/** How many index rows one statement reads. */
const atOnce = 100

/** An upper bound for all texts with this prefix, compared by bytes. */
const upperBound = (beginning: string): string => `${beginning}\u{10ffff}`
/** Matches the text literally: `%` and `_` are escaped. */
const anywhere = (text: string): string => `%${text.replace(/[!%_]/g, '!$&')}%`

/** An indexed text and its range for the prefix searched for. */
type Key = { readonly of: SQL<string | null>; readonly from: string; readonly to: string }
/** The position of a row in such a range. */
type RangePosition = { readonly key: string; readonly id: string }
type PrefixMatches = { readonly found: Account[]; readonly examined: number; readonly next: UserPlace | null }
const placeOf = (account: Account | undefined): Pick<UserPlace, 'createdAt' | 'id'> | null =>
  account ? { createdAt: account.createdAt, id: account.id } : null
const noneLeft = { index: Number.POSITIVE_INFINITY, key: '' }

/**
 * The lists of accounts. Without a search text, each list is a range of one index. With one, accounts that match by
 * prefix are ranges of indexes, too. Accounts that only contain the text are in no index. For them, a page examines a
 * limited number of the newest accounts, and the next page continues from there. So the cost of a page does not depend
 * on the number of accounts.
 */
export function userLists({ db, tables: t, readLong, byteOrder }: Driver): Pick<UserStore, 'list'> {
  const { accounts } = t
  const columns = accountColumns(t)
  const texts = beginnings(accounts, byteOrder)

  /** Searches by ID only if the text can be one: IDs are ordered by the collation of the database. */
  const keysOf = (text: string): readonly Key[] => {
    const lower = text.toLowerCase()
    const keys: Key[] = [texts.email, texts.name].map((of) => ({ of, from: lower, to: upperBound(lower) }))
    // IDs are a prefix and hexadecimal digits; a `g` sorts after these in every collation.
    if (/^usr_[0-9a-f]*$/.test(lower)) keys.push({ of: sql`${accounts.id}`, from: lower, to: `${lower}g` })
    return keys
  }
  const isIn = ({ of, from, to }: Key): SQL => sql`(${of} >= ${from} and ${of} < ${to})`
  const either = (keys: readonly Key[]): SQL => or(...keys.map(isIn)) ?? sql.raw('false')

  /** SQLite lowercases only ASCII, so other letters in a name match only as they are written. */
  const contains = (text: string): SQL | undefined => {
    const lower = anywhere(text.toLowerCase())
    return or(
      sql`${accounts.emailKey} like ${lower} escape '!'`,
      sql`lower(${accounts.name}) like ${lower} escape '!'`,
      sql`${accounts.name} like ${anywhere(text)} escape '!'`,
      sql`${accounts.id} like ${lower} escape '!'`,
    )
  }

  const matchesFilter = ({ role, disabled }: UserSearch): SQL | undefined =>
    and(
      role === null ? undefined : eq(accounts.role, role),
      disabled === null ? undefined : (disabled ? isNotNull : isNull)(accounts.disabledAt),
    )
  /** Whether conditions that are in no index apply. */
  const isMarked = ({ verified = null, secondFactor = null }: UserSearch, account: Account): boolean =>
    (verified === null || account.emailVerified === verified) &&
    (secondFactor === null || (account.secondFactorAt !== null) === secondFactor)
  const isMatch = (query: UserSearch, account: Account): boolean =>
    (query.role === null || account.role === query.role) &&
    (query.disabled === null || query.disabled === (account.disabledAt !== null)) &&
    isMarked(query, account)

  /** The same in SQL, for statements that read a limited number of rows. */
  const marked = ({ verified = null, secondFactor = null }: UserSearch): SQL | undefined =>
    and(
      verified === null ? undefined : (verified ? isNotNull : isNull)(accounts.verifiedEmailKey),
      secondFactor === null ? undefined : (secondFactor ? isNotNull : isNull)(accounts.secondFactorAt),
    )

  const placeIs = (sign: '<' | '>=', { createdAt, id }: Pick<UserPlace, 'createdAt' | 'id'>): SQL =>
    compareRow(sign, [
      [accounts.createdAt, createdAt],
      [accounts.id, id],
    ])
  const newest = (which: SQL | undefined, limit: number): Promise<Account[]> =>
    readLong(
      db.select(columns).from(accounts).where(which).orderBy(desc(accounts.createdAt), desc(accounts.id)).limit(limit),
    )

  /**
   * Up to `limit` rows of a key's range, starting after `seen`. `earlier`: whether an earlier key has already found the
   * row.
   */
  async function along(key: Key, earlier: readonly Key[], seen: RangePosition | null, limit: number) {
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
    // Two ranges, because SQLite cannot start reading an index on expressions at a row value.
    const alike = await reading(and(sql`${of} = ${seen.key}`, gt(accounts.id, seen.id)), limit)
    if (alike.length === limit) return alike
    const others = await reading(sql`${of} > ${seen.key} and ${of} < ${to} and ${of} >= ${from}`, limit - alike.length)
    return [...alike, ...others]
  }

  /** The accounts that match by prefix: one index after the other. */
  async function beginning(query: UserSearch, keys: readonly Key[]): Promise<PrefixMatches> {
    const found: Account[] = []
    let examined = 0
    // A position without an index is after all of them.
    const { index: startIndex, key } = query.after === null ? { index: 0, key: '' } : (query.after.begins ?? noneLeft)
    let seen: RangePosition | null = query.after?.begins ? { key, id: query.after.id } : null
    for (let index = startIndex; index < keys.length; seen = null, index++) {
      for (let rows = atOnce; rows === atOnce; ) {
        const chunk = await along(keys[index] as Key, keys.slice(0, index), seen, atOnce)
        for (const { account, key: value, earlier } of chunk) {
          seen = { key: value ?? '', id: account.id }
          examined++
          if (!earlier && isMatch(query, account)) found.push(account)
          if (found.length < query.limit && examined < maxExamined) continue
          return {
            found,
            examined: examined,
            next: { createdAt: account.createdAt, id: account.id, begins: { index, key: seen.key } },
          }
        }
        rows = chunk.length
      }
    }
    return { found, examined: examined, next: null }
  }

  /** Accounts that contain the text but match none of the indexes, among the next `most` accounts. */
  async function containing(query: UserSearch, keys: readonly Key[], text: string, limit: number, most: number) {
    const older = query.after && !query.after.begins ? placeIs('<', query.after) : undefined
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
    const found = await newest(and(older, within, contains(text), others, matchesFilter(query), marked(query)), limit)
    const end = found.length === limit ? found.at(-1) : last
    return { found, next: end ? { createdAt: end.createdAt, id: end.id } : null }
  }

  async function search(query: UserSearch, text: string): Promise<UserPage> {
    const keys = keysOf(text)
    const byPrefix = await beginning(query, keys)
    if (byPrefix.next !== null) return { accounts: byPrefix.found, next: byPrefix.next }
    const left = query.limit - byPrefix.found.length
    const { found, next } = await containing(query, keys, text, left, maxExamined - byPrefix.examined)
    return { accounts: [...byPrefix.found, ...found], next }
  }

  return {
    async list(query) {
      if (query.text !== null) return search(query, query.text)
      // A range of one index. Conditions that are in no index are tested on a limited number of its rows.
      const isExact = (query.verified ?? query.secondFactor ?? null) === null
      const found: Account[] = []
      for (let examined = 0, place: Pick<UserPlace, 'createdAt' | 'id'> | null = query.after; ; ) {
        // One more than requested shows whether there is a next page.
        const most = isExact ? query.limit + 1 : atOnce
        const rows: readonly Account[] = await newest(
          and(matchesFilter(query), place ? placeIs('<', place) : undefined),
          most,
        )
        for (const account of rows) {
          if (!isMarked(query, account) || found.push(account) <= query.limit) continue
          return { accounts: found.slice(0, query.limit), next: placeOf(found[query.limit - 1]) }
        }
        place = placeOf(rows.at(-1))
        examined += rows.length
        if (rows.length < most) return { accounts: found, next: null }
        if (examined >= maxExamined) return { accounts: found, next: place }
      }
    },
  }
}
