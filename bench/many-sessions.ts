/** A database with any number of sessions, and tokens for some of them. */
import { createHmac } from 'node:crypto'
import { createSealer } from '../src/kernel/crypto.ts'
import { systemRandom } from '../src/kernel/ids.ts'
import { connectSqlite } from '../src/store/connect-sqlite.ts'
import { encryptionKey, issuer } from './processes.ts'

const [id = '', key = ''] = encryptionKey.split(':')
const sealer = createSealer([{ id, key: Buffer.from(key, 'base64') }], systemRandom)

/**
 * Copies the only session and the only account in `file` until there are that many sessions, four per account. The
 * service must not be running.
 */
export function multiply(file: string, sessions: number): void {
  const db = connectSqlite(file)
  const columns = (table: string, own: Readonly<Record<string, string>>): string =>
    (db.prepare(`PRAGMA table_info(${table})`).all() as { name: string }[])
      .map(({ name }) => own[name] ?? `one.${name}`)
      .join(', ')
  // Like `createIds`: ordered by time, then random.
  const newId = (prefix: string): string =>
    `printf('${prefix}_%012x', one.created_at + n) || lower(hex(randomblob(16)))`
  const numbers = (count: number): string =>
    `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${count})`
  const first = (table: string): string => `(select * from ${table} limit 1) one, numbers`

  db.transaction(() => {
    const email = `'person-' || n || '@many.example'`
    const person = { id: newId('usr'), email, email_key: email, verified_email_key: email }
    const accounts = Math.ceil(sessions / 4)
    db.exec(`${numbers(accounts)} insert into accounts select ${columns('accounts', person)} from ${first('accounts')}`)
    db.exec('create temp table people as select row_number() over () - 1 as at, id from accounts')
    db.exec('create unique index temp.people_at on people (at)')
    const account = `(select id from temp.people where at = n % ${accounts})`
    const device = { id: newId('ses'), account_id: account, cookie_hash: 'lower(hex(randomblob(20)))' }
    const rest = sessions - 1
    db.exec(`${numbers(rest)} insert into sessions select ${columns('sessions', device)} from ${first('sessions')}`)
  })()
  db.exec('PRAGMA wal_checkpoint(truncate)')
  db.close()
}

/** Refresh tokens for `count` sessions in `file`, scattered over all of them, as the service would sign them. */
export function refreshTokens(file: string, count: number): string[] {
  const db = connectSqlite(file, { readonly: true })
  type Found = { id: string; secret: string }
  const found = db.prepare<[], Found>("select id, secret from signing_keys where purpose = 'refresh'").get()
  const key = Buffer.from(sealer.open(found?.secret ?? '', `signing_keys/${found?.id}/secret`), 'base64url')
  type Row = { id: string; account_id: string; generation: number; idle: number }
  const rows = db
    .prepare<[number], Row>(
      'select id, account_id, generation, idle_expires_at as idle from sessions where rowid in (select rowid from sessions order by random() limit ?) order by random()',
    )
    .all(count)
  db.close()
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return rows.map((row) => {
    const claims = { iss: issuer, aud: issuer, sub: row.account_id, exp: Math.floor(row.idle / 1000) }
    const iat = Math.floor(Date.now() / 1000)
    const session = { iat, jti: `${row.generation}.${row.id}`, sid: row.id, type: 'refresh' }
    const text = `${encode({ alg: 'HS256', typ: 'rt+jwt', kid: found?.id })}.${encode({ ...claims, ...session })}`
    return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
  })
}
