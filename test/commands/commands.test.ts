import { expect, test } from 'vitest'
import type { CommandContext } from '../../src/commands/command.ts'
import { reportOf } from '../../src/commands/copy-to.ts'
import { endSessionsCommand, momentOf } from '../../src/commands/end-sessions.ts'
import { commands, formatReport, readInvocation, usage } from '../../src/commands/index.ts'

test.each([
  { args: ['rotate-keys'], read: { json: false, positionals: [], options: {} } },
  { args: ['rotate-keys', '--json'], read: { json: true, positionals: [] } },
  { args: ['make-admin', 'a@example.com'], read: { positionals: ['a@example.com'] } },
  { args: ['--json', 'make-admin', 'a@example.com'], read: undefined },
  { args: ['end-sessions'], read: { options: {} } },
  { args: ['end-sessions', '--before', '2026-01-01T00:00:00Z'], read: { options: { before: '2026-01-01T00:00:00Z' } } },
  { args: ['end-sessions', '--before'], read: undefined },
  { args: ['end-sessions', '2026-01-01T00:00:00Z'], read: undefined },
  { args: ['end-sessions', '--befor', 'x'], read: undefined },
  { args: ['make-admin'], read: undefined },
  { args: ['make-admin', 'a', 'b'], read: undefined },
  { args: ['copy-to'], read: undefined },
  { args: ['toString'], read: undefined },
  { args: ['unknown'], read: undefined },
  { args: ['providers', 'apply', 'a.json'], read: { positionals: ['a.json'], json: false, flags: new Set() } },
  { args: ['providers', 'apply', 'a.json', '--dry-run', '--json'], read: { json: true, flags: new Set(['dry-run']) } },
  { args: ['providers', 'apply', '--dry-run=x', 'a.json'], read: undefined },
  { args: ['providers', 'apply'], read: undefined },
  { args: ['providers', 'export'], read: { positionals: [] } },
  { args: ['providers'], read: undefined },
  { args: ['providers', 'remove'], read: undefined },
  { args: ['rotate-keys', '--dry-run'], read: undefined },
])('the arguments $args are parsed completely or rejected', ({ args, read }) => {
  const invocation = readInvocation(args)
  if (read === undefined) expect(invocation).toBeUndefined()
  else expect(invocation).toMatchObject(read)
})

test('the usage text names every command with its arguments and options', () => {
  for (const code of ['0 on success', '1 on failure']) expect(usage()).toContain(code)
  for (const [name, { positionals, options, flags = [], summary }] of Object.entries(commands)) {
    const line = usage()
      .split('\n')
      .find((one) => one.includes(`npm start -- ${name} `))
    for (const part of [...positionals, ...Object.keys(options), ...flags, summary]) expect(line).toContain(part)
  }
})

test.each([
  { text: undefined, read: '2026-06-01T12:00:00.000Z' },
  { text: '2026-05-31T18:00:00Z', read: '2026-05-31T18:00:00.000Z' },
  { text: '2026-05-31T15:00-03:00', read: '2026-05-31T18:00:00.000Z' },
  { text: '2026-06-01T12:00:01Z', read: 'future' },
  { text: '2026-05-31', read: 'not a time' },
  { text: '2026-05-31T18:00:00', read: 'not a time' },
  { text: '2026-13-31T18:00:00Z', read: 'not a time' },
  { text: 'yesterday', read: 'not a time' },
  { text: '', read: 'not a time' },
])('--before $text is a past moment with a time zone, or rejected', ({ text, read }) => {
  const moment = momentOf(text, new Date('2026-06-01T12:00:00Z'))
  if (moment instanceof Date) expect(moment.toISOString()).toBe(read)
  else expect(moment).toContain(read)
})

test('end-sessions uses the clock of the service, not that of the machine', async () => {
  const shared = new Date('2026-06-01T12:00:30Z')
  const asked: Date[] = []
  const none = { sessions: 0, trustedDevices: 0, pendingSignIns: 0, codes: 0, tickets: 0 }
  const service = {
    now: () => shared,
    endSessions: async (before: Date) => {
      asked.push(before)
      return none
    },
  }
  const context = {
    service: async () => service,
    now: () => new Date('2026-06-01T12:00:00Z'),
    progress: () => {},
  } as unknown as CommandContext
  const run = (options: Readonly<Record<string, string>>) =>
    endSessionsCommand.run(context, { positionals: [], options, flags: new Set() })
  expect(await run({})).toMatchObject({ ok: true, data: { before: shared.toISOString() } })
  expect(await run({ before: '2026-06-01T12:00:20Z' })).toMatchObject({ ok: true })
  expect(await run({ before: '2026-06-01T12:00:31Z' })).toMatchObject({
    ok: false,
    data: { result: 'invalid_time' },
  })
  expect(asked).toEqual([shared, new Date('2026-06-01T12:00:20Z')])
})

test.each([
  { tag: 'not_empty', table: 'accounts' } as const,
  { tag: 'foreign_table', table: 'orders' } as const,
  { tag: 'source_changed' } as const,
  { tag: 'different', table: 'accounts' } as const,
])('a copy that ends as $tag is a failure with a remedy', (copied) => {
  const report = reportOf(copied, { encryptionKeys: null })
  expect(report).toMatchObject({ ok: false, done: [], data: { result: copied.tag } })
  expect(report.failed?.join()).toContain('create an empty database, and run copy-to with it')
})

test('a successful copy is shown as a table of rows and checksums', () => {
  const tables = [
    { table: 'accounts', rows: 2, checksum: 'aa' },
    { table: 'jobs', rows: 12, checksum: 'bb' },
  ]
  const report = reportOf({ tag: 'copied', tables }, { encryptionKeys: null })
  expect(report.done.join('\n')).toMatch(/accounts +2 {2}aa\njobs +12 {2}bb\n14 rows in 2 tables/)
  expect(JSON.parse(formatReport(report, true).stdout)).toEqual({ ok: true, result: 'copied', tables })
  expect(formatReport(report, true).stderr).toBe('')
})
