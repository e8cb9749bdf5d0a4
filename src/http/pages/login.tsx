import type { VNode } from 'preact'
import { type AppError, catalogue, message } from '../../errors/catalogue.ts'
import type { Origin } from '../../events/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import type { Provider } from '../../providers/provider.ts'
import { enteringOf, refuseTarget, type SignInTarget, targetFields, targetOf } from '../api/sign-in-target.ts'
import { seeOther } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import { addressText, passwordGiven } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { signedInAsRedirect, toSecondFactor } from '../sign-in-answers.ts'
import { Field } from './field.tsx'
import { Form, Layout, type Reader, readerOf, show } from './layout.tsx'
import { PasskeyForm } from './passkey-form.tsx'
import { ProviderMark } from './provider-mark.tsx'
import { doneMessageOf } from './status.ts'
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

type LoginContext = {
  readonly given: SignInTarget
  readonly who: Principal | null
  readonly locale: Reader['locale']
  readonly csrf: string
  readonly origin: Origin
  readonly status?: string | undefined
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
  async handle({ query, who, locale, origin, csrfToken }, services: Services) {
    const status = doneMessageOf(query.done, locale)
    return showLogin({ given: query, who, locale, origin, csrf: csrfToken(), status }, services)
  },
})

async function showLogin({ given, who, locale, origin, csrf, status, refused }: LoginContext, services: Services) {
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
      scripts: true,
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
    return showLogin({ given: body, who, locale, origin, csrf: csrfToken(), refused: { username, error } }, services)
  },
})

export const loginRoutes = [home, login, withPassword]

type LoginProps = Reader & {
  readonly providers: readonly { readonly provider: Provider; readonly status: 'up' | 'degraded' | 'down' }[]
  readonly given: SignInTarget
  readonly mail: boolean
  readonly onwardTo: string | undefined
  readonly visitor: { readonly name: string; readonly email: string | null } | undefined
  readonly csrf: string
  readonly canRegister: boolean
  readonly refused: LoginContext['refused']
  readonly status: string | undefined
}

function LoginPage(props: LoginProps): VNode {
  const { providers, given, mail, onwardTo, visitor, csrf, canRegister, refused, status, ...reader } = props
  const { say } = reader
  const suffix = suffixOf(given)
  return (
    <Layout {...reader} title={say.login.title} signedIn={visitor && csrf} status={status}>
      {visitor ? <p>{say.login.signedInAs(visitor.name)}</p> : null}
      {onwardTo === undefined ? null : <p>{say.login.onward(onwardTo)}</p>}
      {providers.length === 0 ? null : (
        <section aria-labelledby="providers">
          <h2 id="providers">{say.login.providers}</h2>
          <ul class="providers">
            {providers.map(({ provider, provider: { id, name }, status: doing }) => (
              <li key={id}>
                <a
                  class="button"
                  href={`/auth/${id}${suffix}`}
                  aria-describedby={doing === 'up' ? undefined : `status-${id}`}
                >
                  <ProviderMark provider={provider} /> {say.login.with(name)}
                </a>
                {doing === 'up' ? null : (
                  <span class="fine" id={`status-${id}`}>
                    {say.login.status[doing]}
                  </span>
                )}
              </li>
            ))}
          </ul>
          <p class="fine">{say.login.privacy}</p>
        </section>
      )}
      <section aria-labelledby="with-password">
        <h2 id="with-password">{say.password.signIn}</h2>
        <Form action="/login/password" csrf={csrf}>
          <TargetFields given={given} />
          <Field
            name="username"
            type="email"
            label={say.password.email}
            autocomplete="username"
            value={refused?.username ?? visitor?.email ?? ''}
            maxlength={320}
          />
          <Field
            name="password"
            type="password"
            label={say.password.password}
            autocomplete="current-password"
            error={refused && message(refused.error, reader.locale).detail}
          />
          <p class="actions">
            <button type="submit" class="primary">
              {say.signIn}
            </button>
            {mail ? <a href="/forgot-password">{say.password.forgot}</a> : null}
          </p>
        </Form>
        <p class="actions">
          {mail ? <a href={`/login/email${suffix}`}>{say.password.byMail}</a> : null}
          {canRegister ? <a href={`/register${suffix}`}>{say.register.link}</a> : null}
        </p>
      </section>
      <PasskeyForm
        {...reader}
        {...{ action: '/login/passkey', csrf, does: 'get', options: '/auth/passkey/options', target: given }}
        button={say.passkeys.signIn}
      />
    </Layout>
  )
}
