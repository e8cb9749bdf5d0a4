/** The query plan of a statement, and which of its steps grow with the tables. */

import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import type { StoreConfig } from '../../src/store/open.ts'
import { connectPostgres } from './postgres.ts'
import type { Statement } from './recorded-statements.ts'

/** Tables whose number of rows does not depend on the number of accounts. */
const fixed: Readonly<Record<string, string>> = {
  signing_keys: 'a few for each purpose; old ones are erased',
  sealing_keys: 'one for each encryption key',
  jobs: 'one for each job',
  leases: 'one for each job',
}

/** `sorts`: the rows of one account are sorted after they were read. */
export type Allowed = { readonly sorts?: boolean }

export type Explain = {
  /** The faults of the plan; empty if the statement reads only ranges of indexes. */
  faultsOf(statement: Statement, allowed?: Allowed): Promise<readonly string[]>
  close(): Promise<void>
}

export const explaining = (config: StoreConfig): Promise<Explain> =>
  config.tag === 'sqlite' ? explainingSqlite(config.file) : explainingPostgres(config.url)

async function explainingSqlite(file: string): Promise<Explain> {
  const db = connectSqlite(file, { readonly: true })
  const tables = new Set(db.prepare("select name from sqlite_schema where type = 'table'").pluck().all())
  const partial = new Set(
    db.prepare("select name from sqlite_schema where type = 'index' and sql like '% where %'").pluck().all(),
  )
  /**
   * An index is read from its beginning where the list begins there: every row matches, and the list ends somewhere.
   */
  const isList = (sql: string, index: string | undefined): boolean =>
    index !== undefined && / limit /.test(sql) && (partial.has(index) || !/ where /.test(sql))
  return {
    async faultsOf({ sql, params }, { sorts = false } = {}) {
      const steps = db.prepare<unknown[], { detail: string }>(`explain query plan ${sql}`).all(...params)
      return steps
        .map(({ detail }) => detail)
        .filter((detail) => {
          if (/^USE TEMP B-TREE/.test(detail)) return !sorts
          const [, table = '', index] = /^SCAN "?(\w+)"?(?: USING (?:COVERING )?INDEX (\w+))?/.exec(detail) ?? []
          // A name that is not a table is a subquery, and has lines of its own.
          return tables.has(table) && !(table in fixed) && !isList(sql, index)
        })
    },
    close: async () => void db.close(),
  }
}

type PlanNode = {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Filter?: string
  readonly Plans?: readonly PlanNode[]
}

/** Plan steps that are used only where no index serves. */
const lastResorts = [
  'enable_seqscan',
  'enable_bitmapscan',
  'enable_sort',
  'enable_incremental_sort',
  'enable_hashjoin',
  'enable_mergejoin',
]

async function explainingPostgres(url: string): Promise<Explain> {
  const client = await connectPostgres(url)
  for (const way of lastResorts) await client.query(`set ${way} = off`)
  // PostgreSQL assumes some pages for a table without statistics, and that an empty one may as well be scanned.
  await client.query('analyze accounts, identities, audit')
  const faultsIn = (node: PlanNode, limited: boolean, sorts: boolean): string[] => {
    const type = node['Node Type']
    const on = node['Relation Name'] ?? ''
    const said = `${type} on ${on} by ${node['Index Name']} where ${node['Index Cond']} filter ${node.Filter}`
    const under = (node.Plans ?? []).flatMap((one) => faultsIn(one, limited || type === 'Limit', sorts))
    if (on in fixed) return under
    const isWalk = /^Index/.test(type) && node['Index Cond'] === undefined && !(limited && node.Filter === undefined)
    // Below an index condition a filter skips rows, and a page may read any number of them.
    const isOneRow = node['Index Name'] === `${on}_pkey` && /\(id = /.test(node['Index Cond'] ?? '')
    const leavesOut = node.Filter !== undefined && (on === 'accounts' || on === 'audit') && !isOneRow
    const isFault = sorts ? type === 'Seq Scan' : /Seq Scan|Sort|Bitmap/.test(type)
    return isFault || isWalk || leavesOut ? [said, ...under] : under
  }
  return {
    async faultsOf({ sql, params }, { sorts = false } = {}) {
      for (const way of ['enable_sort', 'enable_bitmapscan']) await client.query(`set ${way} = ${sorts ? 'on' : 'off'}`)
      const { rows } = await client.query(`explain (format json) ${sql}`, [...params])
      return (rows as { 'QUERY PLAN': { Plan: PlanNode }[] }[]).flatMap((row) =>
        row['QUERY PLAN'].flatMap(({ Plan }) => faultsIn(Plan, false, sorts)),
      )
    },
    close: () => client.end(),
  }
}
