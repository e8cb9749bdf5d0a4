import { expect, test } from 'vitest'
import { discord } from '../../src/providers/definitions/discord.ts'
import type { ProviderSettings } from '../../src/providers/provider.ts'
import { nothing, personWith, providerContract } from './contract.ts'
import { enter, value, worldOf } from './fixture.ts'

const cdn = 'https://cdn.discordapp.com/avatars'
const person = personWith((subject) => ({ picture: expect.stringMatching(`^${cdn}/${subject}/[0-9a-f]{32}\\.png$`) }))

providerContract('discord', {
  claims: {
    ada: person({}),
    linus: person({ name: 'Linus Private', email: null, emailVerified: false, picture: null }),
    mallory: person({ name: 'Mallory Example', emailVerified: false }),
  },
  spoilt: nothing,
  withoutSubject: ({ id: _id, ...body }) => body,
})

const at = worldOf('discord')

const id = '80351110224678912'
const hash = '8342729096ea3675442027381ff50dfe'
const read = (json: object) =>
  discord.claims({ id: '', _json: { id, username: 'nelly', ...json } }, {} as ProviderSettings)

test.each<[object, object]>([
  [{}, { name: 'nelly', picture: null }],
  [{ global_name: 'Nelly' }, { name: 'Nelly' }],
  [{ avatar: hash }, { picture: `${cdn}/${id}/${hash}.png` }],
  [{ avatar: `a_${hash}` }, { picture: `${cdn}/${id}/a_${hash}.png` }],
  [{ avatar: '../../../evil' }, { picture: null }],
  [{ avatar: `${hash}.png?x=` }, { picture: null }],
  ...[undefined, false, 'true', 1].map((verified): [object, object] => [
    { email: 'n@example.com', verified },
    { emailVerified: false },
  ]),
  // As a number, the last digits of a snowflake are lost.
  [{ id: Number(id) }, { unreadable: 'no_subject' }],
  [{ bot: true }, { unreadable: 'not_a_person' }],
  [{ system: true }, { unreadable: 'not_a_person' }],
])('Discord’s user %j is read as %j', (json, claims) => expect(read(json)).toMatchObject(claims))

test.each([
  ['login', 'none'],
  ['link', null],
  ['extend', null],
] as const)('Discord is asked to %s with prompt=%s', async (intent, prompt) => {
  const { providers, provider } = at.open()
  const { url } = value(await providers.begin(provider, { redirectUri: 'http://localhost/cb', intent }))
  expect([url.searchParams.get('prompt'), url.searchParams.get('scope')]).toEqual([prompt, 'identify email'])
})

test('a user who does not share the email address can sign in with Discord', async () => {
  at.sandbox.switches.discord.unticked = ['email']
  const { providers, provider } = at.open()
  const { exchanged, claims } = await enter(at.sandbox, providers, provider)
  expect(claims).toMatchObject({ email: null, emailVerified: false, name: 'Ada Example' })
  expect(provider.missingScopes(provider.scopes, exchanged.tokens.scopes ?? [])).toEqual(['email'])
})

test('a refresh token of Discord works once', async () => {
  const { providers, provider } = at.open()
  const { refreshToken } = (await enter(at.sandbox, providers, provider)).exchanged.tokens
  expect(await providers.refresh(provider, String(refreshToken))).toMatchObject({ tag: 'refreshed' })
  expect(await providers.refresh(provider, String(refreshToken))).toMatchObject({ tag: 'needs_reauthorization' })
})
