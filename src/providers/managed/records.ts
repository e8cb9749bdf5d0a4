/** The stored providers, and the record of one after a change. Pure. */
import type { ProviderRecord, StoredProvider } from '../ports.ts'

/** Without those that are being deleted. */
export const present = (all: readonly StoredProvider[]): readonly StoredProvider[] =>
  all.filter(({ deletedAt }) => deletedAt === null)

export const findPresent = (all: readonly StoredProvider[], id: string): StoredProvider | undefined =>
  present(all).find((one) => one.id === id)

/** The record without its versions. */
export const recordOf = ({ live: _live, draft: _draft, ...record }: StoredProvider): ProviderRecord => record

/** The record after a change by this person: an account, or `null` for a command on the machine itself. */
export const touched = (
  record: ProviderRecord,
  by: string | null,
  at: Date,
  more: Partial<ProviderRecord> = {},
): ProviderRecord => ({
  id: record.id,
  kind: record.kind,
  enabled: record.enabled,
  position: record.position,
  version: record.version,
  createdBy: record.createdBy,
  createdAt: record.createdAt,
  deletedAt: record.deletedAt,
  ...more,
  revision: record.revision + 1,
  updatedBy: by,
  updatedAt: at,
})
