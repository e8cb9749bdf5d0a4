/** The data of floor and candidate: one row for each session, and group commit on one durable SQLite file. */
import { randomBytes } from 'node:crypto'
import Database from 'better-sqlite3'
import pg from 'pg'
import { pair, refreshTtlSeconds, type Session } from './tokens.ts'

export type Account = {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly role: string
  readonly created_at: number
}
/** Compare-and-set of the generation. */
export type Rotate = (id: string, generation: number) => Promise<Session | undefined>

export const newId = (prefix: string): string =>
  `${prefix}_${Date.now().toString(16).padStart(12, '0')}${randomBytes(16).toString('hex')}`

export function openSqlite(file: string) {
  const db = new Database(file)
  db.exec('PRAGMA journal_mode = WAL')
  db.exec('PRAGMA synchronous = FULL')
  db.exec('PRAGMA wal_autocheckpoint = 4000')
  db.exec(`
    create table accounts (id text primary key not null, email text, name text, role text not null, created_at integer not null);
    create table identities (id text primary key not null, account_id text not null, provider text not null,
      subject text not null, email text, name text, last_used_at integer not null, unique (provider, subject));
    create table flows (id text primary key not null, state_hash text not null unique, binding_hash text not null,
      verifier text not null, expires_at integer not null, claimed_at integer);
    create table sessions (id text primary key not null, account_id text not null, created_at integer not null,
      generation integer not null, rotated_at integer not null, idle_expires_at integer not null,
      absolute_expires_at integer not null, ended_at integer);
    create index sessions_account on sessions (account_id);
  `)
  const write = groupCommit(db)
  const rotation = db.prepare<[number, number, string, number, number, number], Session>(
    `update sessions set generation = generation + 1, rotated_at = ?, idle_expires_at = ?
     where id = ? and generation = ? and ended_at is null and idle_expires_at > ? and absolute_expires_at > ?
     returning id, account_id, generation, idle_expires_at`,
  )
  const account = db.prepare<[string], Account>('select id, email, name, role, created_at from accounts where id = ?')
  const newAccount = db.prepare<Account>('insert into accounts values (@id, @email, @name, @role, @created_at)')
  const newSession = db.prepare<[string, string, number, number, number, number]>(
    'insert into sessions values (?, ?, ?, 1, ?, ?, ?, null)',
  )

  const addAccount = (of: Pick<Account, 'email' | 'name'>): Account => {
    const added = { id: newId('usr'), ...of, role: 'user', created_at: Date.now() }
    newAccount.run(added)
    return added
  }
  const addSession = (accountId: string): Session => {
    const now = Date.now()
    const idle = now + refreshTtlSeconds * 1000
    const id = newId('ses')
    newSession.run(id, accountId, now, now, idle, now + 90 * 86_400_000)
    return { id, account_id: accountId, generation: 1, idle_expires_at: idle }
  }
  const rotate: Rotate = (id, generation) =>
    write(() => {
      const now = Date.now()
      return rotation.get(now, now + refreshTtlSeconds * 1000, id, generation, now, now)
    })
  /** The pairs of that many people, each with one device. */
  const seed = (count: number) =>
    write(() =>
      Array.from({ length: count }, (_, n) =>
        pair(addSession(addAccount({ email: `user-${n}@example.com`, name: `User ${n}` }).id)),
      ),
    )
  return { db, write, rotate, account: (id: string) => account.get(id), addAccount, addSession, seed }
}

/** Writes within one turn of the event loop share a transaction. They are acknowledged after it is on the disk. */
function groupCommit(db: Database.Database) {
  const [begin, commit, rollback] = ['begin immediate', 'commit', 'rollback'].map((text) => db.prepare(text)) as [
    Database.Statement,
    Database.Statement,
    Database.Statement,
  ]
  type Work = { run: () => unknown; resolve: (value: never) => void; reject: (error: unknown) => void }
  let waiting: Work[] = []

  function flush(): void {
    const group = waiting
    waiting = []
    let values: unknown[]
    try {
      begin.run()
      values = group.map(({ run }) => run())
      commit.run()
    } catch (error) {
      if (db.inTransaction) rollback.run()
      for (const { reject } of group) reject(error)
      return
    }
    for (let at = 0; at < group.length; at++) group[at]?.resolve(values[at] as never)
  }

  return <T>(run: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(flush)
      waiting.push({ run, resolve, reject })
    })
}

/** The plain rotation on PostgreSQL, on the service’s table and with its pool. */
export function openPostgres(url: string): { rotate: Rotate } {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  type Row = Omit<Session, 'idle_expires_at'> & { readonly idle_expires_at: Date }
  return {
    async rotate(id, generation) {
      const now = new Date()
      const idle = new Date(now.getTime() + refreshTtlSeconds * 1000)
      const { rows } = await pool.query<Row>({
        name: 'rotate',
        text: `update sessions set generation = generation + 1, used_generation = generation, rotated_at = $1,
            last_seen_at = $1, idle_expires_at = $2
          where id = $3 and generation = $4 and ended_at is null and idle_expires_at > $1 and absolute_expires_at > $1
          returning id, account_id, generation::int, idle_expires_at`,
        values: [now, idle, id, generation],
      })
      const [row] = rows
      return row && { ...row, idle_expires_at: row.idle_expires_at.getTime() }
    },
  }
}
