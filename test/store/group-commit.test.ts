import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database } from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createHealth, type HealthChange } from '../../src/store/availability.ts'
import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import { createGroupCommit } from '../../src/store/group-commit.ts'
import { newFile } from '../support/sqlite.ts'

describe('writes of one turn of the event loop', () => {
  let file: string
  let inside: Database
  let outside: Database
  let group: ReturnType<typeof createGroupCommit>
  let changes: HealthChange[]
  /** Writes wait at most `requestMs` for a locked file. */
  const begin = (requestMs: number): void => {
    const health = createHealth((change) => changes.push(change))
    group = createGroupCommit(inside, { health, requestMs, checkFiles: () => {} })
  }

  beforeEach(() => {
    file = newFile()
    mkdirSync(dirname(file))
    inside = connectSqlite(file, { timeout: 0 })
    inside.exec('PRAGMA journal_mode = WAL')
    inside.exec('PRAGMA foreign_keys = ON')
    inside.exec(`create table notes (id integer primary key, parent integer references notes);`)
    outside = connectSqlite(file, { timeout: 0 })
    changes = []
    begin(60_000)
  })
  afterEach(() => {
    inside.close()
    outside.close()
  })

  const insert = (id: number, parent: number | null = null) =>
    inside.prepare('insert into notes values (?, ?)').run(id, parent)
  /** The data another connection sees in the file. */
  const seen = () => outside.prepare('select id from notes order by id').pluck().all()
  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => 'kept',
      (error: Error) => error.message,
    )

  test('share one transaction: nobody else sees one of them before all are committed', async () => {
    const log: unknown[] = []
    const first = group.join(true, () => insert(1)).then(() => log.push('first answered', seen()))
    const second = group.join(true, () => {
      log.push('second runs', inside.prepare('select count(*) from notes').pluck().get(), seen())
      insert(2)
    })
    expect(seen()).toEqual([])
    await Promise.all([first, second])
    expect(log).toEqual(['second runs', 1, [], 'first answered', [1, 2]])
  })

  test('are refused beyond a thousand that wait for a locked file', async () => {
    outside.exec('BEGIN IMMEDIATE')
    const write = (id: number) =>
      group
        .join(false, () => insert(id))
        .then(
          () => 'kept',
          (error: { name: string }) => error.name,
        )
    const first = write(0)
    // After this turn, the file is known to be locked.
    await new Promise((resolve) => setImmediate(resolve))
    const waiting = [first, ...Array.from({ length: 1000 }, (_, id) => write(id + 1))]
    expect(await Promise.race(waiting)).toBe('BusyError')
    outside.exec('ROLLBACK')
    expect((await Promise.all(waiting)).filter((answer) => answer === 'BusyError')).toHaveLength(1)
    expect(seen()).toHaveLength(1000)
  })

  test('include writes that join at the end of the turn', async () => {
    const log: string[] = []
    const first = group.join(false, () => log.push('joined in the turn'))
    const last = new Promise<void>((resolve) => {
      group.endOfTurn(() => {
        log.push('turn is over')
        resolve(
          group.join(false, () => log.push(`joined at its end, ${group.commits()} commits before`)).then(() => {}),
        )
      })
    })
    await Promise.all([first, last])
    expect(log).toEqual(['turn is over', 'joined in the turn', 'joined at its end, 0 commits before'])
    expect(group.commits()).toBe(1)
  })

  test('that would join at the end of the turn are committed by a close before it', async () => {
    let kept: Promise<unknown> | undefined
    group.endOfTurn(() => {
      kept = group.join(false, () => insert(1))
    })
    group.close()
    await kept
    expect(seen()).toEqual([1])
  })

  test('that arrive while a turn ends are committed with the next one', async () => {
    let kept: Promise<unknown> | undefined
    group.endOfTurn(() => {
      group.endOfTurn(() => {
        kept = group.join(false, () => insert(1))
      })
    })
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(seen()).toEqual([1])
    await kept
  })

  test('are committed at the end of the turn when there is only one', async () => {
    const alone = group.join(false, () => insert(1))
    await new Promise((resolve) => setImmediate(resolve))
    expect(seen()).toEqual([1])
    await alone
  })

  test('gather while every turn adds more, and share one commit', async () => {
    const writes: Promise<unknown>[] = []
    const join = (id: number) => writes.push(group.join(false, () => insert(id)))
    join(1)
    join(2)
    for (let id = 3; id <= 5; id++) {
      await new Promise((resolve) => setImmediate(resolve))
      expect(seen()).toEqual([])
      join(id)
    }
    await Promise.all(writes)
    expect(group.commits()).toBe(1)
    expect(seen()).toEqual([1, 2, 3, 4, 5])
  })

  test('gather for a few turns at most', async () => {
    const writes: Promise<unknown>[] = []
    let turns = 0
    for (let id = 1; seen().length === 0; id += 2) {
      writes.push(...[id, id + 1].map((each) => group.join(false, () => insert(each))))
      await new Promise((resolve) => setImmediate(resolve))
      turns += 1
    }
    await Promise.all(writes)
    expect(turns).toBeLessThan(12)
  })

  test('in the hundreds yield to other work in between', async () => {
    const order: string[] = []
    const writes = Array.from({ length: 200 }, (_, n) =>
      group.join(false, () => insert(n + 1)).then(() => order.push('write')),
    )
    setImmediate(() => setImmediate(() => order.push('somebody else')))
    await Promise.all(writes)
    expect(order.indexOf('somebody else')).toBeGreaterThan(0)
    expect(order.indexOf('somebody else')).toBeLessThan(200)
    expect(seen()).toHaveLength(200)
  })

  test('are all committed when the store closes, however many wait', async () => {
    const writes = Array.from({ length: 200 }, (_, n) => group.join(false, () => insert(n + 1)))
    group.close()
    expect(seen()).toHaveLength(200)
    await Promise.all(writes)
  })

  test('return their own results', async () => {
    expect(await Promise.all([group.join(true, () => 'a'), group.join(false, () => 'b')])).toEqual(['a', 'b'])
  })

  test('of which a script throws: only that script is rolled back, completely', async () => {
    const kept = [group.join(true, () => insert(1)), group.join(false, () => insert(3))]
    const undone = group.join(true, () => {
      insert(2)
      throw new Error('second thoughts')
    })
    kept.push(group.join(true, () => insert(4)))
    expect(await failure(undone)).toBe('second thoughts')
    await Promise.all(kept)
    expect(seen()).toEqual([1, 3, 4])
  })

  test('of which a single statement fails: only that statement is rolled back', async () => {
    const answers = [1, 1, 2].map((id) => failure(group.join(false, () => insert(id))))
    expect(await Promise.all(answers)).toEqual(['kept', 'UNIQUE constraint failed: notes.id', 'kept'])
    expect(seen()).toEqual([1, 2])
  })

  test('whose commit fails: all callers get the error, nothing is stored, and later writes succeed', async () => {
    const answers = [
      group.join(true, () => insert(1)),
      group.join(true, () => {
        // Checked at the commit, so the COMMIT itself fails.
        inside.exec('PRAGMA defer_foreign_keys = ON')
        insert(2, 99)
      }),
    ].map(failure)
    expect(await Promise.all(answers)).toEqual(Array(2).fill('FOREIGN KEY constraint failed'))
    expect(seen()).toEqual([])
    await group.join(true, () => insert(3))
    expect(seen()).toEqual([3])
  })

  test('that lose their transaction halfway, as on a full disk: all callers get the error, nothing is stored', async () => {
    const answers = [
      group.join(true, () => insert(1)),
      group.join(false, () => {
        inside.exec('ROLLBACK')
        throw new Error('database or disk is full')
      }),
      group.join(true, () => insert(2)),
    ].map(failure)
    expect(await Promise.all(answers)).toEqual(Array(3).fill('database or disk is full'))
    expect(seen()).toEqual([])
    await group.join(true, () => insert(3))
    expect(seen()).toEqual([3])
  })

  test('that all fail or change no row do not show that the database can write; one that changes a row does', async () => {
    const refused = () =>
      group.join(false, () => {
        throw Object.assign(new Error('database disk image is malformed'), { code: 'SQLITE_CORRUPT' })
      })
    const states = () => changes.map(({ state }) => state)
    for (let n = 0; n < 3; n++) {
      const withoutRows = group.join(true, () => inside.exec('update notes set parent = null where id = 99'))
      expect(await failure(refused())).toBe('the database is busy')
      await withoutRows
    }
    expect(await failure(refused())).toBe('the database is busy')
    expect(states()).toEqual(['refusing'])
    await Promise.all([failure(refused()), group.join(true, () => insert(1))])
    expect(states()).toEqual(['refusing', 'healthy'])
  })

  test('that find the database locked wait without blocking others, and are stored once it is free', async () => {
    outside.exec('BEGIN IMMEDIATE')
    const kept = [group.join(true, () => insert(1)), group.join(false, () => insert(2))]
    const turns = await Promise.all([1, 2, 3].map(() => new Promise((resolve) => setImmediate(() => resolve('turn')))))
    expect(turns).toEqual(['turn', 'turn', 'turn'])
    const later = new Promise<void>((resolve) => group.endOfTurn(() => resolve()))
    await later
    outside.exec('COMMIT')
    await Promise.all(kept)
    expect(seen()).toEqual([1, 2])
  })

  test('that find the database locked for too long: all callers get the error, and later writes succeed', async () => {
    begin(100)
    outside.exec('BEGIN IMMEDIATE')
    const answers = [group.join(true, () => insert(1)), group.join(false, () => insert(2))].map(failure)
    expect(await Promise.all(answers)).toEqual(Array(2).fill('the database is busy'))
    outside.exec('COMMIT')
    await group.join(true, () => insert(3))
    expect(seen()).toEqual([3])
  })

  test('that wait while it closes are committed first; later ones are refused', async () => {
    const waiting = group.join(true, () => insert(1))
    group.close()
    expect(seen()).toEqual([1])
    await waiting
    expect(await failure(group.join(true, () => insert(2)))).toBe('the store is busy')
    expect(seen()).toEqual([1])
  })
})
