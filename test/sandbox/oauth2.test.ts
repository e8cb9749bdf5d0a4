import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { CLIENTS } from '../../sandbox/providers/index.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { walker } from './walk.ts'

let sandbox: Sandbox
let walk: ReturnType<typeof walker>
beforeAll(async () => {
  sandbox = await startSandbox({ as: 'ada' })
  walk = walker(sandbox, 'oauth2')
})
beforeEach(() => sandbox.reset())
afterAll(() => sandbox.close())

const { id: client_id, secret: client_secret } = CLIENTS.oauth2
const revoke = (token: unknown, credentials = { client_id, client_secret }) =>
  fetch(`${sandbox.url}/oauth2/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ token: String(token), ...credentials }),
  })

it('nests the user inside its response', async () => {
  const { body } = await walk.profile((await walk.signIn()).access_token)
  expect(body).toEqual({
    data: { user: { uid: 7, contact: { mail: 'ada@example.com', confirmed: true }, label: 'Ada Example' } },
  })
  const mallory = await walk.profile((await walk.signIn({ login_hint: 'mallory' })).access_token)
  expect(JSON.stringify(mallory.body)).toContain('"contact":{"mail":"ada@example.com","confirmed":false}')
})

it('keeps its refresh token, rotates it, or has none, as configured', async () => {
  const still = await walk.signIn()
  expect((await walk.renew(still.refresh_token)).body.refresh_token).toBeUndefined()
  expect((await walk.renew(still.refresh_token)).status).toBe(200)
  sandbox.switches.oauth2.refresh = 'rotate'
  expect((await walk.renew(still.refresh_token)).body.refresh_token).toBeDefined()
  expect(await walk.renew(still.refresh_token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  sandbox.switches.oauth2.refresh = 'none'
  expect((await walk.signIn()).refresh_token).toBeUndefined()
})

it('revokes only the client’s own tokens, and accepts unknown ones', async () => {
  const { access_token, refresh_token } = await walk.signIn()
  expect((await revoke(refresh_token, { client_id, client_secret: 'x' })).status).toBe(401)
  expect((await walk.profile(access_token)).status).toBe(200)
  expect((await revoke(refresh_token)).status).toBe(200)
  expect((await walk.profile(access_token)).status).toBe(401)
  expect((await revoke('unknown')).status).toBe(200)
})

it('omits removed claims of a user', async () => {
  const nemo = { key: 'nemo', name: 'Nemo', email: 'nemo@example.com', verified: true }
  sandbox.addIdentity(nemo, { oauth2: { mail: undefined }, google: null })
  const { body } = await walk.profile((await walk.signIn({ login_hint: 'nemo' })).access_token)
  expect(JSON.stringify(body)).not.toContain('mail')
  const google = await walker(sandbox, 'google').authorize({ login_hint: 'nemo' })
  expect(google.status).not.toBe(500)
  expect(google.location?.searchParams.get('code')).toBeFalsy()
})
