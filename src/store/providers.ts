import { and, asc, desc, eq, inArray, lt, sql } from 'drizzle-orm'
import type { ProviderStore, ProviderVersion, StoredProvider } from '../providers/ports.ts'
import type { Change } from './change.ts'
import { type Driver, type Queries, step } from './driver.ts'

/** How many of the newest versions are kept, to go back to. */
const formerVersions = 20

/** Serializes changes, which depend on all providers: no two of them may have the same issuer. */
const providersLock = 'providers'

export function providerStore(
  { db, tables: { providers: p, providerVersions: v }, read, readLong, reads }: Driver,
  change: Change,
): ProviderStore {
  const reading = (q: Queries) =>
    q
      .select({ record: p, version: v })
      .from(p)
      .leftJoin(v, and(eq(v.provider, p.id), inArray(v.state, ['live', 'draft'])))
      .orderBy(asc(p.position), asc(p.createdAt), asc(p.id))
  // The time of creation tells apart a provider that was deleted and added again.
  const revising = reads(db.select({ id: p.id, createdAt: p.createdAt, revision: p.revision }).from(p))
  const oneVersion = reads(
    db
      .select()
      .from(v)
      .where(eq(v.id, sql.placeholder('id'))),
  )

  return {
    async revisions() {
      const rows = await revising({})
      return rows
        .map(({ id, createdAt, revision }) => `${id} ${createdAt.getTime()} ${revision}`)
        .sort()
        .join('\n')
    },
    // Few and small, and read at every start: not worth the thread for long reads.
    list: async () => joined(await read(reading(db))),
    async version(id) {
      const [found] = await oneVersion({ id })
      return found
    },
    versions: (provider) => readLong(db.select().from(v).where(eq(v.provider, provider)).orderBy(desc(v.version))),
    change: (id, decide) =>
      change(
        function* (tx, note) {
          const decided = decide(joined(yield* step(reading(tx))))
          if (!decided.ok) return decided
          const { record, versions = [], deleted = [], because } = decided.value
          if (record === null) yield* step(tx.delete(p).where(eq(p.id, id)))
          else yield* step(tx.insert(p).values(record).onConflictDoUpdate({ target: p.id, set: record }))
          if (deleted.length > 0) yield* step(tx.delete(v).where(inArray(v.id, [...deleted])))
          const old =
            record && and(eq(v.provider, id), eq(v.state, 'former'), lt(v.version, record.version - formerVersions))
          if (old) yield* step(tx.delete(v).where(old))
          for (const version of versions)
            yield* step(tx.insert(v).values(version).onConflictDoUpdate({ target: v.id, set: version }))
          yield* note(because)
          return { ok: true, value: null }
        },
        [providersLock],
      ),
  }
}

type Row = {
  readonly record: Omit<StoredProvider, 'live' | 'draft'>
  readonly version: ProviderVersion | null
}

function joined(rows: readonly Row[]): StoredProvider[] {
  const providers = new Map<string, StoredProvider>()
  for (const { record, version } of rows) {
    const known = providers.get(record.id) ?? { ...record, live: null, draft: null }
    providers.set(record.id, version ? { ...known, [version.state]: version } : known)
  }
  return [...providers.values()]
}
