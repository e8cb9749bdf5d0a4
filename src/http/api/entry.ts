import type { AppError } from '../../errors/catalogue.ts'
import type { Begun } from '../../flows/begin-with-provider.ts'
import type { Entered } from '../../flows/enter-with-provider.ts'
import { ok, type Result } from '../../kernel/result.ts'
import { type Answer, type CookieChange, json, seeOther } from '../reply.ts'
import type { Services } from '../services.ts'
import { authResponse, type Entrance, linkResponse } from './schemas.ts'

/** How the end of a sign-in or linking is answered, whichever route it ended on. */

const cookie = { sameSite: 'lax' as const }

/** The session cookie must come along on the navigation back from a provider, so it is `Lax`, not `Strict`. */
export const sessionCookie = (value: string | null, seconds: number): CookieChange => ({
  name: 'session',
  value,
  ...(value === null ? {} : { maxAgeSeconds: seconds }),
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

/** The cookie of a flow that begins, and the end of those too many, the oldest first. `kept` is another flow's that is still needed. */
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
): Promise<Result<Answer<never>, AppError<never>>> {
  const done = flowCookie(handle, null, 0)
  if (entered.tag === 'linked') return ok(seeOther(entered.flow.returnTo ?? '/account', { cookies: [done] }))
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
    return ok(seeOther(url, { cookies: [done] }))
  }
  return ok(
    seeOther(returnTo ?? '/account', { cookies: [done, sessionCookie(entered.cookie, settings.sessionCookieSeconds)] }),
  )
}
