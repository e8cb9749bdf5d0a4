import { and, asc, count, desc, eq, gt, gte, inArray, isNotNull, isNull, lt, not, or, type SQL, sql } from 'drizzle-orm'
import type { ManagedAccount, UserPage, UserPlace, UserSearch, UserStore } from '../accounts/ports.ts'
import { beginnings } from './beginnings.ts'
import type { Driver } from './driver.ts'
import { managedColumns, timeOfHour, wholeHour } from './managed-accounts.ts'
import { compareRow } from './row-value.ts'

/** How many accounts one page of a search examines at most; the next page continues after them. */
const maxExamined = 1000
/** How many index rows one statement reads. */
const atOnce = 100
/** Up to how many accounts are counted. */
const maxCounted = 1000
/** How many pages of `maxExamined` accounts a count reads at most. */
const maxCountedPages = 5

/** An upper bound for all texts with this prefix, compared by bytes. */
const upperBound = (beginning: string): string => `${beginning}\u{10ffff}`
/** Matches the text literally: `%` and `_` are escaped. */
const anywhere = (text: string): string => `%${text.replace(/[!%_]/g, '!$&')}%`

/** An indexed text and its range for the prefix searched for. */
type Key = { readonly of: SQL<string | null>; readonly from: string; readonly to: string }
/** The position of a row in such a range. */
type RangePosition = { readonly key: string; readonly id: string }
type PrefixMatches = { readonly found: ManagedAccount[]; readonly examined: number; readonly next: UserPlace | null }
type ListPosition = Pick<UserPlace, 'at' | 'id'>
type Conditions = Omit<UserSearch, 'after' | 'limit'>
/** A list in the order of one index. */
type Range = {
  /** Up to `limit` rows after `place`. An account may have several rows, next to each other. */
  rows(place: ListPosition | null, limit: number): Promise<readonly ManagedAccount[]>
  placeOf(account: ManagedAccount): ListPosition
  /** The number of rows, up to `most`, if all of them match and each is another account. */
  readonly count: ((most: number) => Promise<number>) | null
}
const noneLeft = { index: Number.POSITIVE_INFINITY, key: '' }

/**
 * The lists of accounts. Without a search text, each list is a range of one index: of the last sign-in, of a provider,
 * of the invited accounts, or of the creation time with role and state. Other conditions are tested on a limited number
 * of its rows. With a search text, accounts that match by prefix are ranges of indexes, too. Accounts that only contain
 * the text are in no index. For them, a page examines a limited number of the newest accounts, and the next page
 * continues from there. So the cost of a page does not depend on the number of accounts.
 */
export function userLists({ db, tables: t, readLong, byteOrder }: Driver): Pick<UserStore, 'list' | 'count'> {
  const { accounts, identities } = t
  const columns = managedColumns(t)
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

  const matchesFilter = ({ role, disabled }: Conditions): SQL | undefined =>
    and(
      role === null ? undefined : eq(accounts.role, role),
      disabled === null ? undefined : (disabled ? isNotNull : isNull)(accounts.disabledAt),
    )
  const signedInWithin = ({ from, before }: NonNullable<UserSearch['lastSignIn']>): SQL | undefined =>
    and(
      from === null ? undefined : gte(accounts.lastSignInHour, wholeHour(from)),
      before === null ? undefined : lt(accounts.lastSignInHour, wholeHour(before)),
    )
  const hourOfAccount = ({ lastSignInAt }: ManagedAccount): number =>
    lastSignInAt === null ? 0 : wholeHour(lastSignInAt)

  const isWithin = ({ lastSignIn }: Conditions, account: ManagedAccount): boolean => {
    const hour = hourOfAccount(account)
    return (
      (lastSignIn?.from == null || hour >= wholeHour(lastSignIn.from)) &&
      (lastSignIn?.before == null || hour < wholeHour(lastSignIn.before))
    )
  }
  /** Whether all conditions apply that a row of an account shows. */
  const isMatch = (query: Conditions, account: ManagedAccount): boolean =>
    (query.role === null || account.role === query.role) &&
    (query.disabled === null || query.disabled === (account.disabledAt !== null)) &&
    (query.verified == null || account.emailVerified === query.verified) &&
    (query.secondFactor == null || (account.secondFactorAt !== null) === query.secondFactor) &&
    (query.invited == null || (account.invitedAt !== null) === query.invited) &&
    isWithin(query, account)

  /** Not `is null`: for that, databases read all unverified accounts by the index, rather than a limited number of rows. */
  const isUnverified = sql`coalesce(${accounts.verifiedEmailKey}, '') = ''`
  /** The same in SQL, for statements that read a limited number of rows. */
  const marked = ({
    verified = null,
    secondFactor = null,
    invited = null,
    lastSignIn = null,
  }: Conditions): SQL | undefined =>
    and(
      invited === null ? undefined : (invited ? isNotNull : isNull)(accounts.invitedAt),
      verified === null ? undefined : verified ? isNotNull(accounts.verifiedEmailKey) : isUnverified,
      secondFactor === null ? undefined : (secondFactor ? isNotNull : isNull)(accounts.secondFactorAt),
      lastSignIn === null ? undefined : signedInWithin(lastSignIn),
    )

  /** Those of a limited number of accounts that have an identity at the provider. */
  async function at(provider: string | null | undefined, some: readonly ManagedAccount[]) {
    if (provider == null || some.length === 0) return some
    const ids = some.map(({ id }) => id)
    const holders = await readLong(
      db
        .select({ id: identities.accountId })
        .from(identities)
        .where(and(eq(identities.provider, provider), inArray(identities.accountId, ids))),
    )
    const known = new Set(holders.map(({ id }) => id))
    return some.filter(({ id }) => known.has(id))
  }

  const placeIs = (sign: '<' | '>=', { at, id }: ListPosition): SQL =>
    compareRow(sign, [
      [accounts.createdAt, at],
      [accounts.id, id],
    ])
  const newest = (which: SQL | undefined, limit: number): Promise<ManagedAccount[]> =>
    readLong(
      db.select(columns).from(accounts).where(which).orderBy(desc(accounts.createdAt), desc(accounts.id)).limit(limit),
    )
  const countOf = async (which: SQL | undefined, order: readonly SQL[], most: number): Promise<number> => {
    const some = db
      .select({ id: accounts.id })
      .from(accounts)
      .where(which)
      .orderBy(...order)
      .limit(most)
    const [counted] = await readLong(db.select({ n: count() }).from(some.as('some')))
    return counted?.n ?? 0
  }

  /** By the creation time, newest first. */
  const byCreation = (query: Conditions): Range => ({
    rows: (place, limit) => newest(and(matchesFilter(query), place ? placeIs('<', place) : undefined), limit),
    placeOf: ({ createdAt, id }) => ({ at: createdAt, id }),
    count:
      (query.verified ?? query.secondFactor ?? query.invited ?? null) === null
        ? (most) => countOf(matchesFilter(query), [desc(accounts.createdAt), desc(accounts.id)], most)
        : null,
  })

  /** Those that wait for an invited person, newest first. */
  const byInvitation = ({ role, disabled, verified = null, secondFactor = null }: Conditions): Range => {
    const invited = isNotNull(accounts.invitedAt)
    return {
      rows: (place, limit) => newest(and(invited, place ? placeIs('<', place) : undefined), limit),
      placeOf: ({ createdAt, id }) => ({ at: createdAt, id }),
      count:
        (role ?? disabled ?? verified ?? secondFactor) === null
          ? (most) => countOf(invited, [desc(accounts.createdAt), desc(accounts.id)], most)
          : null,
    }
  }

  /** By the last sign-in, latest first. */
  const bySignIn = (query: Conditions, within: NonNullable<UserSearch['lastSignIn']>): Range => {
    const order = [desc(accounts.lastSignInHour), desc(accounts.id)]
    const { role, disabled, verified = null, secondFactor = null, invited = null, provider = null } = query
    return {
      rows(place, limit) {
        // A position after the end of the range is its end: the condition must be one range of the index.
        const isInside = place !== null && (within.before === null || wholeHour(place.at) < wholeHour(within.before))
        const rest = isInside
          ? and(
              signedInWithin({ ...within, before: null }),
              compareRow('<', [
                [accounts.lastSignInHour, wholeHour(place.at)],
                [accounts.id, place.id],
              ]),
            )
          : signedInWithin(within)
        return readLong(
          db
            .select(columns)
            .from(accounts)
            .where(rest)
            .orderBy(...order)
            .limit(limit),
        )
      },
      placeOf: (account) => ({ at: new Date(timeOfHour(hourOfAccount(account)) ?? 0), id: account.id }),
      count:
        (role ?? disabled ?? verified ?? secondFactor ?? invited ?? provider) === null
          ? (most) => countOf(signedInWithin(within), order, most)
          : null,
    }
  }

  /** With an identity at a provider, newest first: an ID begins with the time at which it was created. */
  const byProvider = (provider: string): Range => ({
    rows: (place, limit) =>
      readLong(
        db
          .select(columns)
          .from(identities)
          .innerJoin(accounts, eq(accounts.id, identities.accountId))
          .where(
            and(
              eq(identities.provider, provider),
              // PostgreSQL does not conclude the second from the first, and would read every newer account.
              place ? and(lt(identities.accountId, place.id), lt(accounts.id, place.id)) : undefined,
            ),
          )
          .orderBy(desc(identities.accountId))
          .limit(limit),
      ),
    placeOf: ({ createdAt, id }) => ({ at: createdAt, id }),
    count: null,
  })

  const rangeFor = (query: Conditions): Range => {
    if (query.lastSignIn != null) return bySignIn(query, query.lastSignIn)
    if (query.provider != null) return byProvider(query.provider)
    return query.invited === true ? byInvitation(query) : byCreation(query)
  }

  /**
   * Up to `limit` rows of a key's range, starting after `seen`. `earlier`: whether an earlier key has already found the
   * row.
   */
  async function along(key: Key, earlier: readonly Key[], seen: RangePosition | null, limit: number) {
    const { of, from, to } = key
    const reading = (which: SQL | undefined, order: readonly SQL[], most: number) =>
      readLong(
        db
          .select({ account: columns, key: of, earlier: either(earlier).mapWith(Boolean) })
          .from(accounts)
          .where(which)
          .orderBy(...order)
          .limit(most),
      )
    const order = [asc(of), asc(accounts.id)]
    if (seen === null) return reading(isIn(key), order, limit)
    // Two ranges, because SQLite cannot start reading an index on expressions at a row value. Rows with one key are
    // ordered by their ID: SQLite would sort them by a constant expression.
    const alike = await reading(and(sql`${of} = ${seen.key}`, gt(accounts.id, seen.id)), [asc(accounts.id)], limit)
    if (alike.length === limit) return alike
    const rest = sql`${of} > ${seen.key} and ${of} < ${to} and ${of} >= ${from}`
    return [...alike, ...(await reading(rest, order, limit - alike.length))]
  }

  /** The accounts that match by prefix: one index after the other. */
  async function beginning(query: UserSearch, keys: readonly Key[]): Promise<PrefixMatches> {
    const found: ManagedAccount[] = []
    let examined = 0
    // A position without an index is after all of them.
    const { index: startIndex, key } = query.after === null ? { index: 0, key: '' } : (query.after.begins ?? noneLeft)
    let seen: RangePosition | null = query.after?.begins ? { key, id: query.after.id } : null
    for (let index = startIndex; index < keys.length; seen = null, index++) {
      for (let rows = atOnce; rows === atOnce; ) {
        const chunk = await along(keys[index] as Key, keys.slice(0, index), seen, atOnce)
        const some = chunk.map(({ account }) => account)
        const holders = new Set(await at(query.provider, some))
        for (const { account, key: value, earlier } of chunk) {
          seen = { key: value ?? '', id: account.id }
          examined++
          if (!earlier && isMatch(query, account) && holders.has(account)) found.push(account)
          if (found.length < query.limit && examined < maxExamined) continue
          return {
            found,
            examined: examined,
            next: { at: account.createdAt, id: account.id, begins: { index, key: seen.key } },
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
        .select({ at: accounts.createdAt, id: accounts.id })
        .from(accounts)
        .where(older)
        .orderBy(desc(accounts.createdAt), desc(accounts.id))
        .limit(1)
        .offset(most - 1),
    )
    const others = not(sql`coalesce(${either(keys)}, ${sql.raw('false')})`)
    const within = last && placeIs('>=', last)
    const found = await newest(and(older, within, contains(text), others, matchesFilter(query), marked(query)), limit)
    const full = found.length === limit ? found.at(-1) : undefined
    const next: ListPosition | null = full ? { at: full.createdAt, id: full.id } : (last ?? null)
    return { found: await at(query.provider, found), next }
  }

  async function search(query: UserSearch, text: string): Promise<UserPage> {
    const keys = keysOf(text)
    const byPrefix = await beginning(query, keys)
    if (byPrefix.next !== null) return { accounts: byPrefix.found, next: byPrefix.next }
    const left = query.limit - byPrefix.found.length
    const { found, next } = await containing(query, keys, text, left, maxExamined - byPrefix.examined)
    return { accounts: [...byPrefix.found, ...found], next }
  }

  /** Conditions that are not part of the range are tested on a limited number of its rows. */
  async function list(query: UserSearch): Promise<UserPage> {
    if (query.text !== null) return search(query, query.text)
    const range = rangeFor(query)
    const isExact = range.count !== null
    const provider = query.lastSignIn == null ? null : query.provider
    const found: ManagedAccount[] = []
    const pageTo = (last: ManagedAccount | undefined): UserPage => ({
      accounts: found,
      next: last ? range.placeOf(last) : null,
    })
    let previous: ManagedAccount | undefined
    for (let examined = 0, place: ListPosition | null = query.after; ; ) {
      // One more than requested shows whether there is a next page.
      const most = isExact ? query.limit + 1 : Math.max(atOnce, Math.min(query.limit, maxExamined))
      const rows = await range.rows(place, most)
      const holders = new Set(await at(provider, rows))
      for (const account of rows) {
        const isRepeated = previous?.id === account.id
        previous = account
        if (isRepeated || !isMatch(query, account) || !holders.has(account)) continue
        if (found.length === query.limit) return pageTo(found.at(-1))
        found.push(account)
      }
      examined += rows.length
      if (rows.length < most) return pageTo(undefined)
      if (examined >= maxExamined) return pageTo(previous)
      place = previous ? range.placeOf(previous) : null
    }
  }

  return {
    list,

    async count(query) {
      const range = query.text === null ? rangeFor(query) : null
      if (range?.count) {
        const counted = await range.count(maxCounted + 1)
        return { count: Math.min(counted, maxCounted), isComplete: counted <= maxCounted }
      }
      let counted = 0
      let after: UserPlace | null = null
      for (let pages = 0; pages < maxCountedPages && counted <= maxCounted; pages++) {
        const page: UserPage = await list({ ...query, after, limit: maxCounted })
        counted += page.accounts.length
        after = page.next
        if (after === null) return { count: Math.min(counted, maxCounted), isComplete: counted <= maxCounted }
      }
      return { count: Math.min(counted, maxCounted), isComplete: false }
    },
  }
}
