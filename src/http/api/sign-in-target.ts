import { z } from 'zod'
import { fail } from '../../errors/catalogue.ts'
import type { Origin } from '../../events/catalogue.ts'
import { readReturnTo } from '../../flows/return-to.ts'
import { ok } from '../../kernel/result.ts'
import type { SignInRequest } from '../../sessions/sign-in.ts'
import { faulty } from '../problem.ts'
import type { Principal } from '../route.ts'
import type { Services } from '../services.ts'

/** Where a sign-in ends: the fields that every sign-in method accepts, and how they are checked. */

const text = z.string().max(2048).optional()
export const targetFields = {
  return_to: text.describe('Where the browser goes after the sign-in: a path of this service, or an allowed URL'),
  code_challenge: text.describe('The PKCE code challenge (RFC 7636); required if `return_to` is on another origin'),
  code_challenge_method: text.describe('The method of the code challenge: `S256`'),
}
export type SignInTarget = { readonly [N in keyof typeof targetFields]?: string | undefined }

/** The page or app that a sign-in returns to; `undefined` if none is given, or if it is not allowed. */
export const targetOf = ({ return_to: returnTo }: SignInTarget, { settings }: Services) =>
  returnTo === undefined ? undefined : readReturnTo(returnTo, settings.returnToAllowed, settings.publicUrl)

/**
 * Refuses a target that is not allowed, and records the refusal as a failed sign-in: the request ID of the response can
 * be looked up in the audit log.
 */
export async function refuseTarget(origin: Origin, { flows }: Services) {
  await flows.recordRefusedTarget(origin)
  return fail('return_to_not_allowed')
}

/**
 * How a sign-in continues to its target. An app on another origin gets a session of its own, and must send a challenge:
 * without one, anyone who reads the code from the app's URL could redeem it (RFC 9700 §2.1.1).
 */
export async function enteringOf(given: SignInTarget, who: Principal | null, origin: Origin, services: Services) {
  const target = targetOf(given, services)
  if (given.return_to !== undefined && !target) return refuseTarget(origin, services)
  const { code_challenge: challenge = '', code_challenge_method: method } = given
  if (target?.tag === 'app' && !/^[A-Za-z0-9_-]{43}$/.test(challenge)) return faulty('code_challenge', 'required')
  if (target?.tag === 'app' && method !== 'S256') return faulty('code_challenge_method', 'required')
  const codeChallenge = target?.tag === 'app' ? challenge : null
  const here = codeChallenge === null
  return ok<SignInRequest>({
    origin,
    browser: here,
    replaces: here ? (who?.sessionId ?? null) : null,
    codeChallenge,
    returnTo: target === undefined ? null : target.tag === 'app' ? target.url.href : target.path,
  })
}
