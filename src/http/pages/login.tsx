import type { VNode } from 'preact'
import { type AppError, catalogue, message } from '../../errors/catalogue.ts'
import type { Origin } from '../../events/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import type { Provider } from '../../providers/provider.ts'
import { enteringOf, refuseTarget, type SignInTarget, targetFields, targetOf } from '../api/sign-in-target.ts'
import { usePageFrame } from '../page-frame.ts'
import { seeOther } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import { addressText, passwordGiven } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { signedInAsRedirect, toSecondFactor, typedEmailCookie } from '../sign-in-answers.ts'
import { Field } from './field.tsx'
import { loginHintOf } from './interaction.ts'
import { Form, Layout, type Reader, readerOf, show } from './layout.tsx'
import { KeyMark } from './marks.tsx'
import { PasskeyForm } from './passkey-form.tsx'
import { ProviderMark } from './provider-mark.tsx'
import { refusalOf } from './refusal.tsx'
import { doneMessageOf, type Notice } from './status.ts'
import { suffixOf, TargetFields, targetQuery } from './target-fields.tsx'

const home = route({
  method: 'get',
  path: '/',
  summary: 'Redirect to the account page, or to the sign-in page',
  tag: 'Pages',
  surface: 'browser',
  auth: 'public',
  limit: 'browse',
  status: 303,
  fails: [],
  handle: ({ who }) => ok(seeOther(who ? '/account' : '/login')),
})

/** Notices that ask to sign in. */
const requests: ReadonlySet<string> = new Set(['sign_in_to_verify', 'sign_in_to_change'] satisfies Notice[])
type Status = { readonly text: string; readonly isRequest: boolean }

type LoginContext = {
  readonly given: SignInTarget
  readonly who: Principal | null
  readonly locale: Reader['locale']
  readonly csrf: string
  readonly origin: Origin
  readonly status?: Status | undefined
  /** An email address that was typed on the page before. */
  readonly email?: string | undefined
  /** The email address that an application suggests. */
  readonly hint?: string | undefined
  readonly lastMethod: string | undefined
  /** Why the password form was refused. It keeps the email address, but not the password. */
  readonly refused?: { readonly username: string; readonly error: AppError }
}

const login = route({
  method: 'get',
  path: '/login',
  summary: 'Show the sign-in page',
  tag: 'Pages',
  surface: 'browser',
  auth: 'public',
  limit: 'browse',
  query: targetQuery,
  fails: ['return_to_not_allowed'],
  async handle({ query, who, locale, origin, cookie, csrfToken }, services: Services) {
    const text = doneMessageOf(query.done, locale)
    const status = text === undefined ? undefined : { text, isRequest: requests.has(query.done ?? '') }
    return showLogin(
      {
        given: query,
        who,
        locale,
        origin,
        csrf: csrfToken(),
        status,
        email: cookie('typed_email'),
        hint: await loginHintOf(query, cookie, services),
        lastMethod: cookie('last_method'),
      },
      services,
    )
  },
})

async function showLogin(
  { given, who, locale, origin, csrf, status, email, hint, lastMethod, refused }: LoginContext,
  services: Services,
) {
  const { providers, settings } = services
  const target = targetOf(given, services)
  if (given.return_to !== undefined && !target) return refuseTarget(origin, services)
  const account = who?.account
  const retryAfter = refused?.error.retryAfter
  return show(
    locale,
    <LoginPage
      {...readerOf(locale)}
      providers={providers.list().map((provider) => ({ provider, status: providers.status(provider) }))}
      given={given}
      mail={settings.mail}
      email={email ?? hint}
      lastMethod={lastMethod}
      onwardTo={target?.tag === 'app' ? target.url.host : undefined}
      visitor={account && { name: account.name ?? account.email ?? account.id, email: account.email }}
      csrf={csrf}
      canRegister={settings.canRegister}
      refused={refused}
      status={status}
    />,
    {
      ...(refused ? { status: catalogue[refused.error.code].status } : {}),
      ...(retryAfter === undefined ? {} : { headers: { 'Retry-After': String(retryAfter) } }),
      // It is filled in once.
      cookies: email === undefined ? [] : [typedEmailCookie(null)],
      // The redirect to the app belongs to the submission of the password form.
      formAction: target?.tag === 'app' ? [target.url.origin] : [],
    },
  )
}

const withPassword = route({
  method: 'post',
  path: '/login/password',
  summary: 'Sign in with an email address and a password, in a browser',
  tag: 'Pages',
  surface: 'browser',
  auth: 'public',
  limit: 'sign_in',
  body: object({
    username: addressText,
    password: passwordGiven,
    ...targetFields,
  }),
  status: 303,
  also: ['page'],
  fails: [
    'return_to_not_allowed',
    'invalid_credentials',
    'too_many_attempts',
    'email_unverified',
    'second_factor_required',
    'second_factor_invalid',
    'sign_in_overtaken',
    'invalid_request',
  ],
  async handle({ body, who, origin, wants, locale, cookie, csrfToken }, services: Services) {
    const entering = await enteringOf(body, who, origin, services)
    if (!entering.ok) return entering
    const { username, password } = body
    const given = { username, password, emailTicket: cookie('mail_ticket') }
    const entered = await services.flows.signInWithPassword(given, entering.value)
    if (entered.ok) return ok(await signedInAsRedirect(entered.value, services))
    const { error } = entered
    if (wants === 'json') return entered
    const next = toSecondFactor(error)
    if (next) return ok(next)
    return showLogin(
      {
        given: body,
        who,
        locale,
        origin,
        csrf: csrfToken(),
        lastMethod: cookie('last_method'),
        refused: { username, error },
      },
      services,
    )
  },
})

export const loginRoutes = [home, login, withPassword]

type Offered = { readonly provider: Provider; readonly status: 'up' | 'degraded' | 'down' }

type LoginProps = Reader & {
  readonly providers: readonly Offered[]
  readonly given: SignInTarget
  readonly mail: boolean
  readonly onwardTo: string | undefined
  readonly visitor: { readonly name: string; readonly email: string | null } | undefined
  /** An email address that was typed on the page before, or that an application suggests. */
  readonly email: string | undefined
  readonly csrf: string
  readonly canRegister: boolean
  readonly refused: LoginContext['refused']
  readonly status: Status | undefined
  readonly lastMethod: string | undefined
}

function LoginPage(props: LoginProps): VNode {
  const { providers, given, mail, onwardTo, visitor, email, csrf, canRegister, refused, status, lastMethod } = props
  const { locale, say } = props
  const { brand } = usePageFrame()
  const reader = { locale, say }
  const suffix = suffixOf(given)
  const address = refused?.username ?? email ?? visitor?.email ?? ''
  const error = refused && message(refused.error, locale)
  const methods = (
    <Methods {...reader} {...{ providers, suffix, lastMethod }}>
      <PasskeyForm
        {...reader}
        {...{ action: '/login/passkey', csrf, does: 'get', options: '/auth/passkey/options', target: given }}
        button={say.passkeys.signIn}
        mark={<KeyMark />}
        badge={lastMethod === 'passkey' ? <LastUsed say={say} /> : undefined}
        autofill
      />
    </Methods>
  )
  const form = (
    <Form action="/login/password" csrf={csrf}>
      <TargetFields given={given} />
      <Field
        name="username"
        type="email"
        label={say.password.email}
        autocomplete="username webauthn"
        value={address}
        maxlength={320}
        autofocus={address === ''}
      />
      <Field
        name="password"
        type="password"
        label={say.password.password}
        autocomplete="current-password"
        autofocus={address !== ''}
        reveal={say.reveal}
        aside={mail ? <a href="/forgot-password">{say.password.forgot}</a> : undefined}
      />
      <p class="actions">
        <button type="submit" class="primary">
          {say.signIn}
          {lastMethod === 'password' ? <LastUsed say={say} /> : null}
        </button>
        {mail ? (
          <a href={`/login/email${suffix}`}>
            {say.password.byMail}
            {lastMethod === 'email' ? <LastUsed say={say} /> : null}
          </a>
        ) : null}
      </p>
    </Form>
  )
  const or = <p class="or">{say.login.or}</p>
  // After a wrong password the next thing to do is to correct it: the form comes first.
  const [first, second] = refused ? [form, methods] : [methods, form]
  return (
    <Layout
      {...reader}
      title={say.login.titleAt(brand.name)}
      status={status?.text}
      isRequest={status?.isRequest}
      refused={refusalOf('password', error?.detail)}
    >
      {visitor ? <p class="lead">{say.login.signedInAs(visitor.name)}</p> : null}
      {onwardTo === undefined ? null : <p class="lead">{say.login.onward(onwardTo)}</p>}
      {first}
      {or}
      {second}
      {canRegister ? (
        <p class="fine">
          {say.login.newHere(brand.name)} <a href={`/register${suffix}`}>{say.register.link}</a>
        </p>
      ) : null}
    </Layout>
  )
}

/** The device remembers which method signed in last. */
const LastUsed = ({ say }: Pick<Reader, 'say'>): VNode => <span class="badge">{say.login.lastUsed}</span>

/** So many providers are shown at once, if there are more than `foldAbove`. */
const shownAtOnce = 3
const foldAbove = 4

type MethodsProps = Reader & {
  readonly providers: readonly Offered[]
  readonly suffix: string
  readonly lastMethod: string | undefined
  /** The passkey. */
  readonly children: VNode
}

/** The providers and the passkey. The provider used last comes first; a long list is folded. */
function Methods({ providers, suffix, lastMethod, children, say }: MethodsProps): VNode {
  const isLast = ({ provider }: Offered): boolean => provider.id === lastMethod
  const sorted = [...providers].sort((a, b) => Number(isLast(b)) - Number(isLast(a)))
  const [shown, folded] =
    sorted.length > foldAbove ? [sorted.slice(0, shownAtOnce), sorted.slice(shownAtOnce)] : [sorted, []]
  const entries = (of: readonly Offered[]): VNode[] =>
    of.map((one) => (
      <li key={one.provider.id}>
        <a class="button" href={`/auth/${one.provider.id}${suffix}`}>
          <ProviderMark provider={one.provider} />
          {say.login.with(one.provider.name)}
          {one.status !== 'up' ? (
            <span class={one.status === 'down' ? 'badge bad' : 'badge warn'}>{say.login.status[one.status]}</span>
          ) : isLast(one) ? (
            <LastUsed say={say} />
          ) : null}
        </a>
      </li>
    ))
  return (
    <>
      <ul class="providers">
        {entries(shown)}
        <li>{children}</li>
      </ul>
      {folded.length === 0 ? null : (
        <details>
          <summary>{say.login.more(folded.length)}</summary>
          <ul class="providers">{entries(folded)}</ul>
        </details>
      )}
    </>
  )
}
