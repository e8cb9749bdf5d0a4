/** Fills a database with any number of accounts, identities and sessions, and twice as many audit rows. */
import pg from 'pg'
import { scopeOf } from '../src/accounts/roles.ts'
import { connectSqlite } from '../src/store/connect-sqlite.ts'

/** The few differences between the two SQL dialects. `n` is the number of a row. */
type Words = {
  readonly numbers: (most: number) => string
  readonly id: (prefix: string, n: string) => string
  /** A time, from an expression in milliseconds since 1970. */
  readonly time: (ms: string) => string
  readonly no: string
}
const sqlite: Words = {
  numbers: (most) =>
    `(with recursive c(n) as (select 1 union all select n + 1 from c where n < ${most}) select n from c)`,
  id: (prefix, n) => `printf('${prefix}_%044x', ${n})`,
  time: (ms) => ms,
  no: '0',
}
const postgres: Words = {
  numbers: (most) => `(select n::bigint from generate_series(1, ${most}) n) numbers`,
  id: (prefix, n) => `'${prefix}_' || lpad(to_hex(${n}), 44, '0')`,
  time: (ms) => `to_timestamp((${ms}) / 1000.0)`,
  no: 'false',
}

/** When the first account was created. One more follows each second. */
const epoch = 1_700_000_000_000

/** Members of the only team, invitations to it and service credentials: the same number at every size. */
const members = 50

function* statements({ numbers, id, time, no }: Words, size: number, me: string): Generator<string> {
  const at = time(`${epoch} + n * 1000`)
  const email = "'person-' || n || '@many.example'"
  // Far enough in the future that no session expires during the measurement.
  const [now, later] = [time(`${Date.now()}`), time(`${Date.now() + 86_400_000 * 7}`)]
  const own = (share: number, other: string) => `case when n % ${share} = 0 then '${me}' else ${other} end`
  yield `insert into accounts (id, email, email_key, verified_email_key, name, role, disabled_at, created_at, updated_at)
    select ${id('usr', 'n')}, ${email}, ${email}, ${email}, 'Person ' || n || ' of Many',
      case when n % 10 = 0 then 'auditor' else 'user' end, case when n % 15 = 0 then ${at} end, ${at}, ${at}
    from ${numbers(size)}`
  yield `insert into identities (id, account_id, provider, issuer, subject, email, email_verified, scopes, linked_at, last_used_at)
    select ${id('idn', 'n')}, ${id('usr', 'n')}, 'local', 'many', 'subject-' || n, ${email}, ${no}, '[]', ${at}, ${at}
    from ${numbers(size)}`
  yield `insert into sessions (id, account_id, amr, scope, auth_time, created_at, last_seen_at, generation, rotated_at,
      used_generation, idle_expires_at, absolute_expires_at)
    select ${id('ses', 'n')}, ${id('usr', 'n')}, '[]', '', ${now}, ${now}, ${now}, 1, ${now}, 0, ${later}, ${later}
    from ${numbers(size)}`
  yield `insert into audit (id, at, ordinal, event, account_id, data)
    select ${id('aud', 'n')}, ${time(`${epoch} + n * 500`)}, n,
      case when n % 100 = 1 then 'account.role_changed' when n % 2 = 0 then 'provider_token.lent' else 'session.started' end,
      ${own(7, id('usr', `n % ${size} + 1`))}, '{}'
    from ${numbers(size * 2)}`
  yield `insert into teams (id, name, created_at, updated_at) values ('team_many', 'Many', ${now}, ${now})`
  yield `insert into team_members (team_id, account_id, role, joined_at)
    select 'team_many', ${own(members, id('usr', 'n'))}, 'owner', ${at} from ${numbers(members)}`
  yield `insert into team_invitations (id, team_id, email, email_key, role, secret_hash, created_at, expires_at)
    select ${id('inv', 'n')}, 'team_many', ${email}, ${email}, 'member', 'hash-' || n, ${now}, ${later}
    from ${numbers(members)}`
  yield `insert into service_credentials (id, name, secret_hash, scopes, created_at)
    select ${id('svc', 'n')}, 'Back end ' || n, 'hash-' || n, '[]', ${at} from ${numbers(members)}`
  yield `update accounts set role = 'administrator' where id = '${me}'`
  yield `update sessions set scope = '${scopeOf('administrator')}' where account_id = '${me}'`
}

/** Fills a database whose only account becomes the administrator. The service must not be running. */
export async function fill(database: string, size: number): Promise<void> {
  const only = 'select id from accounts'
  if (database.startsWith('file:')) {
    const db = connectSqlite(database.slice('file:'.length))
    for (const pragma of ['synchronous = off', 'cache_size = -400000', 'temp_store = memory'])
      db.exec(`PRAGMA ${pragma}`)
    const me = String(db.prepare(only).pluck().get())
    db.transaction(() => {
      for (const statement of statements(sqlite, size, me)) db.exec(statement)
    })()
    db.exec('PRAGMA wal_checkpoint(truncate)')
    db.close()
    return
  }
  const client = new pg.Client(database)
  await client.connect()
  try {
    // As fast as possible: without foreign keys, and without waiting for the disk.
    await client.query('set session_replication_role = replica; set synchronous_commit = off')
    const me = String((await client.query<{ id: string }>(only)).rows[0]?.id)
    for (const statement of statements(postgres, size, me)) await client.query(statement)
    // Autovacuum would do this within a minute.
    await client.query('vacuum analyze')
  } finally {
    await client.end()
  }
}

/** The cursor for the middle of each list. */
export const middle = (size: number) => {
  const half = Math.ceil(size / 2)
  const hex = (n: number): string => n.toString(16).padStart(44, '0')
  return {
    user: `usr_${hex(half)}`,
    users: Buffer.from(`${epoch + half * 1000}.usr_${hex(half)}`).toString('base64url'),
    /** About the administrator, and not a lent token: divisible by seven, and odd. */
    own: `aud_${hex(Math.floor(size / 14) * 14 + 7)}`,
    loan: `aud_${hex(Math.floor(size / 14) * 14)}`,
  }
}
