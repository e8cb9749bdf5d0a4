import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startWorld, type World } from '../support/service.ts'

/** The functions of the module, as an embedding program calls them. */

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.stop())
afterEach(() => world.calm())

const verbs = () => world.vinculum.oauth
const from = { ip: '203.0.113.7', userAgent: 'an app' }

/** Begins, signs in at the provider as this user and returns what the redirect URI received. */
async function returned(
  provider: string,
  who: string,
  data: Parameters<World['vinculum']['oauth']['authorizeUrl']>[2] = {},
) {
  const begun = await verbs().authorizeUrl(provider, 'default', data)
  if (!begun.ok) throw new Error(begun.error.code)
  const back = (await world.approve(begun.value.authorizeUrl.href, who)).searchParams
  const iss = back.get('iss')
  return {
    code: back.get('code') ?? '',
    state: back.get('state') ?? '',
    flowToken: begun.value.flowToken,
    ...(iss === null ? {} : { iss }),
  }
}

async function signedIn(who: string) {
  const outcome = await verbs().authenticateWithCode('google', await returned('google', who), from)
  if (!outcome.ok) throw new Error(outcome.error.code)
  const { tokens, user } = outcome.value
  const sessionId = String(JSON.parse(Buffer.from(tokens.access_token.split('.')[1] ?? '', 'base64url').toString()).sid)
  return { ...outcome.value, who: { accountId: user.id, sessionId } }
}

test('a code yields an account, a token pair and the provider’s profile', async () => {
  const who = world.newcomer()
  const { user, tokens, providerInfo, action } = await signedIn(who)
  expect(action).toBe('created_new_user')
  expect(providerInfo).toMatchObject({ provider: 'google', providerEmail: world.emailOf(who) })
  const me = await world.call('GET', '/me', { headers: { authorization: `Bearer ${tokens.access_token}` } })
  expect(me.body.id).toBe(user.id)
  const [session] = await world
    .dump('sessions')
    .then(({ sessions = [] }) => sessions.filter((row) => row.account_id === user.id))
  expect(session).toMatchObject({ ip: from.ip, user_agent: from.userAgent })
})

test('an identity is linked, listed, read and unlinked; the last one cannot be unlinked', async () => {
  const person = world.newcomer()
  const { who, user } = await signedIn(person)
  // The list is sorted by age: the second identity is a moment younger.
  world.turn(1)
  const linked = await verbs().linkAccount(who, 'github', await returned('github', person, { who }), from)
  if (!linked.ok) throw new Error(linked.error.code)
  expect((await verbs().listLinkedAccounts(user.id)).map(({ provider }) => provider)).toEqual(['google', 'github'])
  expect(await verbs().getUserInfoFromProvider(user.id, linked.value.id)).toMatchObject({
    ok: true,
    value: { stale: false },
  })
  expect(await verbs().unlinkAccount(who, linked.value.id)).toMatchObject({ ok: true })
  expect(await verbs().unlinkAccount(who, linked.value.id)).toMatchObject({ error: { code: 'not_linked' } })
  const [last] = await verbs().listLinkedAccounts(user.id)
  expect(await verbs().unlinkAccount(who, last?.id ?? '')).toMatchObject({ error: { code: 'last_login_method' } })
})

test('a sign-in callback is refused for a link and the reverse, without a request to the provider', async () => {
  const person = world.newcomer()
  const { who } = await signedIn(person)
  const before = await world.dump()
  const calls = world.sandbox.journal.calls('github', 'token').length
  const [login, link] = [await returned('github', person), await returned('github', person, { who })]
  expect(await verbs().linkAccount(who, 'github', login)).toMatchObject({ error: { code: 'flow_mismatch' } })
  expect(await verbs().authenticateWithCode('github', link)).toMatchObject({ error: { code: 'flow_mismatch' } })
  expect(world.sandbox.journal.calls('github', 'token')).toHaveLength(calls)
  const after = await world.dump()
  for (const table of ['accounts', 'identities', 'sessions', 'grants']) expect(after[table]).toEqual(before[table])
})

test('an unknown provider, state or identity is an error value', async () => {
  expect(await verbs().authorizeUrl('nobody')).toMatchObject({ error: { code: 'provider_not_found' } })
  expect(await verbs().authorizeUrl('google', 'desktop')).toMatchObject({
    error: { code: 'redirect_uri_key_not_found' },
  })
})
