/**
 * Passkeys of native apps, as the libraries send them:
 * - Credential Manager of Android, https://developer.android.com/identity/sign-in/credential-manager;
 * - react-native-passkey (f-23), its responses in `src/PasskeyiOS.ts` and `src/PasskeyAndroid.ts`;
 * - react-native-passkeys (peterferguson), `ios/PasskeyDelegate.swift`: an unknown value is `null`;
 * - passkeys for Flutter (corbado), `lib/types/register_response.dart`.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createAuthenticator, type Lies } from '../support/authenticator.ts'
import { type Answer, authOf, refusalOf, startWorld, type World } from '../support/service.ts'

const certificate = Buffer.from('30b2f30ef63143810a4f00ba53a65556b150b47f06715fb5778e3814af47bda2', 'hex')
const uploadKey = Buffer.alloc(32, 0xfb)
const androidOrigin = `android:apk-key-hash:${certificate.toString('base64url')}`
const hexOf = (bytes: Buffer): string => (bytes.toString('hex').toUpperCase().match(/../g) as string[]).join(':')

const android: Lies = {
  synced: true,
  origin: androidOrigin,
  clientData: { crossOrigin: undefined, androidPackageName: 'com.example.app' },
}
const noCrossOrigin: Lies = { synced: true, origin: 'https://127.0.0.1', clientData: { crossOrigin: undefined } }

type Response = ReturnType<ReturnType<typeof createAuthenticator>['create' | 'get']>
type Sent = Record<string, unknown>
const base64 = (text: unknown): string => Buffer.from(String(text), 'base64url').toString('base64')
const members = (response: object, change: (text: string) => unknown): Sent =>
  Object.fromEntries(
    Object.entries(response).map(([name, value]) => [name, typeof value === 'string' ? change(value) : value]),
  )

/** How a library changes the response of a device. */
type Library = {
  readonly name: string
  readonly lies: Lies
  readonly made: (response: Response) => Sent
  readonly shown: (response: Response) => Sent
}
const libraries: readonly Library[] = [
  {
    name: 'Credential Manager of Android',
    lies: android,
    made: ({ response, ...rest }) => ({
      ...rest,
      authenticatorAttachment: 'platform',
      clientExtensionResults: { credProps: { rk: true } },
      response: {
        ...response,
        transports: ['internal', 'hybrid'],
        authenticatorData: 'AAAA',
        publicKeyAlgorithm: -7,
        publicKey: 'AAAA',
      },
    }),
    shown: (response) => ({ ...response, authenticatorAttachment: 'platform' }),
  },
  {
    name: 'Credential Manager with a security key, which sends no user handle',
    lies: android,
    made: (response) => ({ ...response, authenticatorAttachment: 'cross-platform' }),
    shown: ({ response, ...rest }) => ({ ...rest, response: { ...response, userHandle: undefined } }),
  },
  {
    name: 'a password manager on Android that writes the hash as base64',
    lies: { ...android, origin: `android:apk-key-hash:${certificate.toString('base64')}` },
    made: (response) => response,
    shown: (response) => response,
  },
  {
    name: 'react-native-passkey on Android, which makes the id base64',
    lies: android,
    made: ({ id, response: { clientDataJSON, ...response } }) => ({
      id: base64(id),
      rawId: base64(id),
      type: 'public-key',
      response: { clientDataJSON, attestationObject: (response as Sent).attestationObject },
    }),
    shown: ({ id, response }) => ({ id: base64(id), rawId: base64(id), type: 'public-key', response }),
  },
  {
    name: 'react-native-passkey on iOS, which sends base64 and no user handle',
    lies: noCrossOrigin,
    made: ({ id, response }) => ({
      id: base64(id),
      rawId: base64(id),
      type: 'public-key',
      response: { ...members(response, base64), transports: undefined },
    }),
    shown: ({ id, response }) => ({
      id: base64(id),
      rawId: base64(id),
      type: 'public-key',
      response: { ...members(response, base64), userHandle: '' },
    }),
  },
  {
    name: 'react-native-passkeys on iOS, which sends null for what it does not know',
    lies: noCrossOrigin,
    made: ({ response, ...rest }) => ({
      ...rest,
      authenticatorAttachment: null,
      clientExtensionResults: null,
      response: { ...response, transports: null, publicKeyAlgorithm: null, publicKey: null, authenticatorData: null },
    }),
    shown: ({ response, rawId: _, ...rest }) => ({
      ...rest,
      rawId: null,
      authenticatorAttachment: null,
      clientExtensionResults: { largeBlob: null, prf: null },
      response: { ...response, userHandle: null, attestationObject: null },
    }),
  },
  {
    name: 'passkeys for Flutter, on another of our sites',
    lies: { ...noCrossOrigin, origin: 'https://shop.example' },
    made: ({ id, rawId, response }) => ({
      id,
      rawId,
      type: 'public-key',
      clientExtensionResults: {},
      response: { clientDataJSON: response.clientDataJSON, attestationObject: (response as Sent).attestationObject },
    }),
    shown: (response) => response,
  },
]

describe('passkeys created in apps', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({
      env: {
        PASSKEY_ORIGINS: [
          `${androidOrigin}@com.example.app`,
          `android:apk-key-hash:${hexOf(uploadKey)}@com.example.app`,
          `android:apk-key-hash:${hexOf(uploadKey)}@com.example.tv`,
          'ABCDE12345.com.example.app',
          'https://shop.example',
          'https://shop.example.org',
        ].join(', '),
      },
    })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  const add = async (lies: Lies, made: Library['made'] = (response) => response) => {
    const { access_token: token, user } = await world.signIn('google', world.newcomer())
    const { body } = await world.call('POST', '/me/passkeys/options', { token, body: {} })
    const key = createAuthenticator(world.base)
    const response = made(key.create(body.options as object as Sent, lies))
    const added = await world.call('POST', '/me/passkeys', {
      token,
      body: { flow_token: body.flow_token, name: 'Phone', response },
    })
    return { key, user, added }
  }
  const signIn = async (
    key: ReturnType<typeof createAuthenticator>,
    lies: Lies,
    shown: Library['shown'] = (response) => response,
  ): Promise<Answer> => {
    const { body } = await world.call('POST', '/auth/passkey/options', { body: {} })
    const response = shown(key.get(body.options as object as Sent, lies))
    return world.call('POST', '/auth/passkey', { body: { flow_token: body.flow_token, response } })
  }

  test.each(libraries)('sign in as $name sends them', async ({ lies, made, shown }) => {
    const { key, user, added } = await add(lies, made)
    expect(added.status, added.text).toBe(201)
    expect(added.body.backed_up).toBe(true)
    const entered = await signIn(key, lies, shown)
    expect(entered.status, entered.text).toBe(200)
    const me = await world.call('GET', '/me', { token: String(entered.body.access_token) })
    expect(me.body.id).toBe(user.id)
    // A second time, with the counter still at zero.
    expect((await signIn(key, lies, shown)).status).toBe(200)
  })

  test.each<[string, Lies]>([
    [
      'signed with another certificate',
      { origin: `android:apk-key-hash:${Buffer.alloc(32, 9).toString('base64url')}` },
    ],
    [
      'with the right package and another certificate',
      { ...android, origin: `android:apk-key-hash:${'A'.repeat(43)}` },
    ],
    ['with another scheme', { origin: androidOrigin.replace('android:', 'ios:') }],
    ['with an origin in another case', { origin: androidOrigin.toLowerCase() }],
    ['on a site that is not listed', { origin: 'https://evil.example' }],
    ['on a subdomain of a listed site', { origin: 'https://evil.shop.example' }],
    ['on a listed site at another port', { origin: 'https://shop.example:8443' }],
    ['on a listed site without TLS', { origin: 'http://shop.example' }],
    ['for another host', { ...android, rpId: 'shop.example' }],
    [
      'in a frame of another site',
      { ...android, clientData: { crossOrigin: true, topOrigin: 'https://evil.example' } },
    ],
  ])('are refused from an app %s', async (_, lies) => {
    const { added } = await add(lies)
    expect(refusalOf(added)).toEqual([400, 'passkey_not_added'])
    const { key } = await add(android)
    expect(refusalOf(await signIn(key, lies))).toEqual([401, 'passkey_rejected'])
  })

  test('whose two IDs differ are refused', async () => {
    const { key } = await add(android)
    const refused = await signIn(key, android, (response) => ({ ...response, rawId: 'AAAA' }))
    expect(refusalOf(refused)).toEqual([401, 'passkey_rejected'])
  })

  test.each(['=AAA', 'AA=A', 'AAA===', 'A A', 'A%2B', 'Ä'])('with “%s” as base64 are refused', async (text) => {
    const { key } = await add(android)
    const refused = await signIn(key, android, (response) => ({ ...response, id: text, rawId: text }))
    expect(refusalOf(refused)).toEqual([400, 'invalid_request'])
  })

  test('work as a second factor too', async () => {
    const who = world.newcomer()
    const { access_token: token } = await world.signIn('google', who)
    const { body } = await world.call('POST', '/me/passkeys/options', { token, body: {} })
    const key = createAuthenticator(world.base)
    const response = key.create(body.options as object as Sent, android)
    const added = await world.call('POST', '/me/passkeys', {
      token,
      body: { flow_token: body.flow_token, name: 'Phone', response },
    })
    expect(added.status, added.text).toBe(201)
    // A passkey that was only added is not a second factor yet: it must be used once.
    const used = await signIn(key, android)
    const on = await world.call('POST', '/me/second-factor', { token: String(used.body.access_token), body: {} })
    expect(on.status, on.text).toBe(200)
    const half = await world.enter('google', who)
    expect(refusalOf(half)).toEqual([401, 'second_factor_required'])
    const second_factor_ticket = half.body.second_factor_ticket
    const asked = await world.call('POST', '/auth/second-factor/options', { body: { second_factor_ticket } })
    const shown = key.get(asked.body.options as object as Sent, android)
    authOf(
      await world.call('POST', '/auth/second-factor', {
        body: { second_factor_ticket, passkey: { flow_token: asked.body.flow_token, response: shown } },
      }),
    )
  })

  describe('are declared', () => {
    const documents: [string, unknown][] = [
      [
        '/.well-known/assetlinks.json',
        [
          {
            relation: ['delegate_permission/common.handle_all_urls', 'delegate_permission/common.get_login_creds'],
            target: {
              namespace: 'android_app',
              package_name: 'com.example.app',
              sha256_cert_fingerprints: [hexOf(certificate), hexOf(uploadKey)],
            },
          },
          {
            relation: ['delegate_permission/common.handle_all_urls', 'delegate_permission/common.get_login_creds'],
            target: {
              namespace: 'android_app',
              package_name: 'com.example.tv',
              sha256_cert_fingerprints: [hexOf(uploadKey)],
            },
          },
        ],
      ],
      ['/.well-known/apple-app-site-association', { webcredentials: { apps: ['ABCDE12345.com.example.app'] } }],
      ['/.well-known/webauthn', { origins: ['https://shop.example', 'https://shop.example.org'] }],
    ]

    test.each(documents)('at %s, as JSON that any client may cache and read', async (path, document) => {
      const answer = await world.call('GET', path)
      expect(answer.status).toBe(200)
      expect(JSON.parse(answer.text)).toEqual(document)
      expect(answer.headers.get('content-type')).toMatch(/^application\/json(; charset=utf-8)?$/)
      expect(answer.headers.get('cache-control')).toMatch(/^public, max-age=\d+/)
      expect(answer.headers.get('access-control-allow-origin')).toBe('*')
      expect(answer.headers.get('cross-origin-resource-policy')).toBe('cross-origin')
      expect(answer.headers.get('set-cookie')).toBeNull()
    })

    test.each(documents)('by a 404 problem at %s where nothing is configured', async (path) => {
      const { base } = await world.another({ PASSKEY_ORIGINS: '' })
      const answer = await fetch(base + path)
      expect([answer.status, answer.headers.get('content-type')]).toEqual([404, 'application/problem+json'])
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(await answer.json()).toMatchObject({ code: 'passkey_origins_not_configured' })
    })

    test('in /openapi.json', async () => {
      const { paths } = JSON.parse((await world.call('GET', '/openapi.json')).text) as { paths: object }
      for (const [path] of documents) expect(Object.keys(paths)).toContain(path)
    })
  })
})
