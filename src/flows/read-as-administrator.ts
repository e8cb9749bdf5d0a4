import type { Users } from '../accounts/users.ts'
import type { AuditFilter, AuditPage, AuditRecord, AuditStore } from '../audit/ports.ts'
import { type exportFormats, type Origin, originForOthers } from '../events/catalogue.ts'
import { type EventOutcome, eventsMatching } from '../events/groups.ts'
import { outsideLimit } from '../kernel/limit.ts'
import type { Devices } from '../sessions/devices.ts'
import type { Session } from '../sessions/ports.ts'

type ReadAsAdministratorParts = {
  audit: AuditStore
  devices: Pick<Devices, 'list'>
  users: Pick<Users, 'list' | 'names' | 'atAddress'>
}

/** The account that reads, and its request. */
type Reader = { readonly accountId: string; readonly origin: Origin }

/** Which entries an administrator looks for; `null` matches everything. */
export type AuditQuestion = {
  /** An account ID, an email address, or a part of a name. */
  readonly account: string | null
  /** The name of an event or of a group of events. */
  readonly event: string | null
  readonly outcome: EventOutcome | null
  readonly requestId: string | null
  readonly ip: string | null
  readonly from: Date | null
  readonly until: Date | null
}
export const everyEntry: AuditQuestion = {
  account: null,
  event: null,
  outcome: null,
  requestId: null,
  ip: null,
  from: null,
  until: null,
}

/** The accounts that an entry names: whose it is, and who did it. */
export const accountsIn = ({ accountId, data }: AuditRecord): readonly string[] =>
  [accountId, data.by, data.done_by, data.member, data.account].filter(
    (id): id is string => typeof id === 'string' && isAccountId.test(id),
  )

/** The format of an account ID. Any other typed text does not belong in the audit log. */
const isAccountId = /^usr_\w{1,76}$/
/** How many accounts one name can stand for. */
const mostAccounts = 10
/** How many entries of an export are in memory at once. */
const exportedAtOnce = 500

/**
 * What administrators and auditors read about other accounts. Each read is recorded in the audit log before the
 * response. A read that cannot be recorded is refused.
 */
export function readAsAdministrator({ audit, devices, users }: ReadAsAdministratorParts) {
  /** The IDs that a typed text stands for. A deleted account still has entries, so any ID stands for itself. */
  async function accountsFor(text: string): Promise<readonly string[]> {
    if (isAccountId.test(text)) return [text]
    const owners = await users.atAddress(text, mostAccounts)
    if (owners.length > 0) return owners.map(({ id }) => id)
    const page = await users.list({ text, role: null, disabled: null, after: null, limit: mostAccounts })
    return page.accounts.map(({ id }) => id)
  }

  async function filterFor({ account, event, outcome, ...same }: AuditQuestion): Promise<AuditFilter> {
    return {
      ...same,
      accounts: account === null ? null : await accountsFor(account),
      events: eventsMatching(event, outcome),
    }
  }
  const oneOf = ({ accounts: all }: AuditFilter): string | null => (all?.length === 1 ? (all[0] ?? null) : null)

  async function* pages(filter: AuditFilter): AsyncGenerator<readonly AuditRecord[]> {
    for (let before: string | null = null; ; ) {
      const place: Parameters<AuditStore['search']>[1] = { before, limit: exportedAtOnce }
      // All pages together may exceed the time limit of a request; each page has a limit of its own.
      const { rows, next }: AuditPage = await outsideLimit(() => audit.search(filter, place))
      if (rows.length > 0) yield rows
      if (next === null) return
      before = next
    }
  }

  return {
    /** The live sessions of an account; its user finds in their own log that an administrator read them. */
    async sessions({ accountId: by, origin }: Reader, of: string): Promise<readonly Session[]> {
      const sessions = await devices.list(of)
      const from = by === of ? origin : originForOthers(origin)
      await audit.record({ name: 'account.sessions_read', accountId: of, origin: from, data: { by } })
      return sessions
    },

    /** The audit log of one account or of all, newest first; in the reader’s own log with whose it was. */
    async auditLog(
      { accountId: by, origin }: Reader,
      question: AuditQuestion,
      page: { before: string | null; limit: number },
    ): Promise<AuditPage> {
      const filter = await filterFor(question)
      const found = await audit.search(filter, page)
      await audit.record({ name: 'audit.read', accountId: by, origin, data: { account: oneOf(filter) } })
      return found
    },

    /** Everything that matches, newest first, with at most one page in memory. */
    async exportAuditLog(
      { accountId: by, origin }: Reader,
      question: AuditQuestion,
      format: (typeof exportFormats)[number],
    ): Promise<AsyncIterable<readonly AuditRecord[]>> {
      const filter = await filterFor(question)
      await audit.record({ name: 'audit.exported', accountId: by, origin, data: { account: oneOf(filter), format } })
      return pages(filter)
    },

    /** What to call the accounts and things of these entries, by ID. What was deleted is missing. */
    async namesIn(rows: readonly AuditRecord[]): Promise<ReadonlyMap<string, string>> {
      const idsIn = (member: string): readonly string[] => [
        ...new Set(rows.map(({ data }) => data[member]).filter((id): id is string => typeof id === 'string')),
      ]
      const [people, things] = await Promise.all([
        users.names([...new Set(rows.flatMap(accountsIn))]),
        audit.names({
          applications: idsIn('application'),
          credentials: idsIn('credential'),
          teams: idsIn('team'),
        }),
      ])
      return new Map([
        ...things.map(({ id, name }) => [id, name] as const),
        ...people.map(({ id, name, email }) => [id, name ?? email ?? id] as const),
      ])
    },
  }
}
