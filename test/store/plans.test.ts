import { getTableConfig, type SQLiteTable } from 'drizzle-orm/sqlite-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { apiRoutes } from '../../src/http/api/index.ts'
import { pageRoutes } from '../../src/http/pages/index.ts'
import { type SweepName, sweepNames } from '../../src/jobs/ports.ts'
import { createIds, systemRandom } from '../../src/kernel/ids.ts'
import { openDriver, storeOver } from '../../src/store/open.ts'
import type * as Postgres from '../../src/store/postgres.ts'
import * as tables from '../../src/store/schema.sqlite.ts'
import type * as Sqlite from '../../src/store/sqlite.ts'
import { ACME_SITE, GLOBEX_SITE, jiraIn } from '../support/jira.ts'
import { type Explain, explaining } from '../support/plans.ts'
import { hotStatements, recorded, recording } from '../support/recorded-statements.ts'
import { databases, startWorld, type World } from '../support/service.ts'
import { isThorough } from './thorough.ts'

vi.mock('../../src/store/sqlite.ts', async (original) => {
  const real = await original<typeof Sqlite>()
  return {
    ...real,
    openSqlite: async (...given: Parameters<typeof real.openSqlite>) => recording(await real.openSqlite(...given)),
  }
})
vi.mock('../../src/store/postgres.ts', async (original) => {
  const real = await original<typeof Postgres>()
  return {
    ...real,
    openPostgres: async (...given: Parameters<typeof real.openPostgres>) =>
      recording(await real.openPostgres(...given)),
  }
})

type Ids = Readonly<Record<'user' | 'identity' | 'team' | 'member' | 'cursor' | 'olderUser' | 'begun', string>>

/** The value for a path parameter; the longest matching prefix decides. */
const parameters: Readonly<Record<string, (ids: Ids) => string>> = {
  '/users/:id': ({ user }) => user,
  '/admin/users/:id': ({ user }) => user,
  '/teams/:id': ({ team }) => team,
  '/account/teams/:id': ({ team }) => team,
  '/account/teams/:id/members/:user_id': ({ member }) => member,
  '/me/identities/:id': ({ identity }) => identity,
  '/account/identities/:id': ({ identity }) => identity,
  '/auth/:provider': () => 'google',
  '/providers/:id': () => 'google',
  '/account/link/:provider': () => 'google',
  // Found by the hash of a secret only its owner has; the response is 404.
  '/auth/conflicts/:ticket': () => 'a'.repeat(43),
  '/mailbox/:id': () => 'none',
  '/applications/:id': () => 'app_1',
  '/oauth/register/:id': () => 'app_1',
  // Found by a secret of the browser's own; the response is an error.
  '/oauth/authorize/:uid': () => 'a'.repeat(43),
  '/oauth/interaction/:uid': () => 'a'.repeat(43),
  '/admin/new-provider/:kind': () => 'oidc',
  '/admin/providers/:id': () => 'google',
  '/admin/applications/:id': () => 'app_1',
  '/admin/new-application/:kind': () => 'browser',
}

/** Query fields that select no rows: where to go afterwards, and which notice to show. */
const beside = new Set([
  'done',
  'return_to',
  'redirect_uri_key',
  'code_challenge',
  'code_challenge_method',
  'consent',
  'ticket',
  // Of an application's request, which is found by its client ID, and of the end of a session.
  'resource',
  'id_token_hint',
  'client_id',
  'post_logout_redirect_uri',
  'state',
  // What a check of a provider found.
  'check',
])

const users = ({ olderUser, begun }: Ids) => [
  ...['', '&disabled=true', '&disabled=false'].flatMap((disabled) =>
    ['', '&role=auditor'].flatMap((role) => [disabled + role, `${disabled}${role}&cursor=${olderUser}`]),
  ),
  // Prefixes, a substring and an ID; then from a place in an index, and from one in the list.
  'search=many-7',
  'search=ny-7',
  'search=usr_0',
  `search=many&cursor=${begun}`,
  `search=ny&cursor=${olderUser}`,
  'invited=true',
  `invited=true&role=auditor&cursor=${olderUser}`,
  // No index has these: a limited number of rows is examined.
  'verified=true',
  'second_factor=true&role=auditor&disabled=false',
  `verified=false&second_factor=false&search=many&cursor=${begun}`,
  // By provider and by last sign-in, each alone, together, and with every other condition.
  ...['', '&last_sign_in_from=2026-01-01T00:00:00Z', '&last_sign_in_before=2026-01-01T00:00:00Z'].flatMap((signIn) =>
    ['', '&provider=acme']
      .map((provider) => signIn + provider)
      .filter((list) => list !== '')
      .flatMap((list) =>
        ['', '&role=auditor&disabled=false', '&verified=true&second_factor=false', '&search=many'].flatMap((rest) => [
          list + rest,
          `${list}${rest}&cursor=${olderUser}`,
        ]),
      ),
  ),
]
const logs = ({ user, cursor }: Ids) =>
  [
    '',
    `account=${user}`,
    'event=session.started',
    `account=${user}&event=session.started`,
    `request_id=req_${'a'.repeat(32)}`,
    'ip=203.0.113.7',
    'event=sign_ins',
    'outcome=refused',
    'outcome=done',
    `event=accounts&outcome=done&account=${user}&ip=203.0.113.7`,
    'account=many-7@example.com',
  ].flatMap((asked) => [asked, `${asked}&cursor=${cursor}`])
/** Each query without a time, and within one. */
const withTimes = (rest: string) => (query: string) => [
  query,
  `${query}&from=1970-01-01${rest}&until=2100-01-01${rest}`,
]
const activity = ({ cursor }: Ids) =>
  ['', 'kind=loans', 'kind=others'].flatMap((asked) => [asked, `${asked}&cursor=${cursor}`])

/** The queries for each list. A route with a query field that is in no row fails below. */
const asked: Readonly<Record<string, (ids: Ids) => readonly string[]>> = {
  '/providers/:id/impact': () => ['limit=10', `limit=10&cursor=${Buffer.from('1').toString('base64url')}`],
  '/applications/:id/users': ({ user }) => ['limit=10', `limit=10&cursor=${user}`],
  '/admin/providers': () => ['', 'after=google'],
  '/admin/applications': () => ['', 'after=app_1'],
  '/admin/applications/:id/users': ({ user }) => ['', `cursor=${user}`],
  '/users': (ids) => users(ids).map((query) => `${query}&limit=10`),
  '/admin/users': ({ olderUser, begun }) => [
    '',
    `cursor=${olderUser}`,
    'search=many-7',
    `search=many&cursor=${begun}`,
    'role=auditor&state=disabled&verified=yes&second_factor=no',
    'state=invited',
    ...['', '1', 'not-90', 'never'].flatMap((signedIn) =>
      ['', 'acme'].flatMap((provider) =>
        ['', '&role=auditor', '&verified=yes', '&search=many', '&search=ny'].map(
          (rest) => `signed_in=${signedIn}&provider=${provider}${rest}`,
        ),
      ),
    ),
  ],
  '/audit': (ids) =>
    logs(ids)
      .map((query) => `${query}&limit=10`)
      .flatMap(withTimes('T00:00:00Z')),
  '/admin/audit': (ids) => logs(ids).flatMap(withTimes('')),
  '/audit/export': (ids) => [
    'format=csv',
    ...logs(ids)
      .filter((query) => !query.includes('cursor'))
      .flatMap(withTimes('T00:00:00Z')),
  ],
  '/me/revocations': ({ olderUser }) => ['limit=1', `limit=1&cursor=${olderUser}`],
  '/me/activity': (ids) => activity(ids).map((query) => `${query}&limit=10`),
  '/account/activity': activity,
}

/**
 * Statements that may sort, or skip rows of a range: the number of rows they read has a bound that does not depend on
 * the number of accounts.
 */
const bounded: readonly (readonly [statement: RegExp, why: string])[] = [
  [/^select waiting\.name, /, 'at most 200 providers, domains or applications with waiting items'],
  [/ from "sessions" .* order by "sessions"\."last_seen_at"/, 'an account has at most 100 live sessions'],
  [
    / from "accounts" where "accounts"."email_key" = \S+ order by case/,
    'at most mostHolders accounts with one email address',
  ],
  [/ from \(select .* from "sessions" .* limit \S+\) "open" order by/, 'sorts at most 350 open sessions of an account'],
  [/ from "accounts" where .* like /, 'examines the accounts after a place, up to the 1000th or the last one'],
  [
    / from "team_members" where .*"account_id" = \S+ order by "team_members"."team_id"/,
    'at most 50 teams for an account',
  ],
  [/ from "team_members" inner join .* order by case /, 'at most 200 members of a team'],
  [/ from "audit" where .*coalesce\("audit"\."ip"/, 'passes over what one account was already erased of'],
  [/^select count\(\*\) from "(mails|revocations|logout_notices)"$/, 'the length of a queue: what is done leaves it'],
  [/ from "providers"( |$)/, 'at most 100 (mostProviders)'],
  [/ from "application_sessions" .* order by max\(/, 'at most 1000 (mostSignIns) of one account'],
  [/ from "registration_tokens" order by /, 'at most 100 (mostRegistrationTokens)'],
  [/ from "accounts" where .*"invited_at" is null\) limit/, 'passes over administrators who have not accepted yet'],
  [/ from "applications" order by /, 'at most 500 (mostApplications)'],
  [/ from "service_credentials" .*"revoked_at" is null order by/, 'at most 500 that are not revoked'],
]

/** Sweeps that sort what they may erase: there are few of these rows. */
const sorted: Partial<Record<SweepName, string>> = {
  unusedRegistrations: 'at most 500',
  unusedDocuments: 'at most 500',
}

/** Everything one account has, table by table: its rows are found by an index, and then sorted. */
const exported = '/me/export'

const gets = [...apiRoutes, ...pageRoutes].filter(({ method }) => method === 'get')

test('every list with a query is tested with each of its fields', () => {
  const ids = new Proxy({} as Ids, { get: () => 'x' })
  const missing = gets.flatMap(({ path, query }) => {
    const members = Object.keys((query as { shape?: object } | undefined)?.shape ?? {}).filter(
      (name) => !beside.has(name),
    )
    const rows = (asked[path]?.(ids) ?? []).join('&')
    return members.filter((name) => !rows.includes(`${name}=`)).map((name) => `${path}?${name}=`)
  })
  expect(missing).toEqual([])
  expect(Object.keys(asked).filter((path) => !gets.some((one) => one.path === path))).toEqual([])
})

test('every foreign key begins an index: without one, deleting an account or a team scans the other table', () => {
  const missing = Object.values<SQLiteTable>(tables).flatMap((table) => {
    const { name, columns, indexes, foreignKeys } = getTableConfig(table)
    const first = indexes.flatMap(({ config }) => (config.where ? [] : config.columns.slice(0, 1)))
    const indexed = new Set([
      ...columns.flatMap((column) => (column.primary ? [column.name] : [])),
      ...first.flatMap((column) => ('name' in column ? [column.name] : [])),
    ])
    return foreignKeys
      .flatMap((key) => key.reference().columns.map((column) => column.name))
      .filter((column) => !indexed.has(column))
      .map((column) => `${name}.${column}`)
  })
  expect(missing).toEqual([])
})

describe.each(databases)('query plans of pages and lists on %s', (database) => {
  let world: World
  let explain: Explain
  let ids: Ids
  let browser: ReturnType<World['openBrowser']>

  beforeAll(async () => {
    world = await startWorld({ database })
    const jira = jiraIn(world)
    const ada = await jira.somebody([ACME_SITE, GLOBEX_SITE])
    const bob = await jira.somebody()
    expect(await world.vinculum.makeAdministrator(ada.email)).toBe('made')
    const team = await jira.team(ada)
    await jira.join(team, ada, bob, 'member')
    await jira.connect(team, ada)
    const cloud_ids = [ACME_SITE.id]
    expect((await jira.as(ada, 'PUT', jira.at(team, '/sites'), { cloud_ids })).status).toBe(200)
    expect((await jira.as(ada, 'POST', '/me/second-factor/totp', {})).status).toBe(200)
    await world.operator(many[database])
    browser = world.openBrowser()
    await browser.signIn('google', ada.who)
    const json = async (path: string) => (await browser.json('GET', path)).body
    const identities = JSON.parse((await browser.json('GET', '/me/identities')).text) as { id: string }[]
    ids = {
      user: ada.id,
      member: bob.id,
      team,
      identity: String(identities[0]?.id),
      cursor: String((await json('/me/activity?limit=1')).next_cursor),
      olderUser: String((await json('/users?limit=1')).next_cursor),
      begun: String((await json('/users?search=many&limit=1')).next_cursor),
    }
    const url = world.databaseUrl
    explain = await explaining(
      url.startsWith('file:') ? { tag: 'sqlite', file: url.slice('file:'.length) } : { tag: 'postgres', url },
    )
  })
  afterAll(async () => {
    await explain.close()
    await world.stop()
  })

  const pathOf = (path: string): string =>
    path.replaceAll(/:\w+/g, (parameter, at: number) => {
      const beginning = path.slice(0, at + parameter.length)
      const value = parameters[beginning]
      if (!value) throw new Error(`say in \`parameters\` what ${beginning} is`)
      return encodeURIComponent(value(ids))
    })

  /**
   * The queries for a list. Where there are many, they combine the same conditions again and again: each database plans
   * every third of them. `npm run bench:store` has both plan all of them.
   */
  const queriesFor = (path: string): readonly string[] => {
    const all = asked[path]?.(ids) ?? ['']
    return isThorough || all.length < 12 ? all : all.filter((_, at) => at % 3 === (database === 'SQLite' ? 0 : 1))
  }

  test.each(gets.map(({ path, surface }) => ({ path, surface })))(
    'read ranges of indexes for $path',
    async ({ path, surface }) => {
      const faults = new Set<string>()
      for (const query of queriesFor(path)) {
        recorded.length = 0
        const url = new URL(`${pathOf(path)}?${query}`, world.base)
        const accept = surface === 'browser' ? 'text/html' : 'application/json'
        const { status, text } = await browser.ask(url, { headers: { accept } })
        expect(status, `${url} ${text.slice(0, 300)}`).toBeLessThan(500)
        if (path in asked) expect([url.search, status]).toEqual([url.search, 200])
        for (const statement of recorded.filter(({ sql }) => sql.startsWith('select ')))
          if (!bounded.some(([which]) => which.test(statement.sql)))
            for (const fault of await explain.faultsOf(statement, { sorts: path === exported }))
              faults.add(`${fault} — ${query} — ${statement.sql}`)
      }
      expect([...faults]).toEqual([])
    },
  )

  test('read ranges of indexes for hot statements, whatever their values are', async () => {
    const faults: string[] = []
    // Both databases add to the list; `$1` is a parameter of PostgreSQL.
    const own = [...hotStatements.values()].filter(({ sql }) => sql.includes('$1') === (database === 'PostgreSQL'))
    expect(own.length).toBeGreaterThan(40)
    for (const statement of own)
      if (!bounded.some(([which]) => which.test(statement.sql)))
        for (const fault of await explain.faultsForAnyValues(statement)) faults.push(`${fault} — ${statement.sql}`)
    expect(faults).toEqual([])
  })

  test('find the due rows of a queue in index order', async () => {
    const url = world.databaseUrl
    const driver = await openDriver(
      url.startsWith('file:') ? { tag: 'sqlite', file: url.slice('file:'.length) } : { tag: 'postgres', url },
    )
    const [at, clock] = [new Date(0), () => new Date(0)]
    const { mails, revocations, logoutNotices, grants, close } = storeOver(driver, {
      clock,
      ids: createIds(clock, systemRandom),
      publish: () => {},
    })
    recorded.length = 0
    for (const queue of [mails, revocations, logoutNotices]) {
      await queue.receivers(at, 'a')
      await queue.take(10, at, at, 'google')
    }
    const faults: string[] = []
    for (const statement of recorded) {
      // The list of receivers is sorted, not their items.
      const sorts = statement.sql.startsWith('select ')
      for (const fault of await explain.faultsOf(statement, { sorts })) faults.push(`${fault} — ${statement.sql}`)
    }
    expect([recorded.length, faults]).toEqual([6, []])
    recorded.length = 0
    const app = { provider: 'google', clientId: 'client' }
    await grants.due(app, at, 10)
    await grants.dueBy(app, at, 10)
    // Any other index has the grants of all apps, or those of one that are due in years.
    for (const statement of recorded) expect(await explain.indexesOf(statement)).toEqual(['grants_app_due'])
    expect(recorded.length).toBe(2)
    await close()
  })

  test('read only rows that a sweep may erase, or a range with two ends', async () => {
    const url = world.databaseUrl
    const driver = await openDriver(
      url.startsWith('file:') ? { tag: 'sqlite', file: url.slice('file:'.length) } : { tag: 'postgres', url },
    )
    const [before, clock] = [new Date(1), () => new Date(1)]
    const { sweeps, close } = storeOver(driver, { clock, ids: createIds(clock, systemRandom), publish: () => {} })
    const faults: string[] = []
    for (const name of sweepNames) {
      recorded.length = 0
      await sweeps[name]({ before, after: '', limit: 2 })
      expect([name, recorded.length]).not.toEqual([name, 0])
      for (const statement of recorded)
        for (const fault of await explain.faultsOf(statement, { sorts: name in sorted, filters: false }))
          faults.push(`${name}: ${fault} — ${statement.sql}`)
    }
    expect(faults).toEqual([])
    await close()
  })

  test('read ranges of indexes to delete an account', async () => {
    const jira = jiraIn(world)
    const carol = await jira.somebody()
    const team = await jira.team(carol)
    await jira.connect(team, carol)
    recorded.length = 0
    expect((await browser.json('DELETE', `/users/${carol.id}`)).status).toBe(204)
    const statements = new Map(recorded.filter(({ sql }) => !sql.startsWith('insert ')).map((one) => [one.sql, one]))
    // Each of these is about one account in the batches of its history.
    for (const part of [/select "at", "ordinal", "id" from "audit"/, /select "id" from "trusted_devices"/])
      expect(
        [...statements.keys()].some((sql) => part.test(sql)),
        String(part),
      ).toBe(true)
    const faults: string[] = []
    for (const statement of statements.values())
      if (!bounded.some(([which]) => which.test(statement.sql)))
        for (const fault of await explain.faultsOf(statement)) faults.push(`${fault} — ${statement.sql}`)
    expect(faults).toEqual([])
  })
})

/** Enough rows, in realistic proportions, that an index is worth using. */
const administrator = "(select id from accounts where role = 'administrator' limit 1)"
const role = "case when n % 50 = 0 then 'auditor' else 'user' end"
const event =
  "case when n % 50 = 0 then 'session.started' when n % 2 = 0 then 'provider_token.lent' else 'account.updated' end"
/** Around the beginning of 2026; every fifth account never signed in. */
const hour = 'case when n % 5 = 0 then 0 else 490000 + n end'
const emails = "'many-' || n || '@example.com', 'many-' || n || '@example.com'"
const numbers = (most: number) =>
  `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${most})`
const many: Readonly<Record<(typeof databases)[number], string>> = {
  SQLite: `
    ${numbers(3000)}
    insert into accounts (id, email, email_key, name, role, disabled_at, last_sign_in_hour, created_at, updated_at)
    select printf('usr_%024x', n), ${emails}, 'Many ' || n, ${role}, case when n % 40 = 0 then n end, ${hour}, n, n from numbers;
    ${numbers(3000)}
    insert into identities (id, account_id, provider, issuer, subject, email_verified, scopes, linked_at, last_used_at)
    select 'idn_' || n, printf('usr_%024x', n), 'acme', 'acme', n, false, '[]', n, n from numbers where n % 2 = 0;
    ${numbers(3000)}
    insert into sessions (id, account_id, amr, scope, auth_time, created_at, last_seen_at, generation, rotated_at,
      used_generation, idle_expires_at, absolute_expires_at)
    select 'ses_' || n, printf('usr_%024x', n), '[]', '', n, n, n, 1, n, 0, 9999999999999, 9999999999999 from numbers;
    ${numbers(9000)}
    insert into audit (id, at, ordinal, event, account_id, data)
    select printf('aud_%024x', n), n, n, ${event},
      case when n % 9 = 0 then ${administrator} else printf('usr_%024x', n % 7) end, '{}' from numbers;
    ${numbers(2)}
    insert into applications (id, name, kind, first_party, redirect_uris, post_logout_redirect_uris, scopes, resources,
      client_auth, created_at, updated_at)
    select 'app_' || n, 'Shop', 'browser', 1, '["https://a.example/"]', '[]', '["openid"]', '[]', 'none', 1, 1 from numbers;
    ${numbers(3000)}
    insert into application_sessions (id, application_id, session_id, account_id, sid, scope, resources, amr, auth_time,
      created_at, generation, rotated_at, used_generation, idle_expires_at, absolute_expires_at)
    select 'aps_' || n, 'app_' || (n % 2 + 1), 'ses_' || n, printf('usr_%024x', n / 2), 'ses', 'openid', '[]', '[]', n, n, 1, n, 0,
      9999999999999, 9999999999999 from numbers;`,
  PostgreSQL: `
    insert into accounts (id, email, email_key, name, role, disabled_at, last_sign_in_hour, created_at, updated_at)
    select 'usr_' || lpad(to_hex(n), 24, '0'), ${emails}, 'Many ' || n, ${role},
      case when n % 40 = 0 then to_timestamp(n) end, ${hour}, to_timestamp(n), to_timestamp(n) from generate_series(1, 3000) n;
    insert into identities (id, account_id, provider, issuer, subject, email_verified, scopes, linked_at, last_used_at)
    select 'idn_' || n, 'usr_' || lpad(to_hex(n), 24, '0'), 'acme', 'acme', n, false, '[]', to_timestamp(n), to_timestamp(n)
    from generate_series(1, 3000) n where n % 2 = 0;
    insert into sessions (id, account_id, amr, scope, auth_time, created_at, last_seen_at, generation, rotated_at,
      used_generation, idle_expires_at, absolute_expires_at)
    select 'ses_' || n, 'usr_' || lpad(to_hex(n), 24, '0'), '[]', '', to_timestamp(n), to_timestamp(n), to_timestamp(n), 1,
      to_timestamp(n), 0, to_timestamp(9999999999), to_timestamp(9999999999) from generate_series(1, 3000) n;
    insert into audit (id, at, ordinal, event, account_id, data)
    select 'aud_' || lpad(to_hex(n), 24, '0'), to_timestamp(n), n, ${event},
      case when n % 9 = 0 then ${administrator} else 'usr_' || lpad(to_hex(n % 7), 24, '0') end, '{}'
    from generate_series(1, 9000) n;
    insert into applications (id, name, kind, first_party, redirect_uris, post_logout_redirect_uris, scopes, resources,
      client_auth, created_at, updated_at)
    select 'app_' || n, 'Shop', 'browser', true, '["https://a.example/"]', '[]', '["openid"]', '[]', 'none', to_timestamp(1), to_timestamp(1) from generate_series(1, 2) n;
    insert into application_sessions (id, application_id, session_id, account_id, sid, scope, resources, amr, auth_time,
      created_at, generation, rotated_at, used_generation, idle_expires_at, absolute_expires_at)
    select 'aps_' || n, 'app_' || (n % 2 + 1), 'ses_' || n, 'usr_' || lpad(to_hex(n / 2), 24, '0'), 'ses', 'openid', '[]', '[]', to_timestamp(n), to_timestamp(n), 1, to_timestamp(n), 0,
      to_timestamp(9999999999), to_timestamp(9999999999) from generate_series(1, 3000) n;`,
}
