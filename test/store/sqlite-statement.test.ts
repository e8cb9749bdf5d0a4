import { eq, getTableColumns, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import { placeholderFor, placeholdersFor } from '../../src/store/driver.ts'
import { accounts, identities } from '../../src/store/schema.sqlite.ts'
import { execute, prepare } from '../../src/store/sqlite.ts'
import { compileQuery } from '../../src/store/sqlite-statement.ts'
import { newMigratedFile } from '../support/sqlite.ts'

const at = new Date('2026-01-02T03:04:05.678Z')
const account = {
  ...(Object.fromEntries(Object.keys(getTableColumns(accounts)).map((name) => [name, null])) as Record<string, null>),
  id: 'usr_1',
  name: 'Ana',
  role: 'user',
  metadata: { public: { shirt: 'blue' }, private: {} },
  lastSignInHour: 7,
  createdAt: at,
  updatedAt: at,
}
const identity = {
  id: 'idn_1',
  accountId: 'usr_1',
  provider: 'google',
  issuer: 'https://accounts.google.com',
  subject: '1',
  email: null,
  emailVerified: true,
  name: null,
  picture: null,
  scopes: ['email', 'profile'],
  linkedAt: at,
  lastUsedAt: at,
}

/** A database with one account and its identity, both inserted by compiled queries. */
function openDatabase() {
  const client = connectSqlite(newMigratedFile())
  onTestFinished(() => void client.close())
  const db = drizzle({ client })
  const insert = db
    .insert(accounts)
    .values(placeholdersFor(getTableColumns(accounts)))
    .returning()
  const inserted = compileQuery(prepare(insert))?.(account)
  const link = db
    .insert(identities)
    .values(placeholdersFor(getTableColumns(identities)))
    .returning()
  const linked = compileQuery(prepare(link))?.(identity)
  return { db, inserted, linked }
}

describe('a compiled query', () => {
  test('stores and returns every type of column', () => {
    const { inserted, linked } = openDatabase()
    expect(inserted).toEqual([account])
    expect(linked).toEqual([identity])
  })

  test('returns what Drizzle returns: joined rows, expressions, and no row', () => {
    const { db } = openDatabase()
    const query = () =>
      db
        .select({
          ...getTableColumns(identities),
          account: getTableColumns(accounts),
          size: sql<string>`length(${accounts.name})`.mapWith(String),
          alias: sql<number>`1 + 1`.as('alias'),
        })
        .from(identities)
        .innerJoin(accounts, eq(accounts.id, identities.accountId))
        .where(eq(identities.linkedAt, placeholderFor('at', identities.linkedAt)))
    const run = compileQuery(prepare(query()))
    for (const values of [{ at }, { at: new Date(0) }]) {
      expect(run?.(values)).toEqual(execute(prepare(query()), values))
    }
    expect(run?.({ at })).toEqual([{ ...identity, account, size: '3', alias: 2 }])
  })

  test('refuses a value that is missing', () => {
    const { db } = openDatabase()
    const query = db
      .select({ id: accounts.id })
      .from(accounts)
      .where(eq(accounts.id, sql.placeholder('id')))
    expect(() => compileQuery(prepare(query))?.({})).toThrow(TypeError)
  })

  test('writes without returning rows, and reports how many it changed', () => {
    const { db } = openDatabase()
    const rename = db
      .update(accounts)
      .set({ name: 'Bea', updatedAt: placeholderFor('at', accounts.updatedAt) })
      .where(eq(accounts.id, sql.placeholder('id')))
    const run = compileQuery(prepare(rename))
    const later = new Date(at.getTime() + 1000)
    expect([run?.({ id: 'usr_1', at: later }), run?.({ id: 'usr_2', at: later })]).toMatchObject([
      { changes: 1 },
      { changes: 0 },
    ])
    expect(db.select().from(accounts).all()).toEqual([{ ...account, name: 'Bea', updatedAt: later }])
    expect(() => run?.({ id: 'usr_1' })).toThrow(TypeError)
  })

  test('is left to Drizzle where rows may be missing', () => {
    const { db } = openDatabase()
    const joined = db.select().from(accounts).leftJoin(identities, eq(accounts.id, identities.accountId))
    expect(compileQuery(prepare(joined))).toBeUndefined()
  })
})
