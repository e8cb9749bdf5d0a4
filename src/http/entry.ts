import type { AppError } from '../errors/catalogue.ts'
import type { Begun } from '../flows/begin-with-provider.ts'
import type { Entered } from '../flows/sign-in-with-provider.ts'
import type { Admitted } from '../sessions/sign-in.ts'
import { type CookieChange, json, noContent, type Redirect, seeOther } from './reply.ts'
import type { Principal } from './route.ts'
import { authResponse, type Entrance, linkResponse } from './schemas/sign-in.ts'
import type { Services } from './services.ts'

/** How the end of a sign-in, a linking or a session is answered, whichever route it ended on. */

const cookie = { sameSite: 'lax' as const }

/** The session cookie must come along on the navigation back from a provider, so it is `Lax`, not `Strict`. */
const sessionCookie = (value: string | null, seconds: number): CookieChange => ({
  name: 'session',
  value,
  ...(value === null ? {} : { maxAgeSeconds: seconds }),
  ...cookie,
})

/** Nothing of the session is left in the browser: neither the cookie nor what it kept of our pages. */
export const sessionForgotten = { clearSiteData: true, cookies: [sessionCookie(null, 0)] } as const

/** The session is over. A program has forgotten its tokens by itself. */
export const sessionOver = ({ via }: Principal) => noContent(via === 'cookie' ? sessionForgotten : {})

/** What the account page tells once: a word of `?done=`, for when the address is not ours to add to. */
export const noticeCookie = (value: 'linked' | null): CookieChange => ({
  name: 'notice',
  value,
  ...(value === null ? {} : { maxAgeSeconds: 300 }),
  ...cookie,
})

/** What stands for a sign-in that waits for its second factor. It is set on the way back from a provider, so `Lax`. */
export const secondFactorCookie = (ticket: string | null, seconds: number): CookieChange => ({
  name: 'second_factor',
  value: ticket,
  ...(ticket === null ? {} : { maxAgeSeconds: seconds }),
  ...cookie,
})

/**
 * A browser that is asked for the second factor: on to the page for it. `undefined` for any other refusal; a program
 * reads the ticket from the refusal itself.
 */
export function toSecondFactor({ extra }: AppError, cookies: readonly CookieChange[] = []): Redirect | undefined {
  const { second_factor_ticket: ticket, expires_in: seconds } = extra ?? {}
  if (typeof ticket !== 'string' || typeof seconds !== 'number') return undefined
  return seeOther('/login/second-factor', { cookies: [...cookies, secondFactorCookie(ticket, seconds)] })
}

/** What the code of a sign-in by mail must come with: the browser that asked for it. */
export const mailCodeCookie = (binding: string | null, seconds = 0): CookieChange => ({
  name: 'mail_sign_in',
  value: binding,
  ...(binding === null ? {} : { maxAgeSeconds: seconds }),
  ...cookie,
})

/** A browser for which a code was sent: on to the page that takes it. */
export const toMailCode = ({ binding, expiresIn }: { binding: string; expiresIn: number }): Redirect =>
  seeOther('/login/email/code', { cookies: [mailCodeCookie(binding, expiresIn)] })

/**
 * What a browser is known by, whoever signs in with it. It must come along on the way back from a provider, so `Lax`.
 */
export const deviceCookie = (secret: string, seconds: number): CookieChange => ({
  name: 'device',
  value: secret,
  maxAgeSeconds: seconds,
  ...cookie,
})

/** One for each flow, so that ten at once in one browser do not overwrite each other. */
export const flowCookie = (handle: string, value: string | null, seconds: number): CookieChange => ({
  name: `flow_${handle}`,
  value,
  ...(value === null ? {} : { maxAgeSeconds: seconds }),
  ...cookie,
})

/** More flows than anybody has open at once; beyond them the cookies would outgrow the headers we read. */
const mostFlows = 20

/**
 * The cookie of a flow that begins, and the end of those too many, the oldest first. `kept` is another flow's that is
 * still needed.
 */
export function flowCookies(
  { handle, binding }: Pick<Begun, 'handle' | 'binding'>,
  cookieNames: (beginning: string) => readonly string[],
  seconds: number,
  kept?: string,
): readonly CookieChange[] {
  const open = cookieNames('flow_').filter((name) => name !== `flow_${kept}`)
  const surplus = open.slice(0, Math.max(0, open.length - mostFlows))
  return [
    flowCookie(handle, binding, seconds),
    ...surplus.map((name): CookieChange => ({ name, value: null, ...cookie })),
  ]
}

const entranceOf = ({ account, action, identity }: Entered): Entrance => ({
  account,
  action,
  provider: identity.provider,
  subject: identity.subject,
})

/** For an app, or a browser's script: tokens in the body, no cookie. */
export function answerAsJson(entered: Entered, { tokens }: Services) {
  const entrance = entranceOf(entered)
  return json(
    entered.tag === 'signed_in' ? authResponse(entrance, tokens.pair(entered.session)) : linkResponse(entrance),
  )
}

/** For a person who came from a provider: the flow ends, and they go on. */
export async function answerAsRedirect(entered: Entered, handle: string, services: Services): Promise<Redirect> {
  const done = flowCookie(handle, null, 0)
  if (entered.tag === 'linked') return seeOther(entered.flow.returnTo ?? '/account', { cookies: [done] })
  const { provider, subject: providerUserId } = entered.identity
  return admittedAsRedirect({ ...entered, provider, providerUserId }, services, [done])
}

/**
 * For a person who is in, whichever way they came: on to where they wanted to go. To another origin only a one-time
 * code travels. A browser that is not known yet gets what it is known by from now on.
 */
export async function admittedAsRedirect(
  { account, action, provider, providerUserId, session, cookie, device, flow }: Admitted,
  { codes, settings }: Services,
  cookies: readonly CookieChange[] = [],
): Promise<Redirect> {
  const known = device ? [deviceCookie(device, settings.deviceCookieSeconds)] : []
  const { returnTo, codeChallenge } = flow
  if (returnTo !== null && codeChallenge !== null) {
    const to = { sessionId: session.id, accountId: account.id, action, provider, providerUserId, codeChallenge }
    const code = await codes.issue(to, returnTo)
    const url = new URL(returnTo)
    url.searchParams.set('code', code)
    return seeOther(url, { cookies: [...cookies, ...known] })
  }
  // Nobody asked whether this sign-in should open the account they had, so they are told that it does (contract §4).
  const notice = action === 'linked_existing' ? [noticeCookie('linked')] : []
  return seeOther(returnTo ?? '/account', {
    cookies: [...cookies, sessionCookie(cookie, settings.sessionCookieSeconds), ...known, ...notice],
  })
}
