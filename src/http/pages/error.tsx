import type { VNode } from 'preact'
import { type AppError, type ErrorCode, message } from '../../errors/catalogue.ts'
import type { SignInTarget } from '../api/sign-in-target.ts'
import type { ErrorContext } from '../frame.ts'
import { Layout, readerOf } from './layout.tsx'
import { suffixOf } from './target-fields.tsx'

/** What helps: to try again, to sign in, or the account page, which shows the current state. */
type Way = 'again' | 'sign_in' | 'account'

/** The first link for each error code. Any other code links to the account, or to the sign-in page. */
const ways: Partial<Record<ErrorCode, Way>> = {
  provider_unavailable: 'again',
  user_info_fetch_failed: 'again',
  account_linking_failed: 'again',
  rate_limited: 'again',
  not_ready: 'again',
  internal: 'again',
  access_denied: 'sign_in',
  invalid_state: 'sign_in',
  state_expired: 'sign_in',
  state_already_used: 'sign_in',
  flow_mismatch: 'sign_in',
  token_exchange_failed: 'sign_in',
  sign_in_restricted: 'sign_in',
  organization_access_needed: 'sign_in',
  provider_not_found: 'sign_in',
  conflict_not_found: 'sign_in',
  account_conflict: 'sign_in',
  proof_required: 'sign_in',
  needs_reauthorization: 'sign_in',
  reauthentication_required: 'sign_in',
  authentication_required: 'sign_in',
  user_not_found: 'sign_in',
  session_revoked: 'sign_in',
  session_expired: 'sign_in',
  token_expired: 'sign_in',
  token_invalid: 'sign_in',
  token_reused: 'sign_in',
  ticket_invalid: 'sign_in',
  passkey_rejected: 'sign_in',
  second_factor_invalid: 'sign_in',
  identity_already_linked: 'account',
  another_identity: 'account',
  too_many_identities: 'account',
  passkey_not_added: 'account',
  passkey_not_found: 'account',
  second_factor_exists: 'account',
  second_factor_missing: 'account',
  own_second_factor: 'account',
  last_login_method: 'account',
  not_linked: 'account',
  session_not_found: 'account',
  sign_in_overtaken: 'sign_in',
  email_required: 'account',
  csrf_failed: 'account',
}

/** An error for a person: what happened, and what to do next. Its cause is only in the log. */
export function errorPage(error: AppError, { locale, requestId, returnTo, formPage, who }: ErrorContext): VNode {
  const reader = readerOf(locale)
  const { say } = reader
  const { title, detail } = message(error, locale)
  return (
    <Layout {...reader} title={title} isError>
      <p>{detail}</p>
      <p class="actions">
        {waysOn(error, { returnTo, formPage, signedIn: who !== null }).map(({ href, text }, index) => (
          <a key={href} class={index === 0 ? 'button primary' : 'button'} href={href}>
            {say[text]}
          </a>
        ))}
      </p>
      <p class="fine">
        {say.errorCode}: <code>{error.code}</code>
        <br />
        {say.requestId}: <code>{requestId}</code>
      </p>
    </Layout>
  )
}

const targetTo = ({ returnTo, codeChallenge }: NonNullable<AppError['onward']>): SignInTarget => ({
  return_to: returnTo,
  ...(codeChallenge === null ? {} : { code_challenge: codeChallenge, code_challenge_method: 'S256' }),
})

type WayOn = {
  readonly href: string
  readonly text: 'tryAgain' | 'signIn' | 'signInAgain' | 'backToAccount' | 'backToTeam' | 'home'
}

type Where = Pick<ErrorContext, 'returnTo' | 'formPage'> & { readonly signedIn: boolean }

function waysOn({ code, extra, onward }: AppError, { returnTo, formPage, signedIn }: Where): readonly WayOn[] {
  const way = ways[code]
  // The answer of a provider is valid once: to return to it could only fail again.
  const here = returnTo !== null && !/^\/auth\/[^/?]+\/callback(\?|$)/.test(returnTo) ? returnTo : null
  const account: WayOn = signedIn ? { href: '/account', text: 'backToAccount' } : { href: '/', text: 'home' }

  // A team could not be connected: that is started again on the page of its connections, and only there.
  if (typeof extra?.team_id === 'string')
    return [{ href: `/account/teams/${extra.team_id}/integrations`, text: 'backToTeam' }, account]
  const again: WayOn | undefined = onward && { href: `/login${suffixOf(targetTo(onward))}`, text: 'signInAgain' }
  if (way === 'again') {
    const first: WayOn | undefined = here === null ? again : { href: here, text: 'tryAgain' }
    return first ? [first, account] : [account]
  }
  if (way === 'sign_in') {
    if (again) return [again, ...(signedIn ? [account] : [])]
    // Return to the requested page only if a sign-in was all that was missing.
    const proving = code === 'reauthentication_required' || code === 'authentication_required'
    const target = proving ? (here ?? formPage ?? '/account') : undefined
    const login = target === undefined ? '/login' : `/login?return_to=${encodeURIComponent(target)}`
    return [{ href: login, text: 'signInAgain' }, ...(signedIn ? [account] : [])]
  }
  if (way === 'account') return [signedIn ? account : { href: '/account', text: 'backToAccount' }]
  return signedIn ? [account] : [{ href: '/login', text: 'signIn' }, account]
}
