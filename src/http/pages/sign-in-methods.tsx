import type { VNode } from 'preact'
import type { SignInMethod } from '../../accounts/methods.ts'
import type { Identity } from '../../accounts/ports.ts'
import type { Standing } from '../../connections/standing.ts'
import type { Account } from '../../kernel/account.ts'
import type { Provider } from '../../providers/provider.ts'
import type { Providers } from '../../providers/providers.ts'
import { isRecent } from '../principal.ts'
import { route } from '../route.ts'
import type { Services } from '../services.ts'
import { knownOrigins } from './form-action.ts'
import { LinkForm, nameOf, reconnectPath } from './identity.tsx'
import { Layout, type Reader, readerOf, SignInAgain, show, Time, Unseen } from './layout.tsx'
import { KeyMark, MailMark, PasswordMark } from './marks.tsx'
import { ProviderMark } from './provider-mark.tsx'
import { doneMessageOf, doneQuery } from './status.ts'

const here = '/account/sign-in'

const view = route({
  tag: 'Pages',
  surface: 'browser',
  auth: 'user',
  limit: 'account',
  method: 'get',
  path: here,
  summary: 'Show my sign-in methods, and link another one',
  query: doneQuery,
  fails: [],
  async handle({ who, query, locale, csrfToken }, services: Services) {
    const { links, standing, providers, clock, settings } = services
    const [identities, methods] = await Promise.all([links.list(who.accountId), links.methods(who.accountId)])
    const usable = new Set(
      methods.flatMap((method) => (method.type === 'provider' && method.usable ? [method.identityId] : [])),
    )
    const linked = await Promise.all(
      identities.map(async (identity) => ({
        identity,
        usable: usable.has(identity.id),
        standing: await standing(identity),
      })),
    )
    const reader = readerOf(locale)
    const { ways, sections } = reader.say
    const csrf = csrfToken()
    const recent = isRecent(who, clock(), settings.recentAuthSeconds)
    return show(
      locale,
      <Layout {...reader} title={sections.signIn} signedIn={csrf} status={doneMessageOf(query.done, locale)}>
        <p class="lead">{ways.intro(methods.filter((method) => method.usable).length, methods.length)}</p>
        <section class="panel" aria-labelledby="linked">
          <h2 id="linked">{ways.linked}</h2>
          {linked.length === 0 ? <p>{ways.noneLinked}</p> : null}
          <ul class="rows">
            {linked.map((one) => (
              <IdentityRow key={one.identity.id} {...reader} {...one} providers={providers} />
            ))}
          </ul>
          <LinkAnother {...reader} providers={providers.list()} csrf={csrf} recent={recent} />
        </section>
        <OwnMethods {...reader} methods={methods} account={who.account} />
      </Layout>,
      { formAction: recent ? knownOrigins(providers.list()) : [] },
    )
  },
})
export const signInMethodRoutes = [view]

type IdentityRowProps = Reader & {
  readonly identity: Identity
  readonly usable: boolean
  readonly standing: Standing
  readonly providers: Providers
}

/** One linked account: what it is, whether it works, and the one thing to do about it. */
function IdentityRow({ identity, usable, standing, providers, ...reader }: IdentityRowProps): VNode {
  const { ways } = reader.say
  const provider = providers.get(identity.provider)
  const name = nameOf(identity, providers)
  const about = identity.email ?? identity.name ?? identity.subject
  const isBroken = provider !== undefined && standing.status === 'needs_reauthorization'
  const page = `/account/identities/${identity.id}`
  return (
    <li class="marked">
      {provider === undefined ? <span /> : <ProviderMark provider={provider} />}
      <div>
        <h3>
          {name}{' '}
          <span class={usable ? (isBroken ? 'badge warn' : 'badge good') : 'badge bad'}>
            {usable ? (isBroken ? ways.again : ways.works) : ways.off}
          </span>
        </h3>
        <p class="fine">
          {about} · {ways.lastUsed} <Time {...reader} at={identity.lastUsedAt} />
          {usable ? null : `. ${ways.switchedOff}`}
        </p>
      </div>
      <div class="actions">
        {isBroken ? (
          <a class="button" href={reconnectPath(identity, provider)}>
            {ways.reconnect}
            <Unseen>
              {' '}
              {name} ({about})
            </Unseen>
          </a>
        ) : null}
        <a class="button" href={page}>
          {ways.manage}
          <Unseen>
            {' '}
            {name} ({about})
          </Unseen>
        </a>
      </div>
    </li>
  )
}

type LinkAnotherProps = Reader & {
  readonly providers: readonly Provider[]
  readonly csrf: string
  readonly recent: boolean
}

/** Offers every provider: an account may have several identities of one. */
function LinkAnother({ providers, csrf, recent, ...reader }: LinkAnotherProps): VNode | null {
  const { link } = reader.say
  if (providers.length === 0) return null
  return (
    <details>
      <summary>{link.heading}</summary>
      <p class="fine">{link.intro}</p>
      {recent ? (
        <div class="actions">
          {providers.map((provider) =>
            // Before discovery, the link page waits for the provider, so that this page does not have to.
            provider.authorizeOrigin() === null ? (
              <a key={provider.id} class="button" href={`/account/link/${provider.id}`}>
                {link.button(provider.name)}
              </a>
            ) : (
              <LinkForm key={provider.id} {...reader} provider={provider} csrf={csrf} />
            ),
          )}
        </div>
      ) : (
        <SignInAgain {...reader} returnTo={here} />
      )}
    </details>
  )
}

type OwnMethodsProps = Reader & { readonly methods: readonly SignInMethod[]; readonly account: Account }

/** The methods that are not providers: each is managed on a page of its own. */
function OwnMethods({ methods, account, say }: OwnMethodsProps): VNode {
  const { ways, security, profile } = say
  const passkeys = methods.filter(({ type }) => type === 'passkey').length
  const password = methods.find(({ type }) => type === 'password')
  const rows = [
    {
      path: '/account/passkeys',
      mark: <KeyMark />,
      name: security.passkeys,
      state: passkeys === 0 ? ways.noPasskeys : ways.passkeys(passkeys),
      action: passkeys === 0 ? ways.add : ways.manage,
    },
    {
      path: '/account/password',
      mark: <PasswordMark />,
      name: security.password,
      state: password === undefined ? ways.noPassword : password.usable ? ways.hasPassword : ways.passwordWaits,
      action: password === undefined ? ways.add : ways.change,
    },
    {
      path: '/account/email',
      mark: <MailMark />,
      name: security.email,
      state:
        account.email === null
          ? ways.noEmail
          : `${account.email} (${account.emailVerified ? profile.verified : profile.notVerified})`,
      action: account.email === null ? ways.add : ways.change,
    },
  ]
  return (
    <section class="panel" aria-labelledby="own">
      <h2 id="own">{ways.own}</h2>
      <ul class="rows">
        {rows.map(({ path, mark, name, state, action }) => (
          <li key={path} class="marked">
            {mark}
            <div>
              <h3>{name}</h3>
              <p class="fine">{state}</p>
            </div>
            <div class="actions">
              <a class="button" href={path}>
                {action}
                <Unseen> {name}</Unseen>
              </a>
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}
