import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import type { Driver } from '../../src/store/driver.ts'
import type { StoreConfig } from '../../src/store/open.ts'

/**
 * Searches that lead to few rows, by table and columns, and what limits their number. Which of several indexes SQLite
 * uses does not matter. Every other short read finds its rows by a unique key.
 */
const few: Readonly<Record<string, string>> = {
  'accounts(email_key)': 'at most 11 with one email address (mostHolders)',
  'flows(account_id)': 'sign-ins one account began in the last minutes',
  'grants(provider,subject,issuer,client_id)': 'the person and their teams hold a grant',
  'identities(account_id)': 'at most 20 for an account (mostIdentities)',
  'jira_sites(team_id)': 'at most 200 for a team (mostSites)',
  'passkeys(account_id)': 'at most 50 for an account (mostPasskeys)',
  'pictures(hash)': 'three of the brand; of those of applications, the first one is enough',
  'recovery_codes(account_id)': 'a set of recovery codes',
  'team_invitations(team_id)': 'at most 50 open ones for a team (mostInvitations)',
  'team_members(account_id)': 'at most 50 teams for an account (mostTeams)',
  'team_members(team_id)': 'at most 200 for a team (mostMembers)',
  'tickets(binding_hash)': 'links one browser asked for in the last minutes',
}

/** Small tables that are read whole, since they never have more than a few rows. */
const small = new Set(['jobs', 'leases', 'providers', 'signing_keys'])

/** Statements whose plan does not show their limit. */
const bounded: readonly (readonly [RegExp, string])[] = [
  [/ from "sessions" where .*"account_id" = \? .*limit \?$/, 'the first session of an account at a sign-in'],
  [
    /^select waiting\.name, .* receivers\.place < 200\b/s,
    'the next receivers of a queue, each by one step in an index',
  ],
  [/ from \(select .* order by "(\w+)"\."id" asc limit \?\) "page"$/, 'at most 1000 rows, by their key'],
  [/ from "hourly_counts" order by .* limit \?$/, 'the last entry of an index'],
  [/ from "audit" where \("audit"."event" = \? and .* limit \?$/, 'one page of an index range'],
  [/ substr\("\w+"."\w+", 1, \d+\) <> \?/, 'reseal, a command: no request waits in its process'],
]

/** The rows next to a key, up to a limit. */
const page = / from "(\w+)" where "\1"."\w+" [<>]=? \? (order by "\1"."\w+" \w+ )?limit \?( offset \?)?$/

/** The statements already checked: the schema is the same in every store. */
const known = new Map<string, readonly string[]>()

/** The steps of a statement's plan that may read many rows. */
function longSteps(file: string, sql: string): readonly string[] {
  if (bounded.some(([statement]) => statement.test(sql))) return []
  const connection = connectSqlite(file, { readonly: true })
  const isUnique = (index: string, terms: readonly string[]): boolean => {
    const table = connection.prepare('select tbl_name from sqlite_schema where name = ?').pluck().get(index)
    const unique = connection.prepare('select "unique" from pragma_index_list(?) where name = ?').pluck()
    const columns = connection.prepare('select count(*) from pragma_index_info(?)').pluck()
    return unique.get(table, index) === 1 && columns.get(index) === terms.length
  }
  const isShort = (step: string): boolean => {
    const scanned = /^SCAN (\w+)/.exec(step)?.[1]
    if (scanned !== undefined) return small.has(scanned) || scanned === 'CONSTANT'
    if (!step.startsWith('SEARCH ')) return !(page.test(sql) && step.startsWith('USE TEMP B-TREE'))
    const [, table = '', index = '', found = ''] = /^SEARCH (\w+) .*INDEX (\w+) \((.*)\)/.exec(step) ?? []
    const terms = found.split(' AND ')
    if (page.test(sql) && terms.every((term) => /^\w+[<>]\?$/.test(term))) return true
    if (!terms.every((term) => /^\w+=\?$/.test(term))) return false
    return Object.hasOwn(few, `${table}(${terms.map((term) => term.slice(0, -2))})`) || isUnique(index, terms)
  }
  const parameters = (sql.match(/\?/g) ?? []).map(() => null)
  const plan = connection.prepare(`explain query plan ${sql}`).all(parameters) as { detail: string }[]
  const long = plan.map(({ detail }) => detail).filter((detail) => !isShort(detail))
  connection.close()
  return long
}

/**
 * The driver for a store, which fails a short read that may scan many rows: on SQLite it runs on the main thread, where
 * every request waits for it. Use `readLong` for long reads.
 */
export function checkingShortReads(driver: Driver, config: StoreConfig): Driver {
  if (config.tag !== 'sqlite' || config.file === ':memory:') return driver
  const check = (query: unknown): void => {
    const { sql } = (query as { toSQL(): { sql: string } }).toSQL()
    const steps = known.get(sql) ?? longSteps(config.file, sql)
    known.set(sql, steps)
    if (steps.length > 0) throw new Error(`a short read may take long (${steps.join('; ')}): ${sql}`)
  }
  return {
    ...driver,
    read: async (query) => {
      check(query)
      return driver.read(query)
    },
    reads: (query) => {
      check(query)
      return driver.reads(query)
    },
  }
}
