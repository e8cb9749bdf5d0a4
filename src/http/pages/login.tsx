import type { VNode } from 'preact'
import { z } from 'zod'
import { fail } from '../../errors/catalogue.ts'
import { readReturnTo } from '../../flows/return-to.ts'
import { ok } from '../../kernel/result.ts'
import type { Provider } from '../../providers/provider.ts'
import { seeOther } from '../reply.ts'
import { route } from '../route.ts'
import type { Services } from '../services.ts'
import { Layout, type Reader, readerOf, show } from './layout.tsx'
import { statusOf } from './status.ts'

const home = route({
  method: 'get',
  path: '/',
  summary: 'To the account page, or to the sign-in page',
  tag: 'Pages',
  surface: 'browser',
  auth: 'public',
  limit: 'browse',
  status: 303,
  fails: [],
  handle: ({ who }) => ok(seeOther(who ? '/account' : '/login')),
})

/** What the begin route takes along. Anything else in the address is somebody’s tracking, and left aside. */
const passedOn = ['return_to', 'code_challenge', 'code_challenge_method'] as const
const text = z.string().max(2048).optional()

const login = route({
  method: 'get',
  path: '/login',
  summary: 'Choose a provider to sign in with',
  tag: 'Pages',
  surface: 'browser',
  auth: 'public',
  limit: 'browse',
  query: z.looseObject({ return_to: text, code_challenge: text, code_challenge_method: text, done: text }),
  fails: ['return_to_not_allowed'],
  async handle({ query, who, locale, csrfToken }, services: Services) {
    const { providers, settings } = services
    const target =
      query.return_to === undefined
        ? undefined
        : readReturnTo(query.return_to, settings.returnToAllowed, settings.publicUrl)
    if (query.return_to !== undefined && !target) return fail('return_to_not_allowed')
    const along = new URLSearchParams(
      passedOn.flatMap((name) => (query[name] === undefined ? [] : [[name, query[name]]])),
    ).toString()
    const account = who?.account
    return show(
      locale,
      <LoginPage
        {...readerOf(locale)}
        providers={providers.list().map((provider) => ({ provider, status: providers.status(provider) }))}
        mail={settings.mail}
        suffix={along === '' ? '' : `?${along}`}
        onwardTo={target?.tag === 'app' ? target.url.host : undefined}
        visitor={account && { name: account.name ?? account.email ?? account.id, csrf: csrfToken() }}
        status={statusOf(query.done, locale)}
      />,
    )
  },
})

export const loginRoutes = [home, login]

type LoginProps = Reader & {
  readonly providers: readonly { readonly provider: Provider; readonly status: 'up' | 'degraded' | 'down' }[]
  readonly mail: boolean
  readonly suffix: string
  readonly onwardTo: string | undefined
  readonly visitor: { readonly name: string; readonly csrf: string } | undefined
  readonly status: string | undefined
}

function LoginPage({ providers, mail, suffix, onwardTo, visitor, status, ...reader }: LoginProps): VNode {
  const { say } = reader
  return (
    <Layout {...reader} title={say.login.title} signedIn={visitor?.csrf} status={status}>
      {visitor ? <p>{say.login.signedInAs(visitor.name)}</p> : null}
      {providers.length === 0 ? (
        <p>{say.login.nobody}</p>
      ) : (
        <>
          <ul class="providers">
            {providers.map(({ provider: { id, name }, status: doing }) => (
              <li key={id}>
                <a
                  class="button"
                  href={`/auth/${id}${suffix}`}
                  aria-describedby={doing === 'up' ? undefined : `status-${id}`}
                >
                  {say.login.with(name)}
                </a>
                {doing === 'up' ? null : (
                  <span class="fine" id={`status-${id}`}>
                    {say.login.status[doing]}
                  </span>
                )}
              </li>
            ))}
          </ul>
          {onwardTo === undefined ? null : <p>{say.login.onward(onwardTo)}</p>}
          <p class="fine">{say.login.privacy}</p>
        </>
      )}
      {mail ? (
        <p class="actions">
          <a class="button" href={`/login/email${suffix}`}>
            {say.mail.login.offer}
          </a>
          <a class="button" href="/forgot-password">
            {say.mail.login.forgot}
          </a>
        </p>
      ) : null}
    </Layout>
  )
}
