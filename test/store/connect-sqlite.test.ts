import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import Database from 'better-sqlite3'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import { newFile } from '../support/sqlite.ts'
import { later, newcomer, newId, now, open, signedIn } from './people.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Reports each statement text that is prepared during the test. */
function watchPrepare(seen: (text: string) => void): void {
  const prepare = Database.prototype.prepare
  Database.prototype.prepare = function (this: Database.Database, text: string) {
    seen(text)
    return prepare.call(this, text)
  } as typeof prepare
  onTestFinished(() => {
    Database.prototype.prepare = prepare
  })
}

describe('a SQLite connection', () => {
  afterEach(() => vi.restoreAllMocks())

  test('prepares each statement text once', () => {
    const connection = connectSqlite(':memory:')
    expect(connection.prepare('select 1')).toBe(connection.prepare('select 1'))
    expect(connection.prepare('select 2')).not.toBe(connection.prepare('select 1'))
    connection.close()
  })

  // No statement text is ever dropped.
  test('uses the same statement text for any number of sessions', async () => {
    const texts = new Set<string>()
    watchPrepare((text) => texts.add(text))
    const opened = await open({ tag: 'sqlite', file: newFile() })
    const { account } = await newcomer(opened)
    const { id: sessionId } = await signedIn(opened, account.id)
    const known: number[] = []
    for (const secretHash of ['one', 'two', 'three']) {
      const device = { id: newId('dev'), accountId: account.id, secretHash, createdAt: now, lastSeenAt: now }
      await opened.store.trustedDevices.trust({ ...device, expiresAt: later(60) }, sessionId)
      await opened.store.personalData.gather(account.id, [])
      known.push(texts.size)
    }
    await opened.store.close()
    expect(new Set(known).size).toBe(1)
  })

  // Otherwise Node 24 aborts some time later; the garbage collectors of other versions do not.
  test('never leaves a statement or itself to the garbage collector, whatever a store does', async () => {
    const made: WeakRef<object>[] = []
    const prepare = Database.prototype.prepare
    // Without a spy, which would keep the created objects alive.
    Database.prototype.prepare = function (this: Database.Database, text: string) {
      const statement = prepare.call(this, text)
      made.push(new WeakRef(this), new WeakRef(statement))
      return statement
    } as typeof prepare
    onTestFinished(() => {
      Database.prototype.prepare = prepare
    })
    const pragma = vi.spyOn(Database.prototype, 'pragma')
    const lives = async () => {
      const opened = await open({ tag: 'sqlite', file: newFile() })
      const { account } = await newcomer(opened)
      const { id } = await signedIn(opened, account.id)
      await opened.store.sessions.rotate(id, 0, new Date(), new Date())
      for (let round = 0; round < 3; round++) await opened.store.ready()
      await opened.store.close()
    }
    await lives()
    await turn()
    collectGarbage()
    expect(made.length).toBeGreaterThan(20)
    expect(made.filter((reference) => reference.deref() === undefined)).toEqual([])
    expect(pragma).not.toHaveBeenCalled()
  })

  test('prepares the statements of a store at their first use', async () => {
    const texts: string[] = []
    watchPrepare((text) => texts.push(text))
    const { store } = await open({ tag: 'sqlite', file: newFile() })
    const ofRows = () => texts.filter((text) => /^(select|insert|update|delete|with) /.test(text)).length
    const before = ofRows()
    expect(before).toBeLessThan(5)
    for (let round = 0; round < 2; round++) await store.accounts.find('usr_none')
    expect(ofRows()).toBe(before + 1)
    await store.close()
    await expect(store.sessions.touch('ses_none', now, null)).rejects.toThrow('busy')
  })
})
