import { and, eq, exists, isNull, type SQL, sql } from 'drizzle-orm'
import type { TokenSubject } from '../sessions/ports.ts'
import { batchCalls } from './batch-calls.ts'
import { type Driver, placeholderFor, type Queries } from './driver.ts'
import { live } from './endings.ts'

/** Rotations within this time span share one timestamp, in milliseconds. */
const sameMs = 50

type Rotation = { readonly id: string; readonly generation: number; readonly at: Date; readonly idleExpiresAt: Date }

/**
 * The statement that runs most often: `generation` → `generation + 1` of one session, or of all sessions that were
 * rotated in the same turn. For a driver, one more statement costs far more than one more row.
 */
export function rotation({
  db,
  endOfTurn,
  statementsAtOnce,
  skipLocked,
  tables: t,
  waitingWrites,
  writes,
}: Driver): (rotation: Rotation) => Promise<TokenSubject | undefined> {
  const s = t.sessions
  const at = placeholderFor('at', s.lastSeenAt)

  const enabledAccount = db
    .select({ one: sql`1` })
    .from(t.accounts)
    .where(and(eq(t.accounts.id, s.accountId), isNull(t.accounts.disabledAt)))
  /** The session IDs and the generation presented for each, as a JSON object: both databases can read one as rows. */
  const asRows = (name: 'presented' | 'asked') =>
    sql`json_each(${sql.placeholder('presented')}) as ${sql.identifier(name)}`
  const presentedGeneration = sql`cast(cast(presented.value as text) as bigint)`
  /**
   * A condition that is always true. PostgreSQL estimates that `json_each` returns a hundred rows, and would then scan
   * some thousand sessions to find one. With a range condition it expects few rows, and looks each up by its key.
   */
  const few = (name: 'presented' | 'asked') => sql`length(${sql.identifier(name)}.key) between 1 and 1000`

  /**
   * Of many sessions rotated together, only those whose row is not locked: one locked row must not delay all others.
   * PostgreSQL runs such a subquery once. As a condition of the UPDATE it would lock all of them for each of them.
   */
  const free =
    skipLocked &&
    db.$with('presented').as(
      skipLocked(
        db
          .select({ key: sql<string>`asked.key`.as('key'), value: sql`asked.value`.as('value') })
          .from(s)
          .innerJoin(asRows('asked'), sql`${s.id} = asked.key`)
          .where(few('asked')),
      ),
    )
  const rotatingOf = (tx: Pick<Queries, 'update'>, presented: SQL) =>
    tx
      .update(s)
      .set({
        generation: sql`${s.generation} + 1`,
        // Presenting a generation counts as using it, so the same UPDATE records that.
        usedGeneration: sql`${s.generation}`,
        rotatedAt: at,
        lastSeenAt: at,
        idleExpiresAt: placeholderFor('idleExpiresAt', s.idleExpiresAt),
      })
      .from(presented)
      .where(
        and(
          eq(s.id, sql`presented.key`),
          eq(s.generation, presentedGeneration),
          few('presented'),
          live(t, at),
          exists(enabledAccount),
        ),
      )
      // The values just written are not read back: times and counters are the most expensive columns to read.
      .returning({
        id: s.id,
        accountId: s.accountId,
        amr: s.amr,
        scope: s.scope,
        authTime: s.authTime,
        absoluteExpiresAt: s.absoluteExpiresAt,
      })
  // If the first run was committed, the second finds no row, and the refresh is answered with the current generation.
  const repeatable = true
  const rotating = writes(free ? rotatingOf(db.with(free), sql`presented`) : rotatingOf(db, asRows('presented')), {
    repeatable,
  })
  /** Waits for the row lock, so that a row it does not find does not exist. */
  const rotatingOne = waitingWrites(rotatingOf(db, asRows('presented')), { repeatable })
  const values = (rotations: readonly Rotation[], { at, idleExpiresAt }: Rotation) => {
    // In one order, so that two statements are unlikely to wait for each other's rows.
    const inOrder = rotations
      .map(({ id, generation }) => [id, generation] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    return { presented: JSON.stringify(Object.fromEntries(inOrder)), at, idleExpiresAt }
  }

  type Rotated = Awaited<ReturnType<typeof rotatingOne>>[number] & { readonly times: Rotation }
  const timed = (times: Rotation) => (row: Awaited<ReturnType<typeof rotatingOne>>[number]) => ({ ...row, times })
  const rotated = batchCalls<Rotation, Rotated>(
    endOfTurn,
    // Rotations that share a statement share its times. A few milliseconds do not matter, but the lifetime of the
    // session does.
    ({ at, idleExpiresAt }) => `${Math.floor(at.getTime() / sameMs)} ${idleExpiresAt.getTime() - at.getTime()}`,
    async (rotations, first) => (await rotating(() => values(rotations(), first))).map(timed(first)),
    skipLocked && (async (rotation) => (await rotatingOne(values([rotation], rotation))).map(timed(rotation))[0]),
    statementsAtOnce,
  )

  return async (rotation) => {
    const found = await rotated(rotation)
    if (!found) return undefined
    const { times, ...subject } = found
    const { at, idleExpiresAt } = times
    return { ...subject, generation: rotation.generation + 1, rotatedAt: at, idleExpiresAt }
  }
}
