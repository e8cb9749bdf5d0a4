/** Registered applications in the tests: third-party clients against the service over HTTP. */
import * as client from 'openid-client'
import { expect } from 'vitest'
import { z } from 'zod'
import type { Browser, Json, World } from './service.ts'

/** An administrator who registers applications: returns a new access token each time, so that it is always recent. */
export async function administratorOf(world: World): Promise<() => Promise<string>> {
  const who = world.newcomer()
  const { user } = await world.signIn('google', who)
  await world.vinculum.makeAdministrator(user.id)
  return async () => (await world.signIn('google', who)).access_token
}

export const callback = 'https://shop.example.org/callback'

const Registered = z.looseObject({ id: z.string(), secret: z.string().nullable() })

/** Registers an application. It runs on a server, and is operated by us, unless `about` says otherwise. */
export async function register(world: World, administrator: () => Promise<string>, about: Json = {}) {
  const token = await administrator()
  const answer = await world.call('POST', '/applications', {
    token,
    body: { name: 'Shop', kind: 'server', first_party: true, redirect_uris: [callback], ...about },
  })
  expect(answer.status, answer.text).toBe(201)
  return Registered.parse(answer.body)
}

/**
 * By how many seconds the clock of the world is ahead of real time, for a client that dates what it signs. Negative
 * while nobody turns it: it stands still.
 */
export const skewOf = (world: World): number => Math.round((world.clock().getTime() - Date.now()) / 1000)

/** The application as openid-client sees it, after discovery. */
export async function discovered(
  world: World,
  { id, secret }: { readonly id: string; readonly secret: string | null },
): Promise<client.Configuration> {
  const auth = secret === null ? client.None() : client.ClientSecretBasic(secret)
  const config = await client.discovery(new URL(world.base), id, undefined, auth, {
    execute: [client.allowInsecureRequests],
  })
  // Every response is also checked against the API description.
  config[client.customFetch] = (url, options) => world.send(url, options as RequestInit)
  return config
}

/** Where the page that ends a form submission sends the browser at once (`onward.tsx`). */
const refreshOf = (text: string): string | undefined =>
  /<meta http-equiv="refresh" content="0; url=([^"]*)"/.exec(text)?.[1]?.replaceAll('&amp;', '&')

/**
 * Follows redirects in the browser. Ends with the URL at which it leaves this service, or with the page it stops at.
 */
export async function follow(world: World, browser: Browser, from: string | URL) {
  let visit = await browser.ask(from)
  for (let hop = 0; hop < 15; hop++) {
    const to = visit.headers.get('location') ?? refreshOf(visit.text)
    if (to === undefined || to === null) return { page: visit }
    const next = new URL(to, visit.url)
    if (next.origin !== new URL(world.base).origin) return { left: next, page: visit }
    visit = await browser.ask(next)
  }
  throw new Error(`too many redirects at ${visit.url.pathname}`)
}

/** Signs the person of a browser in again, as the sign-in page that it was sent to asks. */
export async function signInAgain(world: World, browser: Browser, who: string, page: URL) {
  const back = await browser.signIn('google', who, { return_to: page.searchParams.get('return_to') ?? '' })
  return follow(world, browser, new URL(back.headers.get('location') ?? '', world.base))
}

export type AuthorizationOptions = {
  readonly scope?: string
  readonly redirectUri?: string
  readonly more?: Readonly<Record<string, string>>
}

/** Begins an authorization request as openid-client does. */
export async function request(config: client.Configuration, options: AuthorizationOptions = {}) {
  const { scope = 'openid profile email offline_access', redirectUri = callback, more = {} } = options
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...more,
  })
  const redeem = (back: URL) =>
    client.authorizationCodeGrant(
      config,
      back,
      { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce },
      more.resource === undefined ? {} : { resource: more.resource },
    )
  return { url, redeem, state, verifier }
}

/** A complete sign-in of a browser that is already signed in here. */
export async function enter(
  world: World,
  browser: Browser,
  config: client.Configuration,
  options: AuthorizationOptions = {},
) {
  const { url, redeem } = await request(config, options)
  const { left, page } = await follow(world, browser, url)
  if (!left) throw new Error(`the browser stayed at ${page.url.pathname}: ${page.text.slice(0, 500)}`)
  return redeem(left)
}
