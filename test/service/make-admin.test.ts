import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readInvocation } from '../../src/commands/index.ts'
import { environmentOf, runCommand } from '../support/command.ts'
import { startService } from '../support/process.ts'
import { databases, startWorld, type World } from '../support/service.ts'

describe.each(databases)('npm start -- make-admin, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterAll(() => world.stop())

  async function command(...given: string[]): Promise<{ code: number; said: string }> {
    const { code, stdout, stderr } = await runCommand(environmentOf(world), ['make-admin', ...given])
    return { code, said: (stdout + stderr).trim() }
  }
  async function commandProcess(...given: string[]): Promise<{ code: number | null; said: string }> {
    const service = startService(environmentOf(world), ['make-admin', ...given])
    let stdout = ''
    service.process.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    const { code, stderr } = await service.ended
    const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('{'))
    return { code, said: [...lines, stderr.trim()].join('\n').trim() }
  }

  test('prints the result and takes effect at once in the running service', async () => {
    const who = world.newcomer()
    const email = world.emailOf(who)
    expect(await command(email)).toEqual({
      code: 1,
      said: expect.stringContaining(`no account with the email address or ID`),
    })
    const { access_token: token } = await world.signIn('google', who)
    expect((await world.call('GET', '/users', { token })).status).toBe(403)
    expect(await commandProcess(email)).toEqual({
      code: 0,
      said: `${email} is now an administrator, in all current sessions.`,
    })
    expect((await world.call('GET', '/users', { token })).status).toBe(200)
    expect(await command(email)).toEqual({ code: 0, said: expect.stringContaining('already') })
    const [row] = (await world.trail()).filter(({ event }) => event === 'account.role_changed')
    expect(JSON.stringify(row?.data)).toMatch(/by\W+null/)
  })
})

test('make-admin requires exactly one account', () => {
  for (const given of [[], ['a@example.com', 'b@example.com']])
    expect(readInvocation(['make-admin', ...given])).toBeUndefined()
})
