/** Applications in a file: `applications apply` and `applications export`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyApplicationsCommand, exportApplicationsCommand } from '../../src/commands/applications.ts'
import type { CommandContext } from '../../src/commands/command.ts'
import { readInvocation } from '../../src/commands/index.ts'
import { aboveStore, startWorld, type World } from '../support/service.ts'

const folder = mkdtempSync(join(tmpdir(), 'vinculum-applications-'))
const file = join(folder, 'applications.json')
const secretFile = join(folder, 'secret')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.each(aboveStore('SQLite'))('applications in a file, with %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database, kinds: ['google'] })
  })
  afterAll(() => world.stop())

  const context = () => ({ service: async () => world.vinculum }) as unknown as CommandContext
  const apply = (applications: unknown, ...flags: string[]) => {
    writeFileSync(file, typeof applications === 'string' ? applications : JSON.stringify({ applications }))
    return applyApplicationsCommand.run(context(), { positionals: [file], options: {}, flags: new Set(flags) })
  }
  const exported = async () => {
    const { done } = await exportApplicationsCommand.run(context(), { positionals: [], options: {}, flags: new Set() })
    return JSON.parse(done.join('')) as { applications: { id: string }[] }
  }
  const grafana = {
    id: 'grafana',
    kind: 'server',
    name: 'Grafana',
    redirect_uris: ['https://grafana.example.org/login/generic_oauth'],
  }
  const use = async (secret: string) => {
    const answer = await world.call('POST', '/oauth/token', {
      form: { grant_type: 'refresh_token', refresh_token: 'x' },
      headers: { authorization: `Basic ${Buffer.from(`grafana:${secret}`).toString('base64')}` },
    })
    return answer.body.error
  }

  test('are created, changed, disabled and enabled as declared, and a second time nothing changes', async () => {
    const planned = await apply([grafana], 'dry-run')
    expect([planned.ok, planned.done]).toEqual([true, ['grafana: create.', 'This was a dry run: nothing was changed.']])
    expect((await exported()).applications).toEqual([])

    const created = await apply([grafana])
    expect(created.done[0]).toBe('grafana: created.')
    const [, secret = ''] =
      /^The secret of grafana, which is shown only now: ([\w-]{43})$/.exec(created.done[1] ?? '') ?? []
    expect(await use(secret)).toBe('invalid_grant')

    const again = await apply([grafana])
    expect(again.done).toEqual(['grafana: as declared; nothing was changed.', 'Nothing was changed.'])
    const changed = await apply([{ ...grafana, first_party: true, access_token_seconds: 300, enabled: false }])
    expect(changed.data).toMatchObject({
      result: 'applied',
      applications: [
        { id: 'grafana', steps: ['changed', 'disabled'], changes: ['first_party', 'access_token_seconds'] },
      ],
    })
    expect(await use(secret)).toBe('invalid_client')
    // What is no longer declared has its default again.
    const back = await apply([grafana])
    expect(back.data).toMatchObject({ applications: [{ steps: ['changed', 'enabled'] }] })
    expect(await use(secret)).toBe('invalid_grant')
    const facts = (await world.trail()).map(({ event }) => event)
    for (const name of ['created', 'updated', 'disabled', 'enabled']) expect(facts).toContain(`application.${name}`)
  })

  test('get a secret from a file or a variable, and another one with an overlap', async () => {
    const [first, second] = ['a'.repeat(40), 'b'.repeat(40)]
    writeFileSync(secretFile, first, { mode: 0o600 })
    const declared = { ...grafana, secret: { file: secretFile } }
    const rotated = await apply([declared])
    expect(rotated.data).toMatchObject({ applications: [{ steps: ['secret_rotated'] }] })
    expect(JSON.stringify(rotated)).not.toContain(first)
    expect((await apply([declared])).data).toMatchObject({ result: 'unchanged' })
    writeFileSync(secretFile, second, { mode: 0o600 })
    await apply([declared])
    expect([await use(first), await use(second)]).toEqual(['invalid_grant', 'invalid_grant'])
    world.turn(86_401)
    expect([await use(first), await use(second)]).toEqual(['invalid_client', 'invalid_grant'])
    writeFileSync(secretFile, 'short', { mode: 0o600 })
    expect((await apply([declared])).failed?.[0]).toBe('applications[0].secret: must have at least 32 characters')
  })

  test('are exported without secrets, and the file applies without a change', async () => {
    const document = await exported()
    expect(document.applications.map(({ id }) => id)).toContain('grafana')
    expect(JSON.stringify(document)).not.toMatch(/secret"/)
    expect((await apply(document.applications)).data).toMatchObject({ result: 'unchanged' })
  })

  test('with an error change nothing, and no value is shown', async () => {
    const other = { ...grafana, id: 'other' }
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      ['{', /must be valid JSON/],
      ['{"applications": [], "applications": []}', /is given twice/],
      [[{ ...other, colour: 'red' }], /^applications\[0\]\.colour: is unknown/],
      [[other, other], /^applications\[1\]\.id: is given twice/],
      [[{ ...other, id: 'No ID' }], /^applications\[0\]\.id: /],
      [[{ ...other, kind: 'toaster' }], /^applications\[0\]\.kind: must be one of/],
      [[{ ...other, redirect_uris: ['javascript:alert(1)'] }], /redirect_uris\.0: has a scheme that is not accepted/],
      [[{ ...other, secret: { env: 'NOT_SET_ANYWHERE' } }], /NOT_SET_ANYWHERE is not set/],
      [[{ ...other, secret: 'hunter2-hunter2-hunter2-hunter2-hunter2' }], /secret: must be \{"env"/],
      [[{ ...other, kind: 'browser', secret: { file: secretFile } }], /secret: /],
      [[other, { ...grafana, kind: 'browser' }], /^applications\[1\]\.kind: is not accepted/],
    ]
    writeFileSync(secretFile, 'c'.repeat(40), { mode: 0o600 })
    const before = JSON.stringify(await exported())
    for (const [given, says] of wrong) {
      const report = await apply(given)
      expect([report.ok, report.failed?.at(-1)], JSON.stringify(given)).toEqual([false, 'Nothing was changed.'])
      expect(report.failed?.[0]).toMatch(says)
      expect(JSON.stringify(report)).not.toContain('hunter2')
    }
    expect(JSON.stringify(await exported())).toBe(before)
  })
})

test('the commands read their arguments', () => {
  expect(readInvocation(['applications', 'apply', 'a.json', '--dry-run'])).toMatchObject({ positionals: ['a.json'] })
  expect(readInvocation(['applications', 'export'])).toBeDefined()
  expect(readInvocation(['applications', 'apply'])).toBeUndefined()
})
