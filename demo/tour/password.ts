import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { letterTo, ticketOf } from './mailbox.ts'
import { type Answer, api, short, step } from './steps.ts'

export type Person = { readonly email: string; readonly password: string }

/** As `curl -d username=… -d password=…` does it: no more than RFC 6749 §4.3 asks. */
export const signIn = ({ email: username, password }: Person, headers: Record<string, string> = {}): Promise<Answer> =>
  api('POST', '/auth/token', { form: { username, password }, headers })

/** What an answer says, but for the number of its request. */
const said = ({ status, body: { request_id: _, ...rest } }: Answer): Record<string, unknown> => ({ status, ...rest })

export const newPassword = (): string => `${randomBytes(9).toString('base64url')} in the harbour`

/** An account with a password, its address proven by mail, its password forgotten and replaced. */
export async function withPassword(run: string): Promise<Person> {
  const email = `pat-${run}@example.com`
  const before = { email, password: newPassword() }
  const person = { email, password: newPassword() }
  const details: string[] = []
  let verification = ''
  const registration = { email, password: before.password, name: 'Pat' }

  await step('A password everybody chooses is not taken', async () => {
    const { status, body } = await api('POST', '/auth/register', {
      body: { ...registration, password: 'password1234' },
    })
    assert.deepEqual([status, body.code, body.reason], [400, 'password_rejected', 'too_common'], short(body))
    return body
  })
  await step('Somebody registers with a password', async () => {
    const { status, body } = await api('POST', '/auth/register', { body: registration })
    assert.deepEqual([status, body], [201, { email }])
    return body
  })
  await step('Registering the address again is answered the same: only whoever reads its mail learns', async () => {
    await letterTo(email, 'Verify your email address').then((letter) => {
      verification = ticketOf(letter)
    })
    const { status, body } = await api('POST', '/auth/register', { body: { ...registration, password: newPassword() } })
    assert.deepEqual([status, body], [201, { email }])
    // It was not proven yet. Once it is, the letter is “You already have an account”.
    const { subject } = await letterTo(email, 'Your email address was already used')
    return { ...body, letter: subject }
  })

  let access = ''
  await step('They sign in, form-encoded', async () => {
    const { status, body } = await signIn(before)
    assert.equal(status, 200, short(body))
    access = String(body.access_token)
    return body
  })
  await step('The link in their mailbox verifies the address, for whoever is signed in to that account', async () => {
    const stranger = await api('POST', '/auth/email/verify', { body: { ticket: verification } })
    assert.equal(stranger.status, 401)
    const { status } = await api('POST', '/auth/email/verify', { body: { ticket: verification }, token: access })
    assert.equal(status, 204)
    const { body } = await api('GET', '/me', { token: access })
    assert.equal(body.email_verified, true)
    return body
  })
  await step('A wrong password and an address nobody has are one answer, in the reader’s language', async () => {
    const wrong = { email, password: newPassword() }
    const unknown = { email: `nobody-${run}@example.com`, password: newPassword() }
    for (const language of ['en', 'pt-BR']) {
      const answers = [await signIn(wrong, { 'accept-language': language })]
      answers.push(await signIn(unknown, { 'accept-language': language }))
      const [first, second] = answers.map(said)
      assert.deepEqual(first, second)
      assert.deepEqual([first?.status, first?.code], [401, 'invalid_credentials'])
      details.push(String(first?.detail))
    }
    assert.notEqual(details[0], details[1])
    return details
  })

  await step('Forgotten: a link by mail chooses a new password, and every device is signed out', async () => {
    const asked = await api('POST', '/auth/password/forgot', { body: { email } })
    assert.equal(asked.status, 202, short(asked.body))
    const ticket = ticketOf(await letterTo(email, 'Set a new password'))
    const reset = { ticket, password: person.password }
    assert.equal((await api('POST', '/auth/password/reset', { body: reset })).status, 204)
    assert.equal((await api('GET', '/me', { token: access })).status, 401)
    const again = await api('POST', '/auth/password/reset', { body: reset })
    assert.deepEqual([again.status, again.body.code], [400, 'ticket_invalid'])
    return { link_used_again: again.body.code }
  })
  await step('The old password is worth nothing, the new one is', async () => {
    const [old, now] = [await signIn(before), await signIn(person)]
    assert.deepEqual([old.status, old.body.code, now.status], [401, 'invalid_credentials', 200])
    return { old: old.body.code, new: now.status }
  })
  await step('Without a password: a code by mail, typed where it was asked for', async () => {
    const begun = await api('POST', '/auth/email', { body: { email } })
    assert.equal(begun.status, 202, short(begun.body))
    const letter = await letterTo(email, 'Your sign-in code')
    // Nothing of the address above it, which may be digits alone.
    const code =
      /(?<![\w-])\d{4}[ -]?\d{4}(?![\w@])/.exec(letter.text)?.[0] ?? assert.fail('there is no code in the letter')
    const { status, body } = await api('POST', '/auth/email/finish', {
      body: { flow_token: begun.body.flow_token, code },
    })
    assert.equal(status, 200, short(body))
    const me = await api('GET', '/me', { token: String(body.access_token) })
    assert.equal(me.body.email, email)
    return body
  })
  return person
}
