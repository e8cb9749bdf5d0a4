import assert from 'node:assert/strict'
import { TOTP, URI } from 'otpauth'
import { newPassword, type Person, signIn } from './password.ts'
import { type Answer, api, type Json, short, step } from './steps.ts'

/** The current code of an authenticator app, or the one in that many seconds. Each code works once. */
function codeOf(uri: string, later = 0): string {
  const app = URI.parse(uri)
  assert.ok(app instanceof TOTP)
  return app.generate({ timestamp: Date.now() + later * 1000 })
}

/** The first step of a sign-in. Returns the ticket for the second. */
async function firstHalf(person: Person): Promise<Answer & { ticket: string }> {
  const challenge = await signIn(person)
  assert.deepEqual([challenge.status, challenge.body.code], [401, 'second_factor_required'], short(challenge.body))
  return { ...challenge, ticket: String(challenge.body.second_factor_ticket) }
}
const secondHalf = (ticket: string, proof: object): Promise<Answer> =>
  api('POST', '/auth/second-factor', { body: { second_factor_ticket: ticket, ...proof } })

/** An authenticator app, recovery codes, device names, data export, and throttling. */
export async function useSecondFactor(person: Person): Promise<string> {
  let access = String((await signIn(person)).body.access_token)
  let uri = ''
  let codes: readonly string[] = []
  await step('They set up an authenticator app, which is active after its first code', async () => {
    const begun = await api('POST', '/me/second-factor/totp', { token: access })
    assert.equal(begun.status, 200, short(begun.body))
    uri = String(begun.body.uri)
    const { status, body } = await api('POST', '/me/second-factor/totp/confirm', {
      token: access,
      body: { code: codeOf(uri) },
    })
    assert.equal(status, 200, short(body))
    codes = body.recovery_codes as unknown as string[]
    assert.equal(codes.length, 10)
    return body
  })
  await step('From now on the password alone returns a second-factor challenge with a ticket', async () => {
    const { status, body } = await firstHalf(person)
    return { status, code: body.code, expires_in: body.expires_in, second_factor_ticket: body.second_factor_ticket }
  })
  await step('With a code from the app they are signed in', async () => {
    const { ticket } = await firstHalf(person)
    // The previous code was used for the setup. The next one is accepted up to half a minute early.
    const { status, body } = await secondHalf(ticket, { totp: codeOf(uri, 30) })
    assert.equal(status, 200, short(body))
    access = String(body.access_token)
    return body
  })
  await step('Without their phone they sign in with a recovery code, which works once', async () => {
    const recovery = { recovery_code: codes[0] ?? '' }
    const first = await secondHalf((await firstHalf(person)).ticket, recovery)
    const again = await secondHalf((await firstHalf(person)).ticket, recovery)
    assert.deepEqual([first.status, again.status, again.body.code], [200, 401, 'second_factor_invalid'])
    const { body } = await api('GET', '/me/second-factor', { token: access })
    assert.deepEqual([body.totp, body.recovery_codes_left], [true, 9])
    return body
  })

  await step('They rename a device', async () => {
    const sessions = async () =>
      (await api('GET', '/me/sessions', { token: access })).body as unknown as (Json & { id: string })[]
    const here = (await sessions()).find(({ current }) => current)
    assert.ok(here)
    const { status } = await api('PATCH', `/me/sessions/${here.id}`, { token: access, body: { name: 'Kitchen' } })
    assert.equal(status, 200)
    const named = await sessions()
    assert.equal(named.find(({ current }) => current)?.name, 'Kitchen')
    return named.map(({ name, amr, current }) => ({ name, amr, current }))
  })
  await step('They export all data that is stored about them', async () => {
    const { status, body } = await api('GET', '/me/export', { token: access })
    assert.equal(status, 200, short(body))
    const tables = Object.entries(body as Record<string, unknown>).filter(([, rows]) => Array.isArray(rows))
    return Object.fromEntries(tables.map(([table, rows]) => [table, `${(rows as object[]).length} rows`]))
  })
  await step('Wrong guesses must wait, longer each time', async () => {
    // Use a separate email address, so that nobody else is throttled. It has no account, and is protected all the same.
    const guessed = `guessed-${person.email}`
    for (let guess = 1; guess <= 12; guess++) {
      const { status, body, headers } = await signIn({ email: guessed, password: newPassword() })
      if (status !== 429) assert.deepEqual([status, body.code], [401, 'invalid_credentials'], short(body))
      else {
        assert.equal(body.code, 'too_many_attempts')
        assert.ok(Number(headers.get('retry-after')) >= 1)
        return { guesses_looked_at: guess - 1, code: body.code, retry_after: headers.get('retry-after') }
      }
    }
    return assert.fail('twelve wrong guesses were not throttled')
  })
  return access
}
