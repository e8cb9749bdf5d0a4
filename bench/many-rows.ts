/**
 * Fills a database with any number of accounts, and for each of them an identity, a grant, a session, a sign-in to an
 * application and two audit rows.
 */
import pg from 'pg'
import { scopeOf } from '../src/accounts/roles.ts'
import { connectSqlite } from '../src/store/connect-sqlite.ts'
import { clientId } from './processes.ts'

/** The few differences between the two SQL dialects. `n` is the number of a row. */
type Words = {
  readonly numbers: (most: number) => string
  readonly hex: (n: string, digits?: number) => string
  /** A time, from an expression in milliseconds since 1970. */
  readonly time: (ms: string) => string
  readonly no: string
}
const sqlite: Words = {
  numbers: (most) =>
    `(with recursive c(n) as (select 1 union all select n + 1 from c where n < ${most}) select n from c)`,
  hex: (n, digits = 44) => `printf('%0${digits}x', ${n})`,
  time: (ms) => ms,
  no: '0',
}
const postgres: Words = {
  numbers: (most) => `(select n::bigint from generate_series(1, ${most}) n) numbers`,
  hex: (n, digits = 44) => `lpad(to_hex(${n}), ${digits}, '0')`,
  time: (ms) => `to_timestamp((${ms}) / 1000.0)`,
  no: 'false',
}

const [hourMs, dayMs] = [3_600_000, 86_400_000]
/**
 * When the first account was created. All rows are from the days since then, whatever their number, because the sweeps
 * erase the IP addresses of older audit rows.
 */
const epoch = Math.floor(Date.now() / hourMs) * hourMs - 13 * dayMs
/** The time from one account to the next; there are two audit rows in it. */
const stepOf = (size: number): number => 2 * Math.floor((12 * dayMs) / size / 2)

/** The last sign-ins are in so many hours, with as many accounts in each of them. A prime: any role is in each. */
const signInHours = 251

/**
 * Members of the only team, invitations to it, service credentials, applications, sign-ins of the administrator to one
 * of them, and grants that are due for renewal: the same number at every size.
 */
const members = 50
const application = 'app_many'

/** As long as a sealed token. Nothing opens it: another node seems to renew the due grants. */
const token = `v1.bench.${'A'.repeat(120)}`

function* statements({ numbers, hex, time, no }: Words, size: number, me: string): Generator<string> {
  const [step, rare] = [stepOf(size), Math.floor(size / members)]
  const id = (prefix: string, n: string) => `'${prefix}_' || ${hex(n)}`
  const at = time(`${epoch} + n * ${step}`)
  const email = "'person-' || n || '@many.example'"
  const subject = id('subject', 'n')
  // Far enough in the future that no session expires during the measurement, and that no further grant becomes due.
  const [now, later] = [time(`${Date.now()}`), time(`${Date.now() + 7 * dayMs}`)]
  const dueLater = time(`${Date.now() + dayMs} + n * ${step}`)
  const own = (share: number, other: string) => `case when n % ${share} = 0 then '${me}' else ${other} end`
  const every = (share: number, value: string, rest = 0) => `case when n % ${share} = ${rest} then ${value} end`
  yield `insert into accounts (id, email, email_key, verified_email_key, name, role, second_factor_at, disabled_at,
      invited_at, last_sign_in_hour, created_at, updated_at)
    select ${id('usr', 'n')}, ${email}, ${email}, case when n % 10 <> 3 then ${email} end, 'Person ' || n || ' of Many',
      case when n % 10 = 0 then 'auditor' else 'user' end, ${every(7, at)}, ${every(15, at)}, ${every(10, at, 3)},
      case when n % 10 = 3 then 0 else ${epoch / hourMs} + n % ${signInHours} end, ${at}, ${at}
    from ${numbers(size)}`
  yield `insert into identities (id, account_id, provider, issuer, subject, email, email_verified, scopes, linked_at, last_used_at)
    select ${id('idn', 'n')}, ${id('usr', 'n')}, 'local', 'many', ${subject}, ${email}, ${no}, '[]', ${at}, ${at}
    from ${numbers(size)}`
  // A lease keeps the service from renewing the due ones, which would shorten the queue.
  yield `insert into grants (id, provider, issuer, client_id, subject, holder, access_token, refresh_token, asked_scopes,
      scopes, expires_at, status, consented_at, used_at, due_at, failures, updated_at, lease_owner, lease_until, fence)
    select ${id('grt', 'n')}, 'local', 'many', '${clientId}', ${subject}, 'person', '${token}', '${token}', '[]', '[]',
      ${later}, 'healthy', ${at}, ${at}, case when n % ${rare} = 0 then ${at} else ${dueLater} end, 0, ${at},
      ${every(rare, "'another node'")}, ${every(rare, later)}, 1
    from ${numbers(size)}`
  yield `insert into sessions (id, account_id, amr, scope, auth_time, created_at, last_seen_at, generation, rotated_at,
      used_generation, idle_expires_at, absolute_expires_at)
    select ${id('ses', 'n')}, ${id('usr', 'n')}, '[]', '', ${now}, ${now}, ${now}, 1, ${now}, 0, ${later}, ${later}
    from ${numbers(size)}`
  yield `insert into applications (id, name, kind, first_party, redirect_uris, post_logout_redirect_uris, scopes,
      resources, client_auth, created_at, updated_at)
    select case when n = 1 then '${application}' else ${id('app', 'n')} end, 'Application ' || n, 'browser', ${no},
      '["https://many.example/"]', '[]', '["openid"]', '[]', 'none', ${at}, ${at}
    from ${numbers(members)}`
  yield `insert into application_sessions (id, application_id, session_id, account_id, sid, scope, resources, amr,
      auth_time, created_at, generation, rotated_at, used_generation, idle_expires_at, absolute_expires_at, ended_at)
    select ${id('aps', 'n')}, '${application}', ${id('ses', 'n')}, ${own(rare, id('usr', 'n'))},
      ${id('sid', 'n')}, 'openid', '[]', '[]', ${at}, ${at}, 1, ${at}, 0, ${later}, ${later}, ${every(3, at)}
    from ${numbers(size)}`
  yield `insert into audit (id, at, ordinal, event, account_id, ip, request_id, data)
    select ${id('aud', 'n')}, ${time(`${epoch} + n * ${step / 2}`)}, n,
      case when n % 20 = 1 then 'account.role_changed' when n % 20 = 3 then 'authentication.failed'
        when n % 2 = 0 then 'provider_token.lent' else 'authentication.succeeded' end,
      ${own(7, id('usr', `n % ${size} + 1`))}, '203.0.113.' || (n % 9), 'req_' || ${hex('n / 4', 32)}, '{}'
    from ${numbers(size * 2)}`
  yield `insert into hourly_counts (id, hour, measure, label, count)
    select 'many ' || n, ${time(`${epoch} + n / 2 * ${hourMs}`)}, 'signIns',
      case when n % 2 = 0 then 'local' else 'password' end, n
    from ${numbers((13 * dayMs * 2) / hourMs)}`
  yield `insert into teams (id, name, created_at, updated_at) values ('team_many', 'Many', ${now}, ${now})`
  yield `insert into team_members (team_id, account_id, role, joined_at)
    select 'team_many', ${own(members, id('usr', 'n'))}, 'owner', ${at} from ${numbers(members)}`
  yield `insert into team_invitations (id, team_id, email, email_key, role, secret_hash, created_at, expires_at)
    select ${id('inv', 'n')}, 'team_many', ${email}, ${email}, 'member', 'hash-' || n, ${now}, ${later}
    from ${numbers(members)}`
  yield `insert into service_credentials (id, name, secret_hash, scopes, created_at)
    select ${id('svc', 'n')}, 'Back end ' || n, 'hash-' || n, '[]', ${at} from ${numbers(members)}`
  yield `insert into registration_tokens (id, name, token_hash, uses_left, expires_at, created_at)
    select ${id('rgt', 'n')}, 'Token ' || n, 'hash-' || n, 1, ${later}, ${at} from ${numbers(members)}`
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

/** The values of the placeholders in `lists.ts`: an account, an event and a time in the middle, and cursors there. */
export const middle = (size: number) => {
  const half = Math.ceil(size / 2)
  const hex = (n: number, digits = 44): string => n.toString(16).padStart(digits, '0')
  const user = `usr_${hex(half)}`
  const cursor = (ms: number): string => Buffer.from(`${ms}.${user}`).toString('base64url')
  const at = (share: number): string => new Date(epoch + Math.round(size * share) * stepOf(size)).toISOString()
  const signIn = (share: number): number => epoch + Math.floor(signInHours * share) * hourMs
  return {
    user,
    email: `person-${half}@many.example`,
    name: `Person ${half} of`,
    older: cursor(epoch + half * stepOf(size)),
    signIn: new Date(signIn(0.5)).toISOString(),
    earlier: cursor(signIn(0.25)),
    later: cursor(signIn(0.75)),
    application,
    /** The last one on the first page. The application with sign-ins is on the second. */
    anotherApplication: `app_${hex(members / 2 + 1)}`,
    /** With as many identities after it at every size. */
    subject: Buffer.from(`subject_${hex(size - members)}`).toString('base64url'),
    /** About the administrator, and not a lent token: divisible by seven, and odd. */
    entry: `aud_${hex(Math.floor(size / 14) * 14 + 7)}`,
    loan: `aud_${hex(Math.floor(size / 14) * 14)}`,
    request: `req_${hex(Math.floor(half / 2), 32)}`,
    from: at(0.25),
    until: at(0.75),
    day: at(0.5).slice(0, 10),
  }
}
