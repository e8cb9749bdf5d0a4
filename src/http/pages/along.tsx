import type { VNode } from 'preact'
import { z } from 'zod'
import { fail } from '../../errors/catalogue.ts'
import type { Origin } from '../../events/catalogue.ts'
import { readReturnTo } from '../../flows/return-to.ts'
import { ok } from '../../kernel/result.ts'
import type { Entering } from '../../sessions/sign-in.ts'
import { faulty } from '../problem.ts'
import type { Principal } from '../route.ts'
import type { Services } from '../services.ts'

/** What every way in takes along. Anything else in the address is somebody’s tracking, and left aside. */
const passedOn = ['return_to', 'code_challenge', 'code_challenge_method'] as const
export type Along = { readonly [N in (typeof passedOn)[number]]?: string | undefined }
const text = z.string().max(2048).optional()

/** As fields of a form. */
export const alongFields = {
  return_to: text.describe('Where the browser goes after the sign-in: a path of this service, or an allowed URL'),
  code_challenge: text.describe('The PKCE code challenge (RFC 7636); required if `return_to` is on another origin'),
  code_challenge_method: text.describe('The method of the code challenge: `S256`'),
}
/** As the addresses of pages before a sign-in may hold them, with tracking and a notice. */
export const alongQuery = z.looseObject({ ...alongFields, done: text.describe('Which notice the page shows') })

const pairsOf = (given: Along): readonly (readonly [string, string])[] =>
  passedOn.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]] as const]))

/** As the end of a link: with `?`, or nothing. */
export function suffixOf(given: Along): string {
  const pairs = new URLSearchParams(pairsOf(given).map(([name, value]) => [name, value])).toString()
  return pairs === '' ? '' : `?${pairs}`
}

/** As what a form takes along, unseen. */
export const AlongFields = ({ given }: { given: Along }): VNode => (
  <>
    {pairsOf(given).map(([name, value]) => (
      <input key={name} type="hidden" name={name} value={value} />
    ))}
  </>
)

/** Where a sign-in goes on to, if it may. */
export const targetOf = ({ return_to: returnTo }: Along, { settings }: Services) =>
  returnTo === undefined ? undefined : readReturnTo(returnTo, settings.returnToAllowed, settings.publicUrl)

/**
 * What a form that ends a sign-in in this browser says of where it goes on to. An app on another origin gets a session
 * of its own, and must bring a challenge: without it whoever reads the code off its address could trade it (RFC 9700
 * §2.1.1).
 */
export function enteringOf(given: Along, who: Principal | null, origin: Origin, services: Services) {
  const target = targetOf(given, services)
  if (given.return_to !== undefined && !target) return fail('return_to_not_allowed')
  const { code_challenge: challenge = '', code_challenge_method: method } = given
  if (target?.tag === 'app' && !/^[A-Za-z0-9_-]{43}$/.test(challenge)) return faulty('code_challenge', 'required')
  if (target?.tag === 'app' && method !== 'S256') return faulty('code_challenge_method', 'required')
  const codeChallenge = target?.tag === 'app' ? challenge : null
  const here = codeChallenge === null
  return ok<Entering>({
    origin,
    browser: here,
    replaces: here ? (who?.sessionId ?? null) : null,
    codeChallenge,
    returnTo: target === undefined ? null : target.tag === 'app' ? target.url.href : target.path,
  })
}
