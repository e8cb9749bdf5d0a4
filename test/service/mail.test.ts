import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Received } from '../../src/mail/transport.ts'
import { passwordFits, registered } from '../support/registered.ts'
import { type Answer, databases, type Json, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

/** The ticket of a letter's link to a page of ours. */
const ticketIn = (letter: Received | undefined, path: string): string => {
  const [, ticket = ''] = new RegExp(`${path}\\?ticket=([\\w-]+)`).exec(letter?.text ?? '') ?? []
  if (ticket === '') throw new Error(`there is no link to ${path} in ${letter?.text}`)
  return ticket
}
const codeIn = (letter: Received | undefined): string => /^ {4}(\d{8})$/m.exec(letter?.text ?? '')?.[1] ?? ''
const newAddress = (): string => `m${randomBytes(5).toString('hex')}@example.com`

describe.each(databases)('by mail, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  const post = (path: string, body: object, token?: string): Promise<Answer> =>
    world.call('POST', path, { body, token })
  const lives = async (token: string): Promise<boolean> => (await world.call('GET', '/me', { token })).status === 200
  const me = async (token: string): Promise<Json> => (await world.call('GET', '/me', { token })).body
  const begin = async (email: string): Promise<string> => {
    const begun = await post('/auth/email', { email })
    expect(refusalOf(begun)).toEqual([202, undefined])
    return String(begun.body.flow_token)
  }
  const newest = async (address: string): Promise<Received | undefined> => (await world.mailTo(address))[0]
  const subjects = async (address: string): Promise<string[]> =>
    (await world.mailTo(address)).map(({ subject }) => subject)

  describe('a sign-in', () => {
    test('takes the code where it was asked for, once', async () => {
      const email = newAddress()
      const { id } = await registered(world, email, { verified: true })
      const flow_token = await begin(email)
      const code = codeIn(await newest(email))
      const entered = await post('/auth/email/finish', { flow_token, code: `${code.slice(0, 4)} ${code.slice(4)}` })
      expect(refusalOf(entered)).toEqual([200, undefined])
      expect((await me(String(entered.body.access_token))).id).toBe(id)
      expect(refusalOf(await post('/auth/email/finish', { flow_token, code }))).toEqual([400, 'ticket_invalid'])
      const letter = await newest(email)
      expect(refusalOf(await post('/auth/email/finish', { ticket: ticketIn(letter, '/login/email/link') }))).toEqual([
        400,
        'ticket_invalid',
      ])
    })
  })
})
