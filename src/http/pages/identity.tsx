import type { ComponentChildren, VNode } from 'preact'
import type { Identity } from '../../accounts/ports.ts'
import { fail, message } from '../../errors/catalogue.ts'
import type { Provider } from '../../providers/provider.ts'
import type { Providers } from '../../providers/providers.ts'
import { unlink } from '../api/identities.ts'
import { formOf } from '../form.ts'
import { useScript } from '../page-frame.ts'
import { isRecent } from '../principal.ts'
import { seeOther } from '../reply.ts'
import { route } from '../route.ts'
import { idParams, providerParams } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { originsOf } from './form-action.ts'
import { type FactList, Facts, Form, Layout, type Reader, readerOf, SignInAgain, show, Time } from './layout.tsx'
import { pageScript } from './page-script.ts'
import { Panel } from './panel.tsx'
import { Elsewhere, Permission, permissionDetails, ScopeName, whatBecomesOfIt } from './permission.tsx'
import { doneAt, doneMessageOf, doneQuery } from './status.ts'

const common = { tag: 'Pages', surface: 'browser', auth: 'user', limit: 'account' } as const

const view = route({
  ...common,
  method: 'get',
  path: '/account/identities/:id',
  summary: 'Show the permissions of a linked provider, and what it returns about me now',
  params: idParams,
  query: doneQuery,
  fails: ['not_linked'],
  async handle({ who, params, query, locale, csrfToken }, services: Services) {
    const { flows, links, providers, standing, clock, settings } = services
    const reader = readerOf(locale)
    const { say } = reader
    const identity = (await links.list(who.accountId)).find(({ id }) => id === params.id)
    if (!identity) return fail('not_linked')
    // In this order: the request to the provider may reveal that the permission was revoked.
    const found = await flows.readUserInfo(who.accountId, identity.id)
    const granted = await standing(identity)
    const provider = providers.get(identity.provider)
    const name = nameOf(identity, providers)
    const csrf = csrfToken()
    const recent = isRecent(who, clock(), settings.recentAuthSeconds)
    const status = doneMessageOf(query.done, locale)
    return show(
      locale,
      <Layout {...reader} title={say.identity.heading(name)} signedIn={csrf} status={status}>
        <Panel id="account" title={say.identity.account}>
          <Facts
            of={[
              ...whose(identity, reader),
              [say.ways.linkedAt, <Time key="linked" {...reader} at={identity.linkedAt} />],
              [say.ways.lastUsed, <Time key="used" {...reader} at={identity.lastUsedAt} />],
            ]}
          />
        </Panel>
        <Permission {...{ ...reader, identity, provider, csrf, recent }} standing={granted} />
        <section class="panel" aria-labelledby="said">
          <h2 id="said">{say.identity.title(name)}</h2>
          {found.ok ? (
            <>
              <Facts of={profileFacts(found.value.profile, reader)} />
              <p class="fine">
                {say.identity.asked} <Time {...reader} at={found.value.fetchedAt} />
                {found.value.stale ? ` (${say.identity.stale})` : null}
              </p>
            </>
          ) : (
            <p>{granted.status === 'revoked' ? say.identity.notAnyMore : message(found.error, locale).detail}</p>
          )}
        </section>
        <Details
          {...reader}
          of={[
            [say.identity.ids.identity, <code key="id">{identity.id}</code>],
            [say.identity.ids.subject(name), <code key="subject">{identity.subject}</code>],
            ...permissionDetails({ ...reader, identity, provider, standing: granted }),
          ]}
          raw={found.ok ? found.value.profile : null}
        />
        <p class="actions">
          <a class="button danger" href={`/account/identities/${identity.id}/unlink`}>
            {say.ways.unlink(name)}
          </a>
          <a class="button" href="/account/sign-in">
            {say.ways.back}
          </a>
        </p>
      </Layout>,
      { formAction: recent && provider?.optionalScopes.length ? await originsOf(providers, [provider]) : [] },
    )
  },
})

const askUnlink = route({
  ...common,
  method: 'get',
  path: '/account/identities/:id/unlink',
  summary: 'Ask for confirmation before a provider is unlinked',
  params: idParams,
  fails: ['not_linked'],
  async handle({ who, params, locale, csrfToken }, services: Services) {
    const { links, providers } = services
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
    const recent = isRecent(who, services.clock(), services.settings.recentAuthSeconds)
    const page = `/account/identities/${identity.id}/unlink`
    return show(
      locale,
      <Layout {...reader} title={say.unlink.title(name)} signedIn={csrf} card>
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
          {!keepsAWayIn ? null : recent ? (
            <Form action={page} csrf={csrf}>
              <button type="submit" class="danger">
                {say.unlink.button(name)}
              </button>
            </Form>
          ) : (
            <SignInAgain {...reader} returnTo={page} />
          )}
          <a class="button" href="/account/sign-in">
            {keepsAWayIn ? say.cancel : say.backToAccount}
          </a>
        </div>
      </Layout>,
    )
  },
})

const unlinkForm = formOf(unlink, {
  path: '/account/identities/:id/unlink',
  summary: 'Unlink a provider',
  done: () => seeOther(doneAt('/account/sign-in', 'unlinked')),
})

const askLink = route({
  ...common,
  method: 'get',
  path: '/account/link/:provider',
  summary: 'Ask for confirmation before a provider is linked',
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
      <Layout {...reader} title={say.link.title(provider.name)} signedIn={csrf} card>
        <p>{say.link.text(provider.name)}</p>
        {provider.scopes.length === 0 ? null : (
          <>
            <p id="asks">{say.link.asks}</p>
            <ul aria-labelledby="asks">
              {provider.scopes.map((scope) => (
                <li key={scope}>
                  <ScopeName {...reader} provider={provider} scope={scope} />
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
          <a class="button" href="/account/sign-in">
            {say.cancel}
          </a>
        </div>
      </Layout>,
      { formAction: await originsOf(providers, [provider]) },
    )
  },
})
export const identityRoutes = [view, askUnlink, unlinkForm, askLink]

/** The name of a provider, or its ID if it is no longer set up. */
export const nameOf = ({ provider }: Identity, providers: Providers): string =>
  providers.get(provider)?.name ?? provider

/**
 * Where an identity whose permission no longer works signs in again. Google issues another refresh token only after
 * another consent, even if the one it issued is invalid.
 */
export const reconnectPath = (identity: Identity, provider: Provider): string =>
  `/auth/${provider.id}?return_to=${encodeURIComponent(`/account/identities/${identity.id}`)}&consent=again`

/** The account at the provider. */
const whose = (identity: Identity, { say }: Reader): FactList => [
  identity.email === null
    ? [say.ways.id, identity.name ?? identity.subject]
    : [
        say.profile.email,
        `${identity.email} (${identity.emailVerified ? say.profile.verified : say.profile.notVerified})`,
      ],
]

type LinkFormProps = Reader & { readonly provider: Provider; readonly csrf: string; readonly primary?: true }

/** The form ends at the provider: its page must name the origin of that provider in `form-action`. */
export function LinkForm({ provider, csrf, primary, say }: LinkFormProps): VNode {
  return (
    <Form action={`/auth/${provider.id}/link`} csrf={csrf}>
      <input type="hidden" name="return_to" value={doneAt('/account/sign-in', 'linked')} />
      <button type="submit" class={primary && 'primary'}>
        {say.link.button(provider.name)}
      </button>
    </Form>
  )
}

/** What a provider returns under these names is for people. Everything else is among the details. */
const shownFields = [
  'name',
  'given_name',
  'family_name',
  'nickname',
  'login',
  'email',
  'email_verified',
  'hd',
  'locale',
  'picture',
  'avatar_url',
]

/** What the provider returned, in words. A picture is linked: loading it would reveal the viewer to its host. */
function profileFacts(profile: Readonly<Record<string, unknown>>, { say }: Reader): FactList {
  const { fields, nothing, viewPicture } = say.identity
  const words = (name: string, value: unknown): ComponentChildren => {
    if (typeof value === 'boolean') return value ? say.yes : say.no
    const text = typeof value === 'string' || typeof value === 'number' ? String(value) : ''
    if (!isPictureField(name)) return text
    return /^https:\/\//.test(text) ? (
      <a href={text} rel="noreferrer">
        {viewPicture}
      </a>
    ) : (
      text
    )
  }
  const facts = shownFields.flatMap((name): FactList => {
    const value = Object.hasOwn(profile, name) ? profile[name] : undefined
    if (value === null || value === undefined || value === '' || typeof value === 'object') return []
    return [[fields[name] ?? name, words(name, value)]]
  })
  return facts.length > 0 ? facts : [[say.identity.account, nothing]]
}
const isPictureField = (name: string): boolean => name === 'picture' || name === 'avatar_url'

type DetailsProps = Reader & {
  readonly of: FactList
  /** The response of the provider, as it was. */
  readonly raw: Readonly<Record<string, unknown>> | null
}

/** IDs, names of scopes and the raw response: for a support request, never in front. */
function Details({ of, raw, say }: DetailsProps): VNode {
  useScript(pageScript)
  return (
    <details class="panel">
      <summary>{say.ways.details}</summary>
      <div id="details">
        <Facts of={of} />
        {raw === null ? null : <pre>{JSON.stringify(raw, null, 2)}</pre>}
      </div>
      <p class="actions">
        <button
          type="button"
          data-act="copy"
          data-of="#details dt, #details dd, #details pre"
          data-done={say.secondFactor.copied}
          hidden
        >
          {say.secondFactor.copy}
        </button>
      </p>
    </details>
  )
}
