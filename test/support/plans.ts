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

/**
 * `sorts`: the rows of one account are sorted after they were read. `filters`: a range of an index may contain rows that
 * the statement does not want. If that is `false`, only a range with two ends may.
 */
export type Allowed = { readonly sorts?: boolean; readonly filters?: boolean }

export type Explain = {
  /** The faults of the plan; empty if the statement reads only ranges of indexes. */
  faultsOf(statement: Statement, allowed?: Allowed): Promise<readonly string[]>
  /** The same for the plan that the database may keep for a hot statement, whatever its values are. */
  faultsForAnyValues(statement: Statement): Promise<readonly string[]>
  /** The indexes that the statement uses. */
  indexesOf(statement: Statement): Promise<readonly string[]>
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
  const keyOf = (table: string): unknown =>
    db.prepare<[string]>('select name from pragma_table_info(?) where pk > 0').pluck().get(table)
  /** Whether the index decides about every column that the statement names in a condition. */
  const decides = (sql: string, table: string, index: string): boolean => {
    const text = db.prepare<[string], string | null>('select sql from sqlite_schema where name = ?').pluck().get(index)
    const conditions = sql
      .split(/ where /i)
      .slice(1)
      .join(' ')
      .replaceAll(/ (?:order|group) by .*?(?= limit |$)/g, '')
    const named = [...conditions.matchAll(new RegExp(`"${table}"\\."(\\w+)"`, 'g'))].map(([, column]) => column ?? '')
    return named.every((column) => column === keyOf(table) || new RegExp(`\\b${column}\\b`).test(text ?? ''))
  }
  const stepsOf = ({ sql, params }: Statement): string[] =>
    db
      .prepare<unknown[], { detail: string }>(`explain query plan ${sql}`)
      .all(...params)
      .map(({ detail }) => detail)
  const faultsOf: Explain['faultsOf'] = async (statement, { sorts = false, filters = true } = {}) => {
    const { sql } = statement
    return stepsOf(statement).filter((detail) => {
      if (/^USE TEMP B-TREE/.test(detail)) return !sorts
      const [, searched = '', by = '', range = ''] =
        /^SEARCH (\w+) USING (?:COVERING )?INDEX (\w+) \((.*)\)/.exec(detail) ?? []
      const isOneRow = /^\w+=\?$/.test(range) && by.startsWith('sqlite_autoindex_')
      const isBounded = isOneRow || /^(\w+)>\? AND \1<\?$/.test(range)
      if (!filters && searched !== '' && !isBounded && !decides(sql, searched, by)) return true
      const [, table = '', index] = /^SCAN "?(\w+)"?(?: USING (?:COVERING )?INDEX (\w+))?/.exec(detail) ?? []
      // A name that is not a table is a subquery, and has lines of its own.
      return tables.has(table) && !(table in fixed) && !isList(sql, index)
    })
  }
  return {
    faultsOf,
    // SQLite plans a statement before it has values.
    faultsForAnyValues: faultsOf,
    indexesOf: async (statement) => stepsOf(statement).flatMap((detail) => / INDEX (\w+)/.exec(detail)?.[1] ?? []),
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
  await client.query('analyze accounts, identities, sessions, audit')
  const partial = await client.query<{ name: string; condition: string }>(
    'select indexrelid::regclass::text as name, pg_get_expr(indpred, indrelid) as condition from pg_index where indpred is not null',
  )
  const unique = await client.query<{ name: string }>(
    'select indexrelid::regclass::text as name from pg_index where indisunique and indnatts = 1',
  )
  const ofOneRow = new Set(unique.rows.map(({ name }) => name))
  const conditions = new Map(partial.rows.map(({ name, condition }) => [name, condition]))
  const faultsIn = (node: PlanNode, limited: boolean, allowed: Required<Allowed>): string[] => {
    const { sorts, filters } = allowed
    const type = node['Node Type']
    const on = node['Relation Name'] ?? ''
    const said = `${type} on ${on} by ${node['Index Name']} where ${node['Index Cond']} filter ${node.Filter}`
    const under = (node.Plans ?? []).flatMap((one) => faultsIn(one, limited || type === 'Limit', allowed))
    if (on in fixed) return under
    const isWalk = /^Index/.test(type) && node['Index Cond'] === undefined && !(limited && node.Filter === undefined)
    // Below an index condition a filter skips rows, and a page may read any number of them.
    const isOneRow = ofOneRow.has(node['Index Name'] ?? '') && /^\(\w+ = /.test(node['Index Cond'] ?? '')
    const isBounded = /\((\w+) > .*\(\1 <= /.test(node['Index Cond'] ?? '')
    // A statement that locks rows checks the condition of a partial index again.
    const isOfIndex = node.Filter === conditions.get(node['Index Name'] ?? '')
    const isExamined = filters ? on === 'accounts' || on === 'audit' : on !== '' && !isBounded && !isOfIndex
    const leavesOut = node.Filter !== undefined && isExamined && !isOneRow
    const isFault = sorts ? type === 'Seq Scan' : /Seq Scan|Sort|Bitmap/.test(type)
    return isFault || isWalk || leavesOut ? [said, ...under] : under
  }
  const plansOf = async ({ sql, params }: Statement, options = 'format json'): Promise<PlanNode[]> => {
    const { rows } = await client.query(`explain (${options}) ${sql}`, [...params])
    return (rows as { 'QUERY PLAN': { Plan: PlanNode }[] }[]).flatMap((row) =>
      row['QUERY PLAN'].map(({ Plan }) => Plan),
    )
  }
  const indexesIn = ({ 'Index Name': index, Plans = [] }: PlanNode): string[] => [
    ...(index === undefined ? [] : [index]),
    ...Plans.flatMap(indexesIn),
  ]
  const allowSorts = async (isAllowed: boolean): Promise<void> => {
    for (const way of ['enable_sort', 'enable_bitmapscan'])
      await client.query(`set ${way} = ${isAllowed ? 'on' : 'off'}`)
  }
  return {
    async faultsOf(statement, { sorts = false, filters = true } = {}) {
      await allowSorts(sorts)
      return (await plansOf(statement)).flatMap((plan) => faultsIn(plan, false, { sorts, filters }))
    },
    async faultsForAnyValues({ sql }) {
      await allowSorts(false)
      const plans = await plansOf({ sql, params: [] }, 'generic_plan, format json')
      return plans.flatMap((plan) => faultsIn(plan, false, { sorts: false, filters: true }))
    },
    indexesOf: async (statement) => (await plansOf(statement)).flatMap(indexesIn),
    close: () => client.end(),
  }
}
