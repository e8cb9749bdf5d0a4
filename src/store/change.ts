import { and, eq, getTableColumns, isNotNull } from 'drizzle-orm'
import { eventCatalogue, type Fact, type NoticeName } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Ids } from '../kernel/ids.ts'
import type { PreparedChange } from '../kernel/prepared-change.ts'
import type { Mail } from '../mail/ports.ts'
import { endApplications, endOfOneSession } from './application-endings.ts'
import { type Driver, placeholdersFor, type Queries, rowsPerInsert, type Script, step } from './driver.ts'
import { insertMail } from './mails.ts'

/**
 * Writes facts to the audit log, and queues notices of them for the person, within the transaction of the change they
 * explain. With `entry`, the ID of an audit log entry, the facts are added to its `attempts`; the first one creates the
 * entry. A caller that passes `entry` holds its `entryLock`.
 */
export type Note = (facts: readonly Fact[], entry?: string) => Script<void>

/** Serializes facts that are counted in the same entry, so that the second sees the first. */
export const entryLock = (entry: string): string => `audit:${entry}`

/** Queues emails within the transaction of the change they are about. */
export type Post = (mails: readonly Mail[]) => Script<void>

/** A transaction that records its reasons. The facts it noted are published after the commit, and only then. */
export type Change = <T>(
  script: (tx: Queries, note: Note, post: Post) => Script<T>,
  locks?: readonly string[],
) => Promise<T>

/** A prepared change: its script, and the locks to hold while the script runs. */
type ChangeScript = {
  readonly script: (tx: Queries, note: Note) => Script<boolean>
  readonly locks: readonly string[]
}
const prepared = new WeakMap<PreparedChange, ChangeScript>()

/** Prepares a change that can be made alone or as part of another. */
export function prepareChange(change: Change, { script, locks }: ChangeScript): PreparedChange {
  const one: PreparedChange = { make: () => change(script, locks) }
  prepared.set(one, { script, locks })
  return one
}

/** What a prepared change consists of, for a script that includes it. If the script returns `false`, it wrote nothing. */
export function scriptOf(change: PreparedChange): ChangeScript {
  const found = prepared.get(change)
  if (!found) throw new Error('the change was not prepared by this store')
  return found
}

/** An included change cannot be made: rolls back what was written so far. */
class OvertakenError extends Error {}

/** Makes the included changes within a script. If one of them cannot be made, the whole transaction is undone. */
export function* include(tx: Queries, note: Note, changes: readonly ChangeScript[]): Script<void> {
  for (const { script } of changes) if (!(yield* script(tx, note))) throw new OvertakenError()
}

/** For a change with `include`: `null` if it was undone. */
export async function unlessOvertaken<T>(made: Promise<T>): Promise<T | null> {
  try {
    return await made
  } catch (error) {
    if (error instanceof OvertakenError) return null
    throw error
  }
}

export type ChangeParts = {
  readonly clock: Clock
  readonly ids: Ids
  readonly publish: (fact: Fact) => void
}

/** Held by every change that decides whether an account exists or what belongs to it. */
export const accountLock = (accountId: string): string => `account:${accountId}`

export function createChange({ db, tables: t, atomic, steps }: Driver, { clock, ids, publish }: ChangeParts): Change {
  // Facts of one millisecond keep their order on the node that noted them.
  let ordinal = 0
  const isNotice = (fact: Fact): fact is Extract<Fact, { name: NoticeName }> => 'notice' in eventCatalogue[fact.name]

  /** Queues a notice, only for a verified email address: any other may belong to a stranger. */
  function* writeTo(tx: Queries, { name, data, accountId, origin }: Extract<Fact, { name: NoticeName }>): Script<void> {
    if (accountId === null) return
    const [reader] = yield* step(
      tx
        .select({ to: t.accounts.email, locale: t.accounts.locale })
        .from(t.accounts)
        .where(and(eq(t.accounts.id, accountId), isNotNull(t.accounts.verifiedEmailKey))),
    )
    if (!reader || reader.to === null) return
    const at = clock()
    const params = Object.fromEntries(
      Object.entries({ ...data, at: at.toISOString(), ip: origin.ip, user_agent: origin.userAgent }).flatMap(
        // The notice names the role of an administrator who did it, not the person.
        ([key, value]) => (value === null ? [] : [[key, key === 'by' ? 'administrator' : String(value)]]),
      ),
    )
    yield* step(
      insertMail(tx, t, {
        id: ids('eml'),
        to: reader.to,
        locale: reader.locale ?? origin.locale ?? 'en',
        template: name,
        params,
        secret: null,
        accountId,
        attempts: 0,
        nextAttemptAt: at,
        lastError: null,
        createdAt: at,
      }),
    )
  }

  /** `false` if the entry does not exist yet. */
  function* count(tx: Queries, entry: string, more: number): Script<boolean> {
    const one = eq(t.audit.id, entry)
    const [known] = yield* step(tx.select({ data: t.audit.data }).from(t.audit).where(one))
    if (!known) return false
    const data = { ...known.data, attempts: Number(known.data.attempts ?? 1) + more }
    yield* step(tx.update(t.audit).set({ data }).where(one))
    return true
  }

  function* postAll(tx: Queries, mails: readonly Mail[]): Script<void> {
    for (const mail of mails) yield* step(insertMail(tx, t, mail))
  }

  const endOne = endOfOneSession({ db, tables: t, steps })
  const noting = steps(db.insert(t.audit).values(placeholdersFor(getTableColumns(t.audit))))

  /** Created once: a generator function within each transaction would get its own hidden class, and slow every step. */
  function* record(tx: Queries, facts: readonly Fact[], entry: string | undefined): Script<void> {
    if (entry !== undefined && (yield* count(tx, entry, facts.length))) return
    const at = clock()
    const written = entry === undefined ? facts : facts.slice(0, 1)
    const rows = written.map(({ name, data, accountId, origin }) => ({
      id: entry ?? ids('aud'),
      at,
      ordinal: ordinal++,
      event: name,
      accountId,
      ip: origin.ip,
      userAgent: origin.userAgent,
      requestId: origin.requestId,
      data: entry === undefined ? data : { ...data, attempts: facts.length },
    }))
    const [first, ...more] = rows
    if (first && more.length === 0) yield* step(noting(first))
    else
      for (let from = 0; from < rows.length; from += rowsPerInsert)
        yield* step(tx.insert(t.audit).values(rows.slice(from, from + rowsPerInsert)))
    yield* endApplications(tx, t, { clock, ids, endOne }, facts)
    for (const fact of facts) if (isNotice(fact)) yield* writeTo(tx, fact)
  }

  return async (script, locks) => {
    let noted: Fact[] = []
    const result = await atomic((tx) => {
      noted = []
      const note: Note = (facts, entry) => {
        noted.push(...facts)
        return record(tx, facts, entry)
      }
      return script(tx, note, (mails) => postAll(tx, mails))
    }, locks)
    noted.forEach(publish)
    return result
  }
}
