import type { AuditRecord, AuditStore } from '../audit/ports.ts'
import { type Origin, originForOthers } from '../events/catalogue.ts'
import type { Devices } from '../sessions/devices.ts'
import type { Session } from '../sessions/ports.ts'

type ReadAsAdministratorParts = { audit: AuditStore; devices: Pick<Devices, 'list'> }

/** The account that reads, and its request. */
type Reader = { readonly accountId: string; readonly origin: Origin }

/** The format of an account ID. Any other typed text does not belong in the audit log. */
const accountId = /^\w{1,80}$/

/**
 * What administrators and auditors read about other accounts. Each read is recorded in the audit log before the
 * response. A read that cannot be recorded is refused.
 */
export function readAsAdministrator({ audit, devices }: ReadAsAdministratorParts) {
  return {
    /** The live sessions of an account; its user finds in their own log that an administrator read them. */
    async sessions({ accountId: by, origin }: Reader, of: string): Promise<readonly Session[]> {
      const sessions = await devices.list(of)
      const from = by === of ? origin : originForOthers(origin)
      await audit.record({ name: 'account.sessions_read', accountId: of, origin: from, data: { by } })
      return sessions
    },

    /** The audit log of one account or of all, newest first; in the reader's own log with whose it was. */
    async auditLog(
      { accountId: by, origin }: Reader,
      ...asked: Parameters<AuditStore['search']>
    ): Promise<readonly AuditRecord[]> {
      const rows = await audit.search(...asked)
      const [{ account }] = asked
      const known = account !== null && accountId.test(account) ? account : null
      await audit.record({ name: 'audit.read', accountId: by, origin, data: { account: known } })
      return rows
    },
  }
}
