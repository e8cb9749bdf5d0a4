/** Growth of tables, and nodes with different clocks. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import { connectPostgres } from '../../test/support/postgres.ts'
import type { Case, CaseContext } from './case.ts'
import {
  call,
  everyoneSignedIn,
  live,
  me,
  type Node,
  type Person,
  people,
  type Reply,
  refresh,
  signInAt,
  startLoad,
  until,
  watch,
} from './client.ts'
import { finding, noDefects, noneLongerThan, onlyStatuses, retryAfterOn503 } from './judge.ts'
import { startStandIn } from './stand-in.ts'
import { newFile, startNode, startWith } from './start.ts'

const rows = 100_000
const manySessions = 20_000
/** How long one task may block the event loop. Reading all rows of an account at once takes longer. */
const loopMs = 1000
/** How much memory an export may take. All of its rows at once need 400 MB. */
const exportMiB = 150
/** Older than the retention time of any row. */
const expiredMs = Date.now() - 400 * 86_400_000

/** The few statements that a case needs, in both SQL dialects. */
type Sql = {
  series(count: number): string
  moment(ms: number): string
  run(text: string): Promise<unknown>
  all(text: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  close(): Promise<unknown>
}

async function openSql(database: string): Promise<Sql> {
  if (database.startsWith('file:')) {
    const connection = connectSqlite(database.slice('file:'.length))
    return {
      series: (most) =>
        `(with recursive series(n) as (select 1 union all select n + 1 from series where n < ${most}) select n from series) as series`,
      moment: String,
      run: async (text) => connection.exec(text),
      all: async (text) => connection.prepare<[], Record<string, unknown>>(text).all(),
      close: async () => connection.close(),
    }
  }
  const connection = await connectPostgres(database)
  return {
    series: (most) => `generate_series(1, ${most}) as series(n)`,
    moment: (ms) => `to_timestamp(${ms / 1000})`,
    run: (text) => connection.query(text),
    all: async (text) => (await connection.query(text)).rows,
    close: () => connection.end(),
  }
}

/** Copies one row a number of times, with unique values where required. */
async function multiply(
  sql: Sql,
  table: string,
  change: Readonly<Record<string, string>>,
  { times = rows, where = 'true' } = {},
): Promise<void> {
  const [row] = await sql.all(`select * from ${table} where ${where} limit 1`)
  if (!row) throw new Error(`${table} is empty`)
  const columns = Object.keys(row)
  const values = columns.map((column) => change[column] ?? `model.${column}`)
  await sql.run(
    `insert into ${table} (${columns.join(', ')})
     select ${values.join(', ')} from (select * from ${table} where ${where} limit 1) as model cross join ${sql.series(times)}`,
  )
}

const count = async (sql: Sql): Promise<number> => {
  const [row] = await sql.all(
    `select (select count(*) from flows where id like 'old%') + (select count(*) from sessions where id like 'old%') as count`,
  )
  return Number(row?.count)
}

async function sweep(setting: CaseContext, database: string) {
  const first = await startNode(setting, { database })
  await people(first, 1)
  // A pending authorization that was never completed.
  await signInAt(first, 'local', 'somebody-else')
  await first.stop()
  const sql = await openSql(database)
  setting.defer(() => sql.close())
  const past = sql.moment(expiredMs)
  await multiply(sql, 'flows', {
    id: `'old' || series.n`,
    state_hash: `'old' || series.n`,
    created_at: past,
    expires_at: past,
  })
  await multiply(sql, 'sessions', {
    id: `'old' || series.n`,
    created_at: past,
    idle_expires_at: past,
    absolute_expires_at: past,
    ended_at: past,
  })
  const before = await count(sql)
  // It is overdue, so the sweep runs soon after the start.
  await sql.run(`update jobs set due_at = ${past} where name = 'sweep-expired'`)
  const node = await startNode(setting, { database })
  const alive = watch(live(node))
  const all = await people(node, 4, { from: 10 })
  const load = startLoad(node, all)
  setting.defer(() => alive.stop())
  setting.defer(() => load.stop())
  const swept = await until(async () => {
    await pause(500)
    return (await count(sql)) === 0
  }, 120_000)
  await load.stop()
  await alive.stop()
  return [
    finding(`${2 * rows} expired rows are there`, before === 2 * rows, before),
    finding('all of them are deleted within two minutes', swept, await count(sql)),
    onlyStatuses(alive.answers, [200]),
    noneLongerThan(1000, alive.answers, '/health/live'),
    onlyStatuses(load.answers, [200]),
    noneLongerThan(2000, load.answers),
    noDefects(node.said()),
  ]
}

/** One person with their own rows, inserted by `insert`, and four others. */
async function crowded(setting: CaseContext, database: string, insert: (sql: Sql, person: Person) => Promise<void>) {
  const node = await startNode(setting, { database })
  const [person, ...others] = await people(node, 5)
  if (!person) throw new Error('nobody signed in')
  const sql = await openSql(database)
  setting.defer(() => sql.close())
  await insert(sql, person)
  return { node, person, others, sql }
}

/** Watches the event loop, and the others at work, during one request. */
async function whileOthersWork<T>(
  setting: CaseContext,
  node: Node,
  others: readonly Person[],
  request: () => Promise<T>,
) {
  const load = startLoad(node, others)
  const alive = watch(live(node))
  setting.defer(() => alive.stop())
  setting.defer(() => load.stop())
  await pause(500)
  const answer = await request()
  await load.stop()
  await alive.stop()
  return {
    answer,
    undisturbed: [
      onlyStatuses(alive.answers, [200]),
      noneLongerThan(loopMs, alive.answers, '/health/live'),
      onlyStatuses(load.answers, [200]),
      noneLongerThan(2000, load.answers, 'response to the others'),
    ],
  }
}

async function manySessionsEnded(setting: CaseContext, database: string) {
  const { node, person, others, sql } = await crowded(setting, database, (to, { id }) =>
    multiply(to, 'sessions', { id: `'many' || series.n` }, { times: manySessions, where: `account_id = '${id}'` }),
  )
  const open = async (): Promise<number> => {
    const [row] = await sql.all(
      `select count(*) as count from sessions where account_id = '${person.id}' and ended_at is null`,
    )
    return Number(row?.count)
  }
  const before = await open()
  // A slow machine may need several requests: each ends within its deadline, and the client repeats it after a 503.
  const answers: Reply[] = []
  const { undisturbed } = await whileOthersWork(setting, node, others, () =>
    until(async () => {
      const answer = await call(node, 'POST', '/auth/logout-all', { token: person.access })
      answers.push(answer)
      return answer.status !== 503
    }, 90_000),
  )
  const after = await open()
  return [
    finding('all sessions are there', before === manySessions + 1, before),
    onlyStatuses(answers, [204, 503]),
    retryAfterOn503(answers),
    finding('none of them is open afterwards', after === 0, after),
    onlyStatuses([await me(node, person), await refresh(node, person)], [401]),
    ...undisturbed,
    await everyoneSignedIn(node, others),
    noDefects(node.said()),
  ]
}

/** The most memory that a process has used since `forget`, in MiB. */
function peakMemory(pid: number) {
  const peak = (): number =>
    Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  return { peak, forget: () => writeFileSync(`/proc/${pid}/clear_refs`, '5') }
}

async function longExport(setting: CaseContext, database: string) {
  const { node, person, others } = await crowded(setting, database, (to, { id }) =>
    multiply(
      to,
      'audit',
      { id: `'old' || series.n`, account_id: `'${id}'`, ordinal: 'series.n' },
      { where: `account_id = '${id}'` },
    ),
  )
  const memory = peakMemory(node.child.pid ?? 0)
  const exported = async () => {
    const response = await fetch(`http://127.0.0.1:${node.port}/me/export`, {
      headers: { Authorization: `Bearer ${person.access}` },
    })
    return { status: response.status, text: await response.text() }
  }
  let before = 0
  const { answer, undisturbed } = await whileOthersWork(setting, node, others, async () => {
    memory.forget()
    before = memory.peak()
    return exported()
  })
  const grown = memory.peak() - before
  const { activity } = JSON.parse(answer.text) as { activity: readonly { id: string }[] }
  const found = new Set(activity.map(({ id }) => id).filter((id) => id.startsWith('old'))).size
  return [
    finding('the export is 200', answer.status === 200, answer.status),
    finding(`it has all ${rows} rows`, found === rows, `${found} in ${(answer.text.length / 1e6).toFixed(0)} MB`),
    finding(`it takes at most ${exportMiB} MiB of memory`, grown <= exportMiB, `${grown.toFixed(0)} MiB`),
    ...undisturbed,
    await everyoneSignedIn(node, others),
    noDefects(node.said()),
  ]
}

const fakeTime = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1',
].find(existsSync)

export const growthCases: readonly Case[] = [
  ...(['sqlite', 'postgres'] as const).map(
    (name): Case => ({
      name: `growth-sweep-${name}`,
      promise: 'Deleting 200,000 expired rows delays no requests.',
      criteria: '/health/live within a second, every response to 4 people is 200 within two, until no row is left',
      withinSeconds: 240,
      run: async (setting) => sweep(setting, name === 'sqlite' ? `file:${newFile()}` : await setting.newDatabase()),
    }),
  ),
  ...(['sqlite', 'postgres'] as const).flatMap((name): Case[] => {
    const database = async ({ newDatabase }: CaseContext) =>
      name === 'sqlite' ? `file:${newFile()}` : await newDatabase()
    return [
      {
        name: `growth-many-sessions-${name}`,
        promise: 'Signing out everywhere with 20,000 sessions ends all of them and delays nobody else.',
        criteria: `POST /auth/logout-all, repeated after 503: 204, none is open; /health/live within ${loopMs} ms, the others 200`,
        withinSeconds: 150,
        run: async (setting) => manySessionsEnded(setting, await database(setting)),
      },
      {
        name: `growth-long-export-${name}`,
        promise: 'Exporting an account with 100,000 audit rows is complete, delays nobody, and takes little memory.',
        criteria: `every row; at most ${exportMiB} MiB of memory; /health/live within ${loopMs} ms, the others 200`,
        withinSeconds: 120,
        run: async (setting) => longExport(setting, await database(setting)),
      },
    ]
  }),
  {
    name: 'growth-clocks-apart',
    promise: 'Two nodes whose clocks are 30 s apart never treat a second tab’s refresh as theft.',
    criteria:
      '8 devices refresh at one node, use the new pair, and present the previous token to the other one: all 200',
    withinSeconds: 60,
    async run(setting) {
      if (fakeTime === undefined) return { notRun: 'no libfaketime' }
      const database = await setting.newDatabase()
      const { env } = await startStandIn(setting, ['local'])
      const punctual: Node = await startWith(setting, { database, env })
      const fast = await startWith(setting, {
        database,
        env: { ...env, LD_PRELOAD: fakeTime, FAKETIME: '+30s', FAKETIME_DONT_FAKE_MONOTONIC: '1' },
      })
      const all = await people(punctual, 8)
      const used = []
      const secondTabs = []
      for (const person of all) {
        const secondTab = { ...person }
        const first = await refresh(punctual, person)
        used.push(first, await me(punctual, person))
        secondTabs.push(await refresh(fast, secondTab))
      }
      const skew = Math.round((Date.parse((await live(fast)()).headers.get('date') ?? '') - Date.now()) / 1000)
      return [
        finding('the clock of one node is 30 s ahead', Math.abs(skew - 30) <= 2, `${skew} s`),
        onlyStatuses(used, [200]),
        onlyStatuses(secondTabs, [200]),
        await everyoneSignedIn(punctual, all),
        finding(
          'the node with the wrong clock warns',
          /clock/i.test(fast.said()),
          /clock/i.test(fast.said()) ? 'yes' : 'no',
        ),
      ]
    },
  },
]
