import type { ComponentChildren, VNode } from 'preact'
import type { Identity } from '../../accounts/ports.ts'
import type { StoredGrant } from '../../connections/ports.ts'
import { fail } from '../../errors/catalogue.ts'
import type { UserInfoCode } from '../../flows/read-userinfo.ts'
import { ok } from '../../kernel/result.ts'
import type { Provider } from '../../providers/provider.ts'
import type { Providers } from '../../providers/providers.ts'
import { isRecent } from '../principal.ts'
import { seeOther } from '../reply.ts'
import { route } from '../route.ts'
import { idParams, providerParams } from '../schemas.ts'
import type { Services } from '../services.ts'
import { originsOf } from './form-action.ts'
import {
  BackToAccount,
  Facts,
  Form,
  Layout,
  type Reader,
  readerOf,
  SignInAgain,
  show,
  Time,
  Unseen,
} from './layout.tsx'
import { doneAt } from './status.ts'

const common = { tag: 'Pages', surface: 'browser', auth: 'user', limit: 'account' } as const

const view = route({
  ...common,
  method: 'get',
  path: '/account/identities/:id',
  summary: 'What the provider says about me now',
  params: idParams,
  fails: [
    'not_linked',
    'provider_unavailable',
    'user_info_fetch_failed',
    'needs_reauthorization',
  ] satisfies UserInfoCode[],
  async handle({ who, params, locale, csrfToken }, { flows, links, providers }: Services) {
    const reader = readerOf(locale)
    const { say } = reader
    const identity = (await links.list(who.accountId)).find(({ id }) => id === params.id)
    if (!identity) return fail('not_linked')
    const found = await flows.readUserInfo(who.accountId, identity.id)
    if (!found.ok) return found
    const { profile, fetchedAt, fromCache, stale } = found.value
    const age = stale ? say.identity.stale : fromCache ? say.identity.fromCache : say.identity.now
    return show(
      locale,
      <Layout {...reader} title={say.identity.title(nameOf(identity, providers))} signedIn={csrfToken()}>
        <p>
          {say.identity.asked}: <Time {...reader} at={fetchedAt} /> ({age})
        </p>
        <ProviderWords {...reader} profile={profile} />
        <BackToAccount {...reader} />
      </Layout>,
    )
  },
})

const askUnlink = route({
  ...common,
  method: 'get',
  path: '/account/identities/:id/unlink',
  summary: 'Ask before a sign-in is unlinked',
  params: idParams,
  fails: ['not_linked'],
  async handle({ who, params, locale, csrfToken }, { links, providers }: Services) {
    const reader = readerOf(locale)
    const { say } = reader
    const [identities, methods] = await Promise.all([links.list(who.accountId), links.methods(who.accountId)])
    const identity = identities.find(({ id }) => id === params.id)
    if (!identity) return fail('not_linked')
    const provider = providers.get(identity.provider)
    const name = nameOf(identity, providers)
    const keepsAWayIn = methods.some(
      (method) => method.usable && !(method.type === 'provider' && method.identityId === identity.id),
    )
    const csrf = csrfToken()
    return show(
      locale,
      <Layout {...reader} title={say.unlink.title(name)} signedIn={csrf}>
        {keepsAWayIn ? (
          <>
            <p>
              {say.unlink.text(name)} {whatBecomesOfIt(provider, say)}
            </p>
            <Elsewhere {...reader} provider={provider} />
          </>
        ) : (
          <p class="caution">{say.unlink.last}</p>
        )}
        <div class="actions">
          {keepsAWayIn ? (
            <Form action={`/account/identities/${identity.id}/unlink`} csrf={csrf}>
              <button type="submit" class="danger">
                {say.unlink.button(name)}
              </button>
            </Form>
          ) : null}
          <a class="button" href="/account">
            {keepsAWayIn ? say.cancel : say.backToAccount}
          </a>
        </div>
      </Layout>,
    )
  },
})

const unlink = route({
  ...common,
  method: 'post',
  path: '/account/identities/:id/unlink',
  summary: 'Unlink a sign-in',
  params: idParams,
  status: 303,
  fails: ['not_linked', 'last_login_method'],
  async handle({ who, params, origin }, { flows }: Services) {
    const done = await flows.unlink(
      { accountId: who.accountId, sessionId: who.sessionId, identityId: params.id },
      origin,
    )
    return done.ok ? ok(seeOther(doneAt('/account', 'unlinked'))) : done
  },
})

const askLink = route({
  ...common,
  method: 'get',
  path: '/account/link/:provider',
  summary: 'Ask before a provider is linked',
  params: providerParams,
  fails: ['provider_not_found'],
  async handle({ who, params, locale, csrfToken }, { providers, clock, settings }: Services) {
    const reader = readerOf(locale)
    const { say } = reader
    const provider = providers.get(params.provider)
    if (!provider) return fail('provider_not_found', { provider: params.provider })
    const csrf = csrfToken()
    const recent = isRecent(who, clock(), settings.recentAuthSeconds)
    return show(
      locale,
      <Layout {...reader} title={say.link.title(provider.name)} signedIn={csrf}>
        <p>{say.link.text(provider.name)}</p>
        {provider.scopes.length === 0 ? null : (
          <>
            <p id="asks">{say.link.asks}</p>
            <ul aria-labelledby="asks">
              {provider.scopes.map((scope) => (
                <li key={scope}>
                  <Scope {...reader} scope={scope} />
                </li>
              ))}
            </ul>
          </>
        )}
        <div class="actions">
          {recent ? (
            <LinkForm {...reader} provider={provider} csrf={csrf} primary />
          ) : (
            <SignInAgain {...reader} returnTo={`/account/link/${provider.id}`} />
          )}
          <a class="button" href="/account">
            {say.cancel}
          </a>
        </div>
      </Layout>,
      { formAction: await originsOf(providers, [provider]) },
    )
  },
})
export const identityRoutes = [view, askUnlink, unlink, askLink]

const nameOf = ({ provider }: Identity, providers: Providers): string => providers.get(provider)?.name ?? provider

type LinkFormProps = Reader & { readonly provider: Provider; readonly csrf: string; readonly primary?: true }

/** Ends at the provider: the page that shows it must name that provider’s origin in `form-action`. */
export function LinkForm({ provider, csrf, primary, say }: LinkFormProps): VNode {
  return (
    <Form action={`/auth/${provider.id}/link`} csrf={csrf}>
      <input type="hidden" name="return_to" value={doneAt('/account', 'linked')} />
      <button type="submit" class={primary && 'primary'}>
        {say.link.button(provider.name)}
      </button>
    </Form>
  )
}

/** A scope in words, and as the provider spells it. */
export function Scope({ scope, say }: Reader & { scope: string }): VNode {
  const { scopes, otherScope } = say.ways
  const words = Object.hasOwn(scopes, scope) ? scopes[scope] : otherScope
  return (
    <>
      {words} <code class="fine">{scope}</code>
    </>
  )
}

/** Promises a withdrawal only where the provider has an endpoint for it. */
function whatBecomesOfIt(provider: Provider | undefined, { unlink: words }: Reader['say']): string {
  if (!provider || provider.revokes === false) return words.erased
  return provider.revokes ? words.withdrawn(provider.name) : words.perhapsWithdrawn(provider.name)
}

/** Where people withdraw a permission themselves, when we cannot. */
function Elsewhere({ provider, say }: Reader & { provider: Provider | undefined }): VNode | null {
  if (provider?.revokes !== false) return null
  const { noEndpoint, elsewhere } = say.unlink
  return (
    <p>
      {noEndpoint(provider.name)}{' '}
      {provider.kind === 'atlassian' ? (
        <a href="https://id.atlassian.com/manage-profile/apps" rel="noreferrer">
          {elsewhere}
        </a>
      ) : (
        elsewhere
      )}
      .
    </p>
  )
}

type IdentityListProps = Reader & {
  readonly identities: readonly {
    readonly identity: Identity
    readonly usable: boolean
    readonly tokens: StoredGrant['status'] | 'none'
  }[]
  readonly providers: Providers
}

export function IdentityList({ identities, providers, ...reader }: IdentityListProps): VNode {
  const { say } = reader
  const { ways } = say
  return (
    <ul class="entries">
      {identities.map(({ identity, usable, tokens }) => {
        const name = nameOf(identity, providers)
        const about = identity.email ?? identity.name ?? identity.subject
        return (
          <li key={identity.id}>
            <h3>{name}</h3>
            <Facts
              of={[
                identity.email === null
                  ? [ways.id, identity.name ?? identity.subject]
                  : [
                      say.profile.email,
                      `${identity.email} (${identity.emailVerified ? say.profile.verified : say.profile.notVerified})`,
                    ],
                [ways.usable, usable ? ways.works : <span class="caution">{ways.switchedOff}</span>],
                [ways.linkedAt, <Time key="linked" {...reader} at={identity.linkedAt} />],
                [ways.lastUsed, <Time key="used" {...reader} at={identity.lastUsedAt} />],
                [ways.allowed, <Scopes key="allowed" {...reader} scopes={identity.scopes} />],
                [
                  ways.permission,
                  tokens === 'needs_reauthorization' && usable ? (
                    <>
                      <span class="caution">{ways.tokenStatus[tokens]}</span>.{' '}
                      <a href={`/auth/${identity.provider}?return_to=%2Faccount`}>{ways.renew(name)}</a>
                    </>
                  ) : (
                    ways.tokenStatus[tokens]
                  ),
                ],
              ]}
            />
            <Elsewhere {...reader} provider={providers.get(identity.provider)} />
            <p class="actions">
              <a class="button" href={`/account/identities/${identity.id}`}>
                {ways.show(name)}
                <Unseen> ({about})</Unseen>
              </a>
              <a class="button" href={`/account/identities/${identity.id}/unlink`}>
                {ways.unlink(name)}
                <Unseen> ({about})</Unseen>
              </a>
            </p>
          </li>
        )
      })}
    </ul>
  )
}

function Scopes({ scopes, ...reader }: Reader & { scopes: readonly string[] }): VNode {
  if (scopes.length === 0) return <>{reader.say.ways.nothingAllowed}</>
  return (
    <ul>
      {scopes.map((scope) => (
        <li key={scope}>
          <Scope {...reader} scope={scope} />
        </li>
      ))}
    </ul>
  )
}

type ProviderWordsProps = Reader & { readonly profile: Readonly<Record<string, unknown>> }

/** The provider’s own answer. An address of a picture is shown as text: loading it would tell that host who looks. */
function ProviderWords({ profile, say }: ProviderWordsProps): VNode {
  const { fields } = say.identity
  const words = (value: unknown): ComponentChildren => {
    if (value === null || value === undefined || value === '') return say.identity.nothing
    if (typeof value === 'boolean') return value ? say.yes : say.no
    return typeof value === 'object' ? <code>{JSON.stringify(value)}</code> : String(value)
  }
  return (
    <dl class="facts">
      {Object.entries(profile).map(([name, value]) => (
        <div key={name}>
          <dt>
            {Object.hasOwn(fields, name) ? `${fields[name]} ` : ''}
            <code>{name}</code>
          </dt>
          <dd>{words(value)}</dd>
        </div>
      ))}
    </dl>
  )
}
