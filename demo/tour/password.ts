import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { messageTo, ticketOf } from './mailbox.ts'
import { type Answer, api, short, step } from './steps.ts'

export type Person = { readonly email: string; readonly password: string }

/** Signs in like `curl -d username=… -d password=…`, as RFC 6749 §4.3 requires. */
export const signIn = ({ email: username, password }: Person, headers: Record<string, string> = {}): Promise<Answer> =>
  api('POST', '/auth/token', { form: { username, password }, headers })

/** The response body without its request ID. */
const withoutRequestId = ({ status, body: { request_id: _, ...rest } }: Answer): Record<string, unknown> => ({
  status,
  ...rest,
})

export const newPassword = (): string => `${randomBytes(9).toString('base64url')} in the harbour`

/** An account with a password: its email address is verified, and the password is reset. */
export async function usePassword(run: string): Promise<Person> {
  const email = `pat-${run}@example.com`
  const before = { email, password: newPassword() }
  const person = { email, password: newPassword() }
  const details: string[] = []
  let verification = ''
  const registration = { email, password: before.password, name: 'Pat' }

  await step('A common password is rejected', async () => {
    const { status, body } = await api('POST', '/auth/register', {
      body: { ...registration, password: 'password1234' },
    })
    assert.deepEqual([status, body.code, body.reason], [400, 'password_rejected', 'too_common'], short(body))
    return body
  })
  await step('A user signs up with a password', async () => {
    const { status, body } = await api('POST', '/auth/register', { body: registration })
    assert.deepEqual([status, body], [201, { email }])
    return body
  })
  await step(
    'Signing up again with that email address gets the same response: only an email shows the difference',
    async () => {
      await messageTo(email, 'Verify your email address').then((message) => {
        verification = ticketOf(message)
      })
      const { status, body } = await api('POST', '/auth/register', {
        body: { ...registration, password: newPassword() },
      })
      assert.deepEqual([status, body], [201, { email }])
      // The address is not verified yet. Once it is, the subject is “You already have an account”.
      const { subject } = await messageTo(email, 'Your email address was already used')
      return { ...body, message: subject }
    },
  )

  let access = ''
  await step('They sign in, form-encoded', async () => {
    const { status, body } = await signIn(before)
    assert.equal(status, 200, short(body))
    access = String(body.access_token)
    return body
  })
  await step('The link in the email verifies the address, if they are signed in to that account', async () => {
    const anonymous = await api('POST', '/auth/email/verify', { body: { ticket: verification } })
    assert.equal(anonymous.status, 401)
    const { status } = await api('POST', '/auth/email/verify', { body: { ticket: verification }, token: access })
    assert.equal(status, 204)
    const { body } = await api('GET', '/me', { token: access })
    assert.equal(body.email_verified, true)
    return body
  })
  await step('A wrong password and an unknown email address get the same error, in the user’s language', async () => {
    const wrong = { email, password: newPassword() }
    const unknown = { email: `nobody-${run}@example.com`, password: newPassword() }
    for (const language of ['en', 'pt-BR']) {
      const answers = [await signIn(wrong, { 'accept-language': language })]
      answers.push(await signIn(unknown, { 'accept-language': language }))
      const [first, second] = answers.map(withoutRequestId)
      assert.deepEqual(first, second)
      assert.deepEqual([first?.status, first?.code], [401, 'invalid_credentials'])
      details.push(String(first?.detail))
    }
    assert.notEqual(details[0], details[1])
    return details
  })

  await step('They reset the password with an emailed link, and every device is signed out', async () => {
    const response = await api('POST', '/auth/password/forgot', { body: { email } })
    assert.equal(response.status, 202, short(response.body))
    const ticket = ticketOf(await messageTo(email, 'Set a new password'))
    const reset = { ticket, password: person.password }
    assert.equal((await api('POST', '/auth/password/reset', { body: reset })).status, 204)
    assert.equal((await api('GET', '/me', { token: access })).status, 401)
    const again = await api('POST', '/auth/password/reset', { body: reset })
    assert.deepEqual([again.status, again.body.code], [400, 'ticket_invalid'])
    return { link_used_again: again.body.code }
  })
  await step('The old password no longer works, the new one does', async () => {
    const [old, now] = [await signIn(before), await signIn(person)]
    assert.deepEqual([old.status, old.body.code, now.status], [401, 'invalid_credentials', 200])
    return { old: old.body.code, new: now.status }
  })
  await step('Without a password: an emailed code, entered where it was requested', async () => {
    const begun = await api('POST', '/auth/email', { body: { email } })
    assert.equal(begun.status, 202, short(begun.body))
    const message = await messageTo(email, 'Your sign-in code')
    // Skip the email address above the code, which may consist of digits.
    const code =
      /(?<![\w-])\d{4}[ -]?\d{4}(?![\w@])/.exec(message.text)?.[0] ?? assert.fail('there is no code in the message')
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
