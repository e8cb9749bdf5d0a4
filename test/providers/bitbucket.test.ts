import { expect, test } from 'vitest'
import { bitbucket } from '../../src/providers/definitions/bitbucket.ts'
import type { Profile, ProviderSettings } from '../../src/providers/provider.ts'
import { personWith, providerContract } from './contract.ts'
import { enter, value, visit, worldOf } from './fixture.ts'

const person = personWith(() => ({ picture: expect.stringContaining('https://secure.gravatar.com/avatar/') }))

providerContract('bitbucket', {
  claims: {
    ada: person({ subject: expect.stringMatching(/^\{[0-9a-f-]{36}\}$/) }),
    linus: person({ name: 'Linus Private', email: null, emailVerified: false }),
    mallory: person({ name: 'Mallory Example', email: null, emailVerified: false }),
  },
  // A user who is not marked as active is inactive.
  spoilt: 'nobody',
  withoutSubject: ({ uuid: _uuid, ...body }) => body,
  revokes: false,
})

const at = worldOf('bitbucket')

const uuid = '{c788b2da-b7a2-404c-9e26-d3f077557007}'
const read = (json: object, emails?: Profile['emails']) =>
  bitbucket.claims(
    { id: '', _json: { uuid, type: 'user', ...json }, ...(emails && { emails }) },
    {} as ProviderSettings,
  )
const address = (value: string, verified: boolean, primary = false) => ({ value, verified, primary })

test.each([
  [
    { display_name: 'Tyler', nickname: 'evzijst' },
    { subject: uuid, name: 'Tyler' },
  ],
  [{ nickname: 'evzijst' }, { name: 'evzijst' }],
  [{ links: { avatar: { href: 'javascript:alert(1)' } } }, { picture: null }],
  [{ links: null }, { picture: null }],
  [{ type: 'team' }, { unreadable: 'not_a_person' }],
  [{ type: 'app_user' }, { unreadable: 'not_a_person' }],
  [{ account_status: 'closed' }, { unreadable: 'account_not_active' }],
  [{ uuid: 7 }, { unreadable: 'no_subject' }],
  // The account ID of Atlassian is another namespace.
  [{ uuid: undefined, account_id: '557058:c0b72ad0' }, { unreadable: 'no_subject' }],
])('Bitbucket’s user %j is read as %j', (json, claims) => expect(read(json)).toMatchObject(claims))

test('only confirmed email addresses of Bitbucket count, and an account may have none', () => {
  expect(read({}, [address('a@b.example', false, true)])).toMatchObject({ email: null, emailVerified: false })
  expect(read({}, [address('a@b.example', true), address('c@d.example', false)])).toMatchObject({
    email: null,
    otherEmails: ['a@b.example'],
  })
  expect(read({}, [address('a@b.example', true, true), address('c@d.example', true)])).toMatchObject({
    email: 'a@b.example',
    emailVerified: true,
    otherEmails: ['c@d.example'],
  })
})

test('the primary email address is found behind the first page', async () => {
  const { providers, provider } = at.open()
  const { claims } = await enter(at.sandbox, providers, provider, 'zoe')
  expect(claims.email).toBe('zoe@example.net')
  const [call] = at.sandbox.journal.calls('bitbucket', 'emails')
  expect(call?.query).toEqual({ pagelen: '100', page: '1' })
})

test('pages of email addresses are read one after the other, and no more than five', async () => {
  const { providers, provider } = at.open()
  const pages = (body: Record<string, unknown>) => ({ ...body, next: 'https://evil.example/?page=2' })
  at.sandbox.fault({ provider: 'bitbucket', endpoint: 'emails' }, { kind: 'mutate', change: pages })
  await enter(at.sandbox, providers, provider)
  const calls = at.sandbox.journal.calls('bitbucket', 'emails')
  expect(calls.map(({ query }) => query.page)).toEqual(['1', '2', '3', '4', '5'])
})

test.each<unknown>([{ values: 7 }, {}, []])('a list of email addresses like %j is no list', async (body) => {
  const { providers, provider } = at.open()
  const { callback, flow } = await visit(providers, provider)
  const exchanged = value(await providers.exchange(provider, callback, flow))
  at.sandbox.fault({ provider: 'bitbucket', endpoint: 'emails' }, { kind: 'json', body })
  expect(await providers.identify(provider, exchanged)).toMatchObject({ error: { code: 'user_info_fetch_failed' } })
})

test('a user signs in with Bitbucket when the OAuth consumer may not read email addresses', async () => {
  const { providers, provider } = at.open()
  const body = { type: 'error', error: { message: 'Your credentials lack one or more required privilege scopes.' } }
  at.sandbox.fault({ provider: 'bitbucket', endpoint: 'emails' }, { kind: 'status', status: 403, body })
  const { claims } = await enter(at.sandbox, providers, provider)
  expect(claims).toMatchObject({ email: null, name: 'Ada Example' })
})

test('granted scopes are read from `scopes`, and `account` includes `email`', async () => {
  at.sandbox.switches.bitbucket.unticked = ['email']
  const { providers, provider } = at.open()
  const { tokens } = (await enter(at.sandbox, providers, provider)).exchanged
  expect(tokens.scopes).toEqual(['account'])
  expect(provider.missingScopes(provider.scopes, ['account'])).toEqual([])
  expect(provider.missingScopes(provider.scopes, ['repository'])).toEqual(['account', 'email'])
})

test('a refresh token of Bitbucket keeps working, and an invalid one needs a new consent', async () => {
  const { providers, provider } = at.open()
  const { tokens } = (await enter(at.sandbox, providers, provider)).exchanged
  expect((Number(tokens.expiresAt) - at.clock().getTime()) / 1000).toBeCloseTo(7200, -2)
  for (let n = 1; n <= 2; n += 1)
    expect(await providers.refresh(provider, String(tokens.refreshToken))).toMatchObject({
      tag: 'refreshed',
      tokens: { refreshToken: tokens.refreshToken },
    })
  expect(await providers.refresh(provider, 'invalid')).toEqual({
    tag: 'needs_reauthorization',
    reason: 'invalid_request',
  })
})

test('a wrong client secret is a configuration error', async () => {
  const { providers, provider } = at.open({ clientSecret: 'wrong' })
  const refreshed = await providers.refresh(provider, 'any')
  expect(refreshed).toEqual({ tag: 'client_config', reason: 'unauthorized_client' })
})
