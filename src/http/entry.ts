import type { AppError } from '../errors/catalogue.ts'
import type { Begun } from '../flows/begin-with-provider.ts'
import type { Entered } from '../flows/enter-with-provider.ts'
import type { Account } from '../kernel/account.ts'
import type { Session } from '../sessions/ports.ts'
import { type CookieChange, json, noContent, type Redirect, seeOther } from './reply.ts'
import type { Principal } from './route.ts'
import { authResponse, type Entrance, linkResponse } from './schemas.ts'
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
  { handle, binding }: Begun,
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

/** For a person: on to where they wanted to go. To another origin only a one-time code travels. */
export async function answerAsRedirect(
  entered: Entered,
  handle: string,
  { codes, settings }: Services,
): Promise<Redirect> {
  const done = flowCookie(handle, null, 0)
  if (entered.tag === 'linked') return seeOther(entered.flow.returnTo ?? '/account', { cookies: [done] })
  const { returnTo, codeChallenge } = entered.flow
  if (returnTo !== null && codeChallenge !== null) {
    const { account, action, identity, session } = entered
    const code = await codes.issue({
      sessionId: session.id,
      accountId: account.id,
      action,
      provider: identity.provider,
      providerUserId: identity.subject,
      codeChallenge,
    })
    const url = new URL(returnTo)
    url.searchParams.set('code', code)
    return seeOther(url, { cookies: [done] })
  }
  const session = sessionCookie(entered.cookie, settings.sessionCookieSeconds)
  // Nobody asked whether this sign-in should open the account they had, so they are told that it does (contract §4).
  const notice = entered.action === 'linked_existing' ? [noticeCookie('linked')] : []
  return seeOther(returnTo ?? '/account', { cookies: [done, session, ...notice] })
}

/** Somebody who signed in with what is theirs alone, as it goes on in a browser: see `answerAsRedirect`. */
type SignedInHere = {
  readonly account: Account
  readonly session: Session
  readonly cookie: string | null
  readonly returnTo: string | null
  readonly codeChallenge: string | null
  /** What they proved it with: `email`. */
  readonly provider: string
}
export async function goOn(
  { account, session, cookie: secret, returnTo, codeChallenge, provider }: SignedInHere,
  cookies: readonly CookieChange[],
  { codes, settings }: Services,
): Promise<Redirect> {
  if (returnTo !== null && codeChallenge !== null) {
    const { id } = account
    const code = await codes.issue({
      ...{
        sessionId: session.id,
        accountId: id,
        action: 'login_existing',
        provider,
        providerUserId: id,
        codeChallenge,
      },
    })
    const url = new URL(returnTo)
    url.searchParams.set('code', code)
    return seeOther(url, { cookies })
  }
  return seeOther(returnTo ?? '/account', {
    cookies: [...cookies, sessionCookie(secret, settings.sessionCookieSeconds)],
  })
}
