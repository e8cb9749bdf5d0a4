import type { AppError } from '../errors/catalogue.ts'
import type { AuthorizationStart } from '../flows/begin-with-provider.ts'
import type { SignedInOrLinked } from '../flows/sign-in-with-provider.ts'
import type { Locale } from '../kernel/locale.ts'
import type { SignedIn } from '../sessions/sign-in.ts'
import { type CookieChange, json, noContent, type Redirect, seeOther } from './reply.ts'
import type { Principal } from './route.ts'
import { type AuthResult, authResponse, linkResponse } from './schemas/sign-in.ts'
import type { Services } from './services.ts'

/** The responses that end a sign-in, a linking or a session, on whichever route that happens. */

const cookie = { sameSite: 'lax' as const }

/** `Lax` and not `Strict`, because the browser must send the session cookie when it returns from a provider. */
const sessionCookie = (value: string | null, seconds: number): CookieChange => ({
  name: 'session',
  value,
  ...(value === null ? {} : { maxAgeSeconds: seconds }),
  ...cookie,
})

/** Removes the session from the browser: the cookie, and cached copies of our pages. */
export const clearedSession = { clearSiteData: true, cookies: [sessionCookie(null, 0)] } as const

/** The response after a session has ended. A program deletes its tokens itself. */
export const signedOutResponse = ({ via }: Principal) => noContent(via === 'cookie' ? clearedSession : {})

/** A notice that the account page shows once: a value of `?done=`, for URLs that we may not extend. */
export const noticeCookie = (value: 'linked' | null): CookieChange => ({
  name: 'notice',
  value,
  ...(value === null ? {} : { maxAgeSeconds: 300 }),
  ...cookie,
})

/** The ticket of a sign-in that waits for its second factor. It is set on the return from a provider, so `Lax`. */
export const secondFactorCookie = (ticket: string | null, seconds: number): CookieChange => ({
  name: 'second_factor',
  value: ticket,
  ...(ticket === null ? {} : { maxAgeSeconds: seconds }),
  ...cookie,
})

/**
 * Sends a browser to the page for the second factor. `undefined` for any other error; a program reads the ticket from
 * the error itself.
 */
export function toSecondFactor({ extra }: AppError, cookies: readonly CookieChange[] = []): Redirect | undefined {
  const { second_factor_ticket: ticket, expires_in: seconds } = extra ?? {}
  if (typeof ticket !== 'string' || typeof seconds !== 'number') return undefined
  return seeOther('/login/second-factor', { cookies: [...cookies, secondFactorCookie(ticket, seconds)] })
}

/** Binds the code of an email sign-in to the browser that requested it. */
export const mailCodeCookie = (binding: string | null, seconds = 0): CookieChange => ({
  name: 'mail_sign_in',
  value: binding,
  ...(binding === null ? {} : { maxAgeSeconds: seconds }),
  ...cookie,
})

/** Sends a browser to the page for entering the code that was emailed. */
export const toMailCode = ({ binding, expiresIn }: { binding: string; expiresIn: number }): Redirect =>
  seeOther('/login/email/code', { cookies: [mailCodeCookie(binding, expiresIn)] })

/**
 * Identifies a browser, independent of who signs in with it. The browser must send it on the return from a provider, so
 * `Lax`.
 */
export const deviceCookie = (secret: string, seconds: number): CookieChange => ({
  name: 'device',
  value: secret,
  maxAgeSeconds: seconds,
  ...cookie,
})

/** The email address that was just typed, so that the next page fills it in. Not in the URL: it would be logged. */
export const typedEmailCookie = (email: string | null): CookieChange => ({
  name: 'typed_email',
  value: email,
  ...(email === null ? {} : { maxAgeSeconds: 600 }),
  ...cookie,
})

/** The sign-in method last used on this device, which the sign-in page marks. It says nothing about a person. */
const lastMethodCookie = (method: string, seconds: number): CookieChange => ({
  name: 'last_method',
  value: method,
  maxAgeSeconds: seconds,
  ...cookie,
})

/** The language that an application asks for, while a person signs in to it. A choice of the person wins over it. */
export const applicationLanguageCookie = (language: Locale | null, seconds: number): CookieChange => ({
  name: 'application_language',
  value: language,
  ...(language === null ? {} : { maxAgeSeconds: seconds }),
  ...cookie,
})

/** The language chosen on this device. */
export const languageCookie = (language: Locale, seconds: number): CookieChange => ({
  name: 'language',
  value: language,
  maxAgeSeconds: seconds,
  ...cookie,
})

/** One cookie for each provider round trip, so that concurrent ones in one browser do not overwrite each other. */
export const flowCookie = (handle: string, value: string | null, seconds: number): CookieChange => ({
  name: `flow_${handle}`,
  value,
  ...(value === null ? {} : { maxAgeSeconds: seconds }),
  ...cookie,
})

/** More round trips than anyone has open at once. With more cookies, the headers would exceed the size limit. */
const maxRoundTrips = 20

/**
 * The cookie of a new provider round trip, and the deletion of the oldest ones beyond the limit. `kept` is another
 * round trip that is still needed.
 */
export function flowCookies(
  { handle, binding }: Pick<AuthorizationStart, 'handle' | 'binding'>,
  cookieNames: (beginning: string) => readonly string[],
  seconds: number,
  kept?: string,
): readonly CookieChange[] {
  const open = cookieNames('flow_').filter((name) => name !== `flow_${kept}`)
  const surplus = open.slice(0, Math.max(0, open.length - maxRoundTrips))
  return [
    flowCookie(handle, binding, seconds),
    ...surplus.map((name): CookieChange => ({ name, value: null, ...cookie })),
  ]
}

const authResultOf = ({ account, action, identity }: SignedInOrLinked): AuthResult => ({
  account,
  action,
  provider: identity.provider,
  subject: identity.subject,
})

/** For an app, or a script in a browser: tokens in the body, no cookie. */
export function answerAsJson(entered: SignedInOrLinked, { tokens }: Services) {
  const entrance = authResultOf(entered)
  return json(
    entered.tag === 'signed_in' ? authResponse(entrance, tokens.pair(entered.session)) : linkResponse(entrance),
  )
}

/** For a person who returns from a provider: ends the round trip and redirects them. */
export async function answerAsRedirect(
  entered: SignedInOrLinked,
  handle: string,
  services: Services,
): Promise<Redirect> {
  const done = flowCookie(handle, null, 0)
  if (entered.tag === 'linked') return seeOther(entered.onward.returnTo ?? '/account', { cookies: [done] })
  const { provider, subject: providerUserId } = entered.identity
  return signedInAsRedirect({ ...entered, provider, providerUserId }, services, [done])
}

/**
 * For a person who has signed in, by any method: redirects to the URL they wanted. Another origin gets only a one-time
 * code. A browser that is not known yet gets its device cookie.
 */
export async function signedInAsRedirect(
  { account, action, provider, providerUserId, session, cookie, device, onward: flow }: SignedIn,
  { codes, settings }: Services,
  cookies: readonly CookieChange[] = [],
): Promise<Redirect> {
  const known = [
    ...(device ? [deviceCookie(device, settings.deviceCookieSeconds)] : []),
    lastMethodCookie(provider, settings.deviceCookieSeconds),
  ]
  const { returnTo, codeChallenge } = flow
  if (returnTo !== null && codeChallenge !== null) {
    const to = { sessionId: session.id, accountId: account.id, action, provider, providerUserId, codeChallenge }
    const code = await codes.issue(to, returnTo)
    const url = new URL(returnTo)
    url.searchParams.set('code', code)
    return seeOther(url, { cookies: [...cookies, ...known] })
  }
  // Nobody asked the person whether this sign-in should be linked to their existing account, so tell them that it was
  // (contract §4).
  const notice = action === 'linked_existing' ? [noticeCookie('linked')] : []
  return seeOther(returnTo ?? '/account', {
    cookies: [...cookies, sessionCookie(cookie, settings.sessionCookieSeconds), ...known, ...notice],
  })
}
