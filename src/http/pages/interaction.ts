import { paths } from '../../applications/metadata.ts'
import { requestSeconds } from '../../applications/policy.ts'
import { readEmail } from '../../kernel/email.ts'
import type { SignInTarget } from '../api/sign-in-target.ts'
import { readUiLocales } from '../locale.ts'
import type { CookieChange } from '../reply.ts'
import type { Services } from '../services.ts'
import { applicationLanguageCookie } from '../sign-in-answers.ts'

/** The request of an application that this browser works on, and what it suggests about the person. */

/** The cookie that binds a request of an application to the browser that sent it. */
export const bindingOf = (uid: string): string => `application_${uid}`
export const bound = (uid: string): CookieChange => ({
  name: bindingOf(uid),
  value: '1',
  maxAgeSeconds: requestSeconds,
  sameSite: 'lax',
})
export const unbound = (uid: string): CookieChange => ({ name: bindingOf(uid), value: null, sameSite: 'lax' })

/** The language that the application asks for; a request without one ends that of the request before it. */
export const languageFor = (uiLocales: string | null): CookieChange =>
  applicationLanguageCookie((uiLocales === null ? undefined : readUiLocales(uiLocales)) ?? null, requestSeconds)

const returnShape = new RegExp(`^${paths.interaction}/([\\w-]{16,64})$`)

/**
 * The email address in the `login_hint` of the application that sent this browser here (OpenID Connect Core §3.1.2.1);
 * `undefined` without one. It stays on the server: in a URL it would be logged. Other text than an email address is
 * ignored: it would be no help in this field.
 */
export async function loginHintOf(
  { return_to: returnTo = '' }: SignInTarget,
  cookie: (name: string) => string | undefined,
  { openid }: Pick<Services, 'openid'>,
): Promise<string | undefined> {
  const [, uid] = returnShape.exec(returnTo) ?? []
  if (uid === undefined || cookie(bindingOf(uid)) === undefined) return undefined
  const hint = (await openid.interaction(uid))?.loginHint
  return hint === undefined || hint === null ? undefined : readEmail(hint)?.address
}
