import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { newPassword, type Person, signIn } from './password.ts'
import { api, type Json, short, step } from './steps.ts'

/** Runs the operator's command on the demo's database: the first administrator cannot be created over the network. */
async function makeAdministrator(who: string): Promise<string> {
  const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  // Start it next to the database, so that the `.env` of a configured service is not read.
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, program, 'make-admin', who], {
    cwd: resolve('data'),
    env: { ...process.env, LOG_LEVEL: 'error', DATABASE_URL: `file:${resolve('data/demo.db')}` },
  })
  return stdout.trim()
}

/** An account becomes administrator, manages another account, and creates a credential for a back end. */
export async function administerAccounts(person: Person, access: string, run: string): Promise<void> {
  const other = { email: `sam-${run}@example.com`, password: newPassword() }

  await step('An ordinary account cannot use the administration API', async () => {
    const { status, body } = await api('GET', '/users', { token: access })
    assert.deepEqual([status, body.code], [403, 'insufficient_scope'])
    return body
  })
  await step('On the server: npm start -- make-admin', async () => {
    const output = await makeAdministrator(person.email)
    assert.match(output, /is now an administrator/)
    return output
  })
  let found: Json | undefined
  await step('The administrator searches for an account', async () => {
    assert.equal((await api('POST', '/auth/register', { body: other })).status, 201)
    const { status, body } = await api('GET', `/users?search=${encodeURIComponent(other.email)}`, { token: access })
    assert.equal(status, 200, short(body))
    const { items } = body as unknown as { items: Json[] }
    assert.equal(items.length, 1)
    found = items[0]
    return items.map(({ id, email, role, second_factor }) => ({ id, email, role, second_factor }))
  })
  let otherToken = ''
  await step('They disable the account: it is signed out at once, and its password is treated as wrong', async () => {
    otherToken = String((await signIn(other)).body.access_token)
    const { status, body } = await api('POST', `/users/${found?.id}/disable`, { token: access })
    assert.equal(status, 200, short(body))
    const inside = await api('GET', '/me', { token: otherToken })
    assert.deepEqual([inside.status, inside.body.code], [403, 'user_disabled'])
    const refused = await signIn(other)
    assert.deepEqual([refused.status, refused.body.code], [401, 'invalid_credentials'])
    return { disabled_at: body.disabled_at, signed_in: inside.body.code, signing_in: refused.body.code }
  })
  await step('They enable it again', async () => {
    assert.equal((await api('POST', `/users/${found?.id}/enable`, { token: access })).status, 200)
    const { status, body } = await signIn(other)
    assert.equal(status, 200, short(body))
    otherToken = String(body.access_token)
    const auditLog = await api('GET', `/audit?account=${found?.id}`, { token: access })
    return (auditLog.body as unknown as { items: { event: string }[] }).items.map(({ event }) => event)
  })

  let credential: Json | undefined
  const introspect = async (token: string) => {
    const basic = Buffer.from(`${credential?.id}:${credential?.secret}`).toString('base64')
    return api('POST', '/auth/introspect', { form: { token }, headers: { authorization: `Basic ${basic}` } })
  }
  await step('They create a credential for a back end that may only introspect tokens', async () => {
    const { status, body } = await api('POST', '/service-credentials', {
      token: access,
      body: { name: `Tour ${run}`, scopes: ['introspect'] },
    })
    assert.equal(status, 201, short(body))
    credential = body
    return body
  })
  await step('With it the back end checks whether a token is currently valid', async () => {
    const good = await introspect(otherToken)
    assert.deepEqual([good.status, good.body.active, good.body.sub], [200, true, found?.id], short(good.body))
    assert.equal((await api('POST', '/auth/logout', { token: otherToken })).status, 204)
    const over = await introspect(otherToken)
    assert.deepEqual([over.status, over.body], [200, { active: false }])
    return { signed_in: good.body, signed_out: over.body }
  })
  await step('The credential is revoked, and the account deleted', async () => {
    assert.equal((await api('DELETE', `/service-credentials/${credential?.id}`, { token: access })).status, 204)
    const refused = await introspect(otherToken)
    assert.deepEqual([refused.status, refused.body.code], [401, 'invalid_client'])
    assert.equal((await api('DELETE', `/users/${found?.id}`, { token: access })).status, 204)
    assert.equal((await api('GET', `/users/${found?.id}`, { token: access })).status, 404)
    return refused.body
  })
}
