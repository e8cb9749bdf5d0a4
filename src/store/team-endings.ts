import { and, asc, eq, inArray, isNull, ne, sql } from 'drizzle-orm'
import { type Origin, originForOthers, type Payload } from '../events/catalogue.ts'
import type { Ids } from '../kernel/ids.ts'
import type { Note } from './change.ts'
import { type Queries, type Script, step } from './driver.ts'
import type { Tables } from './schema.ts'
import { lockAccount, lockTeam } from './team-locks.ts'
import { eraseGrants } from './withdrawals.ts'

/** The account that ends it, when, and the origin of the request. */
type Initiator = { readonly accountId: string; readonly at: Date; readonly origin: Origin }

/** Erases a locked team and everything that belongs to it. Its grants are queued for revocation at their providers. */
export function* endTeam(
  tx: Queries,
  t: Tables,
  note: Note,
  ids: Ids,
  teamId: string,
  { accountId, at, origin }: Initiator,
): Script<void> {
  const { jiraIntegrations: jira, teamMembers: m } = t
  const [connected] = yield* step(tx.select({ by: jira.connectedBy }).from(jira).where(eq(jira.teamId, teamId)))
  const others = yield* step(
    tx
      .select({ id: m.accountId })
      .from(m)
      .where(and(eq(m.teamId, teamId), ne(m.accountId, accountId)))
      .orderBy(asc(m.accountId)),
  )
  const of = { accountId: connected?.by ?? accountId, teamId, at }
  yield* eraseGrants(tx, t, ids, eq(t.grants.holder, teamId), of)
  yield* step(tx.delete(t.teams).where(eq(t.teams.id, teamId)))
  if (connected)
    yield* note([{ name: 'jira.disconnected', data: { team: teamId, reason: 'team_deleted' }, accountId, origin }])
  yield* note(
    others.map(({ id }) => ({
      name: 'team.left',
      accountId: id,
      origin: originForOthers(origin),
      data: { team: teamId, done_by: accountId },
    })),
  )
}

/**
 * Removes an account from its teams, in the transaction that deletes the account and before it is deleted. A team left
 * without members is deleted. A team left without an owner gets a new one: the longest-standing admin, or else the
 * longest-standing member. Disabled accounts come last, because nobody could reach their owners.
 */
export function* leaveTeams(tx: Queries, t: Tables, note: Note, ids: Ids, by: Initiator): Script<void> {
  const { teamMembers: m, accounts } = t
  const { accountId, origin } = by
  if (!(yield* lockAccount(tx, t, accountId))) return
  const mine = eq(m.accountId, accountId)
  const teams = yield* step(tx.select({ id: m.teamId }).from(m).where(mine).orderBy(asc(m.teamId)))
  for (const { id: team } of teams) {
    if (!(yield* lockTeam(tx, t, team))) continue
    const [left] = yield* step(
      tx
        .delete(m)
        .where(and(mine, eq(m.teamId, team)))
        .returning({ role: m.role }),
    )
    if (!left) continue
    const [first] = yield* step(
      tx
        .select({ id: m.accountId, role: m.role })
        .from(m)
        .innerJoin(accounts, eq(accounts.id, m.accountId))
        .where(eq(m.teamId, team))
        .orderBy(
          sql`case when ${accounts.disabledAt} is null then 0 else 1 end`,
          sql`case ${m.role} when 'owner' then 0 when 'admin' then 1 else 2 end`,
          asc(m.joinedAt),
          asc(m.accountId),
        )
        .limit(1),
    )
    if (!first) {
      yield* endTeam(tx, t, note, ids, team, by)
      yield* note([{ name: 'team.deleted', data: { team }, accountId, origin }])
      continue
    }
    yield* note([{ name: 'team.left', data: { team }, accountId, origin }])
    if (left.role === 'owner' && first.role !== 'owner') {
      yield* step(
        tx
          .update(m)
          .set({ role: 'owner' })
          .where(and(eq(m.teamId, team), eq(m.accountId, first.id))),
      )
      yield* note([
        {
          name: 'team.role_changed',
          accountId: first.id,
          origin: originForOthers(origin),
          data: { team, role: 'owner' },
        },
      ])
    }
    yield* leaveConnection(tx, t, note, ids, team, by)
  }
}

/** Owners and admins whose account is not disabled, the longest-standing first. */
export const leadersOf = (q: Queries, { teamMembers: m, accounts }: Tables, teamId: string) =>
  q
    .select({ id: m.accountId })
    .from(m)
    .innerJoin(accounts, eq(accounts.id, m.accountId))
    .where(and(eq(m.teamId, teamId), inArray(m.role, ['owner', 'admin']), isNull(accounts.disabledAt)))
    .orderBy(asc(m.joinedAt), asc(m.accountId))

/**
 * Call it when an account has left a locked team. If the team's Jira connection rests on that account's consent, the
 * consent ends. The chosen sites stay for the next person who connects. The remaining owners and admins are notified.
 */
export function* leaveConnection(
  tx: Queries,
  t: Tables,
  note: Note,
  ids: Ids,
  teamId: string,
  { accountId, at, origin }: Initiator,
): Script<void> {
  const { jiraIntegrations: jira } = t
  const [disconnected] = yield* step(
    tx
      .update(jira)
      .set({ connectedBy: null, syncStatus: 'failed', lastError: 'connector_left', updatedAt: at })
      .where(and(eq(jira.teamId, teamId), eq(jira.connectedBy, accountId)))
      .returning({ teamId: jira.teamId }),
  )
  if (!disconnected) return
  yield* eraseGrants(tx, t, ids, eq(t.grants.holder, teamId), { accountId, teamId, at })
  yield* notifyLeaders(tx, t, note, teamId, 'connector_left', origin)
}

/**
 * Call it when an account is disabled. Its Jira connections pause until the account is enabled again or another member
 * takes over. The owners and admins of those teams are notified.
 */
export function* notifyJiraPaused(tx: Queries, t: Tables, note: Note, accountId: string, origin: Origin): Script<void> {
  const { jiraIntegrations: jira } = t
  const connections = tx.select({ teamId: jira.teamId }).from(jira).where(eq(jira.connectedBy, accountId))
  for (const { teamId } of yield* step(connections.orderBy(asc(jira.teamId))))
    yield* notifyLeaders(tx, t, note, teamId, 'connector_disabled', origin)
}

function* notifyLeaders(
  tx: Queries,
  t: Tables,
  note: Note,
  team: string,
  reason: Payload<'jira.needs_reauthorization'>['reason'],
  origin: Origin,
): Script<void> {
  const leaders = yield* step(leadersOf(tx, t, team))
  yield* note(
    leaders.map(({ id }) => ({
      name: 'jira.needs_reauthorization',
      accountId: id,
      origin: originForOthers(origin),
      data: { team, reason },
    })),
  )
}
