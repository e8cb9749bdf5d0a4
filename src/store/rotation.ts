import { and, eq, exists, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import type { TokenSubject } from '../sessions/ports.ts'
import { type Driver, given } from './driver.ts'
import { live } from './endings.ts'
import { together } from './together.ts'

/** Rotations of one such span, in milliseconds, have one time. */
const sameMs = 50

type Rotation = { readonly id: string; readonly generation: number; readonly at: Date; readonly idleExpiresAt: Date }

/**
 * The statement that runs more than any other: `generation` → `generation + 1` of one session, or of all that were
 * asked for at the same moment. A driver's work on a statement costs far more than a row more in it.
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
  const at = given('at', s.lastSeenAt)

  const enabledAccount = db
    .select({ one: sql`1` })
    .from(t.accounts)
    .where(and(eq(t.accounts.id, s.accountId), isNull(t.accounts.disabledAt)))
  /** Each session asked for and the generation presented, as a JSON object: both databases read one as rows. */
  const presented = sql`json_each(${sql.placeholder('presented')}) as presented`
  const asked = sql`json_each(${sql.placeholder('presented')}) as asked`
  const presentedGeneration = sql`cast(cast(presented.value as text) as bigint)`
  /**
   * Always so. PostgreSQL takes what `json_each` answers for a hundred rows, and would read all of some thousand
   * sessions for the one that is asked about; what is kept within two bounds it takes for few, and looks each up by
   * its key.
   */
  const few = (rows: 'presented' | 'asked') => sql`length(${sql.raw(rows)}.key) between 1 and 1000`

  /** Of many devices at once, those whose row nobody holds: one locked row must not keep all the others waiting. */
  const free =
    skipLocked &&
    inArray(
      s.id,
      skipLocked(db.select({ id: s.id }).from(s).innerJoin(asked, sql`${s.id} = asked.key`).where(few('asked'))),
    )
  const rotatingOf = (unlocked: SQL | undefined) =>
    db
      .update(s)
      .set({
        generation: sql`${s.generation} + 1`,
        // Presenting a generation is using it with us, so the same UPDATE says so.
        usedGeneration: sql`${s.generation}`,
        rotatedAt: at,
        lastSeenAt: at,
        idleExpiresAt: given('idleExpiresAt', s.idleExpiresAt),
      })
      .from(presented)
      .where(
        and(
          eq(s.id, sql`presented.key`),
          eq(s.generation, presentedGeneration),
          few('presented'),
          unlocked,
          live(t, at),
          exists(enabledAccount),
        ),
      )
      // What it was given is not read back: times and counters cost the most of a row to read.
      .returning({
        id: s.id,
        accountId: s.accountId,
        amr: s.amr,
        scope: s.scope,
        authTime: s.authTime,
        absoluteExpiresAt: s.absoluteExpiresAt,
      })
  const rotating = writes(rotatingOf(free))
  /** Waits for the row, so that what it does not find is not there. */
  const rotatingOne = waitingWrites(rotatingOf(undefined))
  const values = (rotations: readonly Rotation[], { at, idleExpiresAt }: Rotation) => {
    // In one order for everybody, so that no two statements are likely to wait for each other's rows.
    const inOrder = rotations
      .map(({ id, generation }) => [id, generation] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    return { presented: JSON.stringify(Object.fromEntries(inOrder)), at, idleExpiresAt }
  }

  type Rotated = Awaited<ReturnType<typeof rotatingOne>>[number] & { readonly times: Rotation }
  const timed = (times: Rotation) => (row: Awaited<ReturnType<typeof rotatingOne>>[number]) => ({ ...row, times })
  const rotated = together<Rotation, Rotated>(
    endOfTurn,
    // Those that share a statement share its times. A few milliseconds do not matter; how long a session lives does.
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
