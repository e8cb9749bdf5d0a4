import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { and, isNotNull, sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import type { StoreConfig } from '../../src/store/open.ts'
import { grantsOf } from '../../src/store/withdrawals.ts'
import { sqliteBackend } from './backends.ts'
import { account, identity, newcomer, now, type Opened, open, pendingAuthorization, signedIn } from './people.ts'
import { spawnChild } from './processes.ts'

const { place } = sqliteBackend()

describe('a SQLite file', () => {
  const pragma = async ({ driver }: Opened, name: string, column = name): Promise<unknown> => {
    const [row] = await driver.read(
      driver.db.select({ value: sql<unknown>`${sql.identifier(column)}` }).from(sql.raw(`pragma_${name}`)),
    )
    return row?.value
  }

  test('is durable against power loss, and enforces foreign keys', async () => {
    const opened = await open(await place())
    expect(await pragma(opened, 'journal_mode')).toBe('wal')
    expect(await pragma(opened, 'synchronous')).toBe(2)
    expect(await pragma(opened, 'foreign_keys')).toBe(1)
    expect(await pragma(opened, 'busy_timeout', 'timeout')).toBe(0)
    await opened.store.close()
  })

  test('finds the grants of one account without scanning those of all accounts', async () => {
    const config = await place()
    const { store, driver } = await open(config)
    const { db, tables } = driver
    const mine = and(
      grantsOf(tables, { provider: 'google', issuer: 'google', subject: '1' }),
      isNotNull(tables.grants.accessToken),
    )
    const { sql: asked, params } = db.select().from(tables.grants).where(mine).orderBy(tables.grants.id).toSQL()
    const file = connectSqlite(config.file, { readonly: true })
    const plan = file.prepare(`explain query plan ${asked}`).all(params) as { detail: string }[]
    expect(plan[0]?.detail).toMatch(/^SEARCH .*\(provider=\? AND subject=\? AND issuer=\?\)$/)
    file.close()
    await store.close()
  })

  test('cannot be read by other system users, nor can a directory created for it', async () => {
    const config = await place()
    const { store } = await open(config)
    expect(statSync(dirname(config.file)).mode & 0o777).toBe(0o700)
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(config.file + suffix).mode & 0o777).toBe(0o600)
    await store.close()
  })

  test('is not needed: a store can be in memory', async () => {
    const config: StoreConfig = { tag: 'sqlite', file: ':memory:' }
    const [opened, other] = [await open(config), await open(config)]
    const { account: person } = await newcomer(opened)
    expect(await opened.store.accounts.find(person.id)).toEqual(person)
    expect(await other.store.accounts.find(person.id)).toBeUndefined()
    await Promise.all([opened.store.close(), other.store.close()])
  })

  test('contains the writes queued when the store was closed', async () => {
    const config = await place()
    const { store } = await open(config)
    const begun = pendingAuthorization()
    const waiting = store.pendingAuthorizations.begin(begun)
    await store.close()
    await waiting
    const again = await open(config)
    expect(await again.store.pendingAuthorizations.find(begun.stateHash)).toEqual(begun)
    await again.store.close()
  })

  test('contains every write before its promise resolves', async () => {
    const config = await place()
    const { store } = await open(config)
    const outside = connectSqlite(config.file, { readonly: true })
    const count = outside.prepare('select count(*) from accounts').pluck()
    const seen: unknown[] = []
    const signIns = Array.from({ length: 5 }, () => {
      const person = account()
      return store.accounts
        .create(person, identity(person.id), { separate: false }, [])
        .then(() => seen.push(count.get()))
    })
    expect(count.get()).toBe(0)
    await Promise.all(signIns)
    expect(seen).toEqual([5, 5, 5, 5, 5])
    outside.close()
    await store.close()
  })

  test('caches a row only until its own next write, and no longer than a moment after that of another process', async () => {
    const config = await place()
    const [here, elsewhere] = [await open(config), await open(config)]
    const { account: person } = await newcomer(here)
    for (let round = 0; round < 20; round++) {
      const device = await signedIn(round % 2 === 0 ? here : elsewhere, person.id)
      for (const { store } of [here, elsewhere, here, elsewhere])
        expect(await store.sessions.find(device.id)).toMatchObject({ endedAt: null, account: { disabledAt: null } })
      const [one, other] = round % 3 === 0 ? [here, elsewhere] : [elsewhere, here]
      await one.store.sessions.end({ id: device.id, accountId: person.id }, 'revoked', now, [])
      const ended = { endReason: 'revoked' }
      expect(await one.store.sessions.find(device.id)).toMatchObject(ended)
      await expect.poll(() => other.store.sessions.find(device.id), { interval: 2 }).toMatchObject(ended)
    }
    const outside = connectSqlite(config.file)
    const find = () => here.store.accounts.find(person.id)
    outside.prepare('update accounts set name = ? where id = ?').run('Somebody else', person.id)
    await expect.poll(find, { interval: 2 }).toMatchObject({ name: 'Somebody else' })
    outside.prepare('delete from accounts where id = ?').run(person.id)
    await expect.poll(find, { interval: 2 }).toBeUndefined()
    outside.close()
    await Promise.all([here.store.close(), elsewhere.store.close()])
  })

  test('contains everything acknowledged before the process was killed', async () => {
    const config = await place()
    const child = spawnChild('write', config)
    await child.ready
    const enough = new Promise<void>((resolve) => {
      child.process.stdout.on('data', () => {
        if (child.said.length >= 500) resolve()
      })
    })
    child.process.stdin.write('go\n')
    await enough
    child.process.kill('SIGKILL')
    await child.ended
    expect(child.process.signalCode).toBe('SIGKILL')

    const { store, driver } = await open(config)
    const kept = new Set(
      (await driver.read(driver.db.select().from(driver.tables.pendingAuthorizations))).map((row) => row.stateHash),
    )
    expect(child.said.filter((stateHash) => !kept.has(String(stateHash)))).toEqual([])
    await store.close()
    const file = connectSqlite(config.file)
    expect(file.prepare('PRAGMA integrity_check').pluck().get()).toBe('ok')
    file.close()
  })
})
