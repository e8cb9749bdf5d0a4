import assert from 'node:assert/strict'
import { TOTP, URI } from 'otpauth'
import { newPassword, type Person, signIn } from './password.ts'
import { type Answer, api, type Json, short, step } from './steps.ts'

/** What an authenticator app shows at this moment, or will in as many seconds. Each code is good once. */
function codeOf(uri: string, later = 0): string {
  const app = URI.parse(uri)
  assert.ok(app instanceof TOTP)
  return app.generate({ timestamp: Date.now() + later * 1000 })
}

/** The first half of a sign-in, and the ticket that remembers it. */
async function firstHalf(person: Person): Promise<Answer & { ticket: string }> {
  const asked = await signIn(person)
  assert.deepEqual([asked.status, asked.body.code], [401, 'second_factor_required'], short(asked.body))
  return { ...asked, ticket: String(asked.body.second_factor_ticket) }
}
const secondHalf = (ticket: string, proof: object): Promise<Answer> =>
  api('POST', '/auth/second-factor', { body: { second_factor_ticket: ticket, ...proof } })

/** An authenticator app, recovery codes, devices by name, everything that is stored, and what guessing comes to. */
export async function withSecondFactor(person: Person): Promise<string> {
  let access = String((await signIn(person)).body.access_token)
  let uri = ''
  let codes: readonly string[] = []
  await step('They switch on an authenticator app; it counts once it has shown a code', async () => {
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
  await step('From now on a password alone brings a question, and a ticket to answer it with', async () => {
    const { status, body } = await firstHalf(person)
    return { status, code: body.code, expires_in: body.expires_in, second_factor_ticket: body.second_factor_ticket }
  })
  await step('With a code of the app they are in', async () => {
    const { ticket } = await firstHalf(person)
    // The code of a moment ago was used up by switching it on: the next one is taken up to half a minute early.
    const { status, body } = await secondHalf(ticket, { totp: codeOf(uri, 30) })
    assert.equal(status, 200, short(body))
    access = String(body.access_token)
    return body
  })
  await step('Without their telephone a recovery code opens the account, once', async () => {
    const recovery = { recovery_code: codes[0] ?? '' }
    const first = await secondHalf((await firstHalf(person)).ticket, recovery)
    const again = await secondHalf((await firstHalf(person)).ticket, recovery)
    assert.deepEqual([first.status, again.status, again.body.code], [200, 401, 'second_factor_invalid'])
    const { body } = await api('GET', '/me/second-factor', { token: access })
    assert.deepEqual([body.totp, body.recovery_codes_left], [true, 9])
    return body
  })

  await step('They call a device by a name of their own', async () => {
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
  await step('They take everything that is stored about them along', async () => {
    const { status, body } = await api('GET', '/me/export', { token: access })
    assert.equal(status, 200, short(body))
    const tables = Object.entries(body as Record<string, unknown>).filter(([, rows]) => Array.isArray(rows))
    return Object.fromEntries(tables.map(([table, rows]) => [table, `${(rows as object[]).length} rows`]))
  })
  await step('Whoever guesses is told to wait, for longer each time', async () => {
    // An address of its own: nobody else is held off by it. Nobody has it, and it is guarded all the same.
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
    return assert.fail('twelve wrong guesses, and nobody was held off')
  })
  return access
}
