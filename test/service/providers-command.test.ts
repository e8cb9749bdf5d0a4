/** Providers in a file: `providers apply` and `providers export`, while the service runs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { environmentOf, runCommand } from '../support/command.ts'
import { startService } from '../support/process.ts'
import { startWorld, type World } from '../support/service.ts'

const folder = mkdtempSync(join(tmpdir(), 'vinculum-providers-'))
const file = join(folder, 'providers.json')
let secret: string
const withoutAcme = {
  OIDC_PROVIDERS: '',
  OAUTH_ENABLED_PROVIDERS: 'google,github',
  ACME_NAME: '',
  ACME_ISSUER: '',
  ACME_CLIENT_ID: '',
  ACME_CLIENT_SECRET: '',
  ACME_BREAKER: '',
  PROVIDERS_ALLOW_PRIVATE_ADDRESSES: 'true',
}

let world: World
beforeAll(async () => {
  world = await startWorld({ env: withoutAcme })
  secret = world.sandbox.env.ACME_CLIENT_SECRET ?? ''
  vi.stubEnv('MY_SECRET', secret)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await world?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const settings = () => ({
  ...environmentOf(world),
  ...withoutAcme,
})
async function command(args: readonly string[]) {
  const ended = await runCommand(settings(), args)
  expect(ended.stdout + ended.stderr).not.toContain(secret)
  return ended
}
/** The same as a process of its own, whose environment has these variables as well. */
async function commandProcess(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const service = startService({ ...settings(), ...env }, args)
  let stdout = ''
  service.process.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  const { code, stderr } = await service.ended
  expect(stdout + stderr).not.toContain(secret)
  return { code, stdout, stderr }
}
const apply = async (providers: readonly object[], ...args: string[]) => {
  writeFileSync(file, JSON.stringify({ providers }))
  const { code, stdout } = await command(['providers', 'apply', file, ...args, '--json'])
  return { code, report: JSON.parse(stdout) }
}
const acme = () => ({
  id: 'acme',
  kind: 'oidc',
  settings: {
    CLIENT_ID: world.sandbox.env.ACME_CLIENT_ID,
    CLIENT_SECRET: { env: 'MY_SECRET' },
    ISSUER: `${world.sandbox.url}/oidc`,
    NAME: 'Acme ID',
  },
})
const offered = async (): Promise<readonly string[]> =>
  (JSON.parse((await world.call('GET', '/auth/providers')).text) as { id: string }[]).map(({ id }) => id)

describe('providers apply', () => {
  test('reports every error with its path, and changes nothing', async () => {
    const { code, report } = await apply([
      acme(),
      { id: 'google', kind: 'google', settings: { CLIENT_ID: 'x', CLIENT_SECRET: { env: 'MY_SECRET' } } },
      { id: 'Other', kind: 'oidc', settings: { CLIENT_ID: 'x', ISSUER: 'ftp://x', COLOR: 'red' } },
    ])
    expect({ code, report }).toMatchObject({ code: 1, report: { ok: false, result: 'invalid' } })
    const paths = report.errors.map(({ path }: { path: string }) => path)
    expect(paths).toEqual([
      'providers[1]',
      'providers[2].id',
      'providers[2].settings.COLOR',
      'providers[2].settings.ISSUER',
      'providers[2].settings.CLIENT_SECRET',
    ])
    expect(await offered()).not.toContain('acme')
    const missing = await command(['providers', 'apply', join(folder, 'nothing.json')])
    expect(missing).toMatchObject({ code: 1, stderr: 'The file cannot be read.\nNothing was changed.\n' })
  })

  test('adds a provider, which people sign in with at once, and changes nothing the second time', async () => {
    const planned = await apply([acme()], '--dry-run')
    expect(planned).toMatchObject({
      code: 0,
      report: { result: 'planned', providers: [{ id: 'acme', steps: ['created', 'published', 'enabled'] }] },
    })
    expect(await offered()).not.toContain('acme')

    const { code, stdout: printed } = await commandProcess(['providers', 'apply', file, '--json'], {
      MY_SECRET: secret,
    })
    const applied = { code, report: JSON.parse(printed) }
    expect(applied).toMatchObject({
      code: 0,
      report: { result: 'applied', providers: [{ id: 'acme', steps: ['created', 'published', 'enabled'] }] },
    })
    expect(applied.report.providers[0].changes).toContainEqual({
      setting: 'CLIENT_SECRET',
      before: null,
      after: 'changed',
    })
    await world.vinculum.runJob('reload-providers')
    expect(await offered()).toContain('acme')
    await world.signIn('acme', world.newcomer())

    const again = await apply([acme()])
    expect(again).toMatchObject({ code: 0, report: { result: 'unchanged', providers: [{ steps: [], changes: [] }] } })
    const { stdout } = await command(['providers', 'apply', file])
    expect(stdout).toMatch(/acme: as declared; nothing was changed\.\nNothing was changed\.\n$/)
  })

  test('changes what the file changes, keeps a secret that is left out, and removes other settings', async () => {
    const { NAME: _name, CLIENT_SECRET: _secret, ...settings } = acme().settings
    const changed = await apply([{ ...acme(), enabled: false, settings: { ...settings, EMAIL_TRUST: 'verified' } }])
    expect(changed).toMatchObject({
      code: 0,
      report: { result: 'applied', providers: [{ steps: ['changed', 'published', 'disabled'] }] },
    })
    expect(changed.report.providers[0].changes).toEqual([
      { setting: 'EMAIL_TRUST', before: null, after: 'verified' },
      { setting: 'NAME', before: 'Acme ID', after: null },
    ])
    // A stored secret goes to no other address.
    const moved = await apply([{ ...acme(), settings: { ...settings, TOKEN_URL: `${world.sandbox.url}/elsewhere` } }])
    expect(moved).toMatchObject({ code: 1, report: { result: 'invalid', errors: [{ path: 'providers[0]' }] } })
  })

  test('is recorded in the audit log as done by a command, with secrets only as changed', async () => {
    const boss = await world.signIn('google', world.newcomer())
    await world.vinculum.makeAdministrator(boss.user.id)
    const entries = await world.call('GET', '/audit?event=provider.created', { token: boss.access_token })
    expect(entries.status, entries.text).toBe(200)
    expect(entries.text).not.toContain(secret)
    expect(entries.body).toMatchObject({ items: [{ data: { provider: 'acme', by: null }, ip: null }] })
  })
})

test('providers export prints a file that applies without a change, with a variable in place of each secret', async () => {
  const { code, stdout, stderr } = await commandProcess(['providers', 'export'])
  expect([code, stderr.includes('Error')]).toEqual([0, false])
  const exported = JSON.parse(stdout) as { providers: readonly object[] }
  expect(exported.providers).toMatchObject([
    { id: 'acme', kind: 'oidc', enabled: false, settings: { CLIENT_SECRET: { env: 'ACME_CLIENT_SECRET' } } },
  ])
  writeFileSync(file, stdout)
  const applied = await command(['providers', 'apply', file, '--json'])
  expect(JSON.parse(applied.stdout)).toMatchObject({
    result: 'invalid',
    errors: [{ path: 'providers[0].settings.CLIENT_SECRET', message: expect.stringContaining('ACME_CLIENT_SECRET') }],
  })
})
