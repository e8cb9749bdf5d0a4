import type { VNode } from 'preact'
import { z } from 'zod'
import type { Identity } from '../../accounts/ports.ts'
import type { QueuedRevocation } from '../../connections/revocation.ts'
import type { Standing } from '../../connections/standing.ts'
import { fail } from '../../errors/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import type { Provider } from '../../providers/provider.ts'
import type { Providers } from '../../providers/providers.ts'
import { authorize, withdraw } from '../api/identities.ts'
import { formOf } from '../form.ts'
import { isRecent } from '../principal.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { idParams, scopeToken } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { Tick } from './field.tsx'
import { type FactList, Facts, Form, Layout, type Reader, readerOf, SignInAgain, show, Time } from './layout.tsx'
import { Panel } from './panel.tsx'
import { doneAt } from './status.ts'
import { toProvider } from './to-provider.ts'

/** The permissions that a person granted at a provider: show them, ask for more, withdraw them. */

const common = { tag: 'Pages', surface: 'browser', auth: 'user', limit: 'account' } as const

const more = formOf(authorize, {
  path: '/account/identities/:id/authorize',
  summary: 'Go to the provider to grant more permissions',
  fields: object({ scopes: z.array(scopeToken).max(50).default([]).describe('The additional scopes') }),
  before: ({ params, body }) =>
    body.scopes.length === 0 ? ok(seeOther(doneAt(`/account/identities/${params.id}`, 'more_none'))) : undefined,
  done: ({ cookieNames }, started, { settings }) => toProvider(started, cookieNames, settings.flowCookieSeconds),
})

const askWithdraw = route({
  ...common,
  method: 'get',
  path: '/account/identities/:id/withdraw',
  summary: 'Ask for confirmation before permissions are withdrawn',
  params: idParams,
  fails: ['not_linked'],
  async handle({ who, params, locale, csrfToken }, { links, providers, clock, settings }: Services) {
    const reader = readerOf(locale)
    const { say } = reader
    const identity = (await links.list(who.accountId)).find(({ id }) => id === params.id)
    if (!identity) return fail('not_linked')
    const provider = providers.get(identity.provider)
    const name = provider?.name ?? identity.provider
    const page = `/account/identities/${identity.id}`
    const csrf = csrfToken()
    return show(
      locale,
      <Layout {...reader} title={say.withdraw.title(name)} signedIn={csrf} card>
        <p>
          {say.withdraw.text(name)} {whatBecomesOfIt(provider, say)}
        </p>
        <p>{say.withdraw.again(name)}</p>
        <Elsewhere {...reader} provider={provider} />
        <div class="actions">
          {isRecent(who, clock(), settings.recentAuthSeconds) ? (
            <Form action={`${page}/withdraw`} csrf={csrf}>
              <button type="submit" class="danger">
                {say.withdraw.button}
              </button>
            </Form>
          ) : (
            <SignInAgain {...reader} returnTo={`${page}/withdraw`} />
          )}
          <a class="button" href={page}>
            {say.cancel}
          </a>
        </div>
      </Layout>,
    )
  },
})

const withdrawForm = formOf(withdraw, {
  path: '/account/identities/:id/withdraw',
  summary: 'Withdraw the permissions of a linked provider, and keep it linked',
  done: ({ params }) => seeOther(doneAt(`/account/identities/${params.id}`, 'grant_withdrawn')),
})

export const permissionRoutes = [more, askWithdraw, withdrawForm]

/** What happens to a permission. Promises that it is revoked only if the provider has an endpoint for that. */
export function whatBecomesOfIt(provider: Provider | undefined, { unlink: words }: Reader['say']): string {
  if (!provider || provider.revokes === false) return words.erased
  return provider.revokes ? words.withdrawn(provider.name) : words.perhapsWithdrawn(provider.name)
}

/** Links to where people withdraw a permission themselves: if we cannot revoke it, or `always`. */
export function Elsewhere({
  provider,
  always,
  say,
}: Reader & { provider: Provider | undefined; always?: true }): VNode | null {
  if (!provider) return null
  const { noEndpoint, elsewhere, alsoThere } = say.unlink
  const place = provider.permissionsUrl
  const cannot = provider.revokes === false
  if (!cannot && (!always || place === null)) return null
  const where = cannot ? elsewhere : alsoThere(provider.name)
  return (
    <p>
      {cannot ? `${noEndpoint(provider.name)} ` : null}
      {place === null ? (
        where
      ) : (
        <a href={place} rel="noreferrer">
          {where}
        </a>
      )}
      .
    </p>
  )
}

type ScopeNameProps = Reader & { readonly provider: Provider | undefined; readonly scope: string }

/** A scope in words. Only one that nobody described has its name at the provider: nothing else tells it apart. */
export function ScopeName({ provider, scope, locale, say }: ScopeNameProps): VNode {
  const words = provider?.scopeText(scope)?.[locale]
  return (
    <>
      {words ?? say.ways.otherScope} {words === undefined ? <code class="fine">{scope}</code> : null}
    </>
  )
}

type ScopesProps = Reader & { readonly provider: Provider | undefined; readonly scopes: readonly string[] }

function Scopes({ scopes, ...reader }: ScopesProps): VNode {
  if (scopes.length === 0) return <>{reader.say.ways.nothingAllowed}</>
  return (
    <ul>
      {scopes.map((scope) => (
        <li key={scope}>
          <ScopeName {...reader} scope={scope} />
        </li>
      ))}
    </ul>
  )
}

/** Whether a permission works; if not, why, and what to do. */
function Works({ identity, standing, provider, say }: Reader & About): VNode {
  const { permission } = say
  const { status, lastError } = standing
  const words = permission.status[status]
  const why = status === 'degraded' && lastError !== null ? ` (${permission.errors[lastError]})` : ''
  if ((status !== 'needs_reauthorization' && status !== 'revoked') || !provider) return <>{`${words}${why}`}</>
  // Google issues another refresh token only after another consent, even if the one it issued is invalid.
  const again = status === 'revoked' ? '' : '&consent=again'
  return (
    <>
      <span class={status === 'revoked' ? undefined : 'caution'}>{words}</span>.{' '}
      <a href={`/auth/${provider.id}?return_to=${encodeURIComponent(`/account/identities/${identity.id}`)}${again}`}>
        {status === 'revoked' ? permission.giveAgain(provider.name) : say.ways.renew(provider.name)}
      </a>
    </>
  )
}

type About = { readonly identity: Identity; readonly standing: Standing; readonly provider: Provider | undefined }

/** What a person allowed, and whether it works. When it ends is among the details. */
function permissionFacts(about: Reader & About): FactList {
  const { identity: _i, standing, ...reader } = about
  const { ways, permission } = reader.say
  const isStored = standing.status !== 'none' && standing.status !== 'revoked'
  const usedAt = standing.usedAt === null ? permission.notUsed : <Time {...reader} at={standing.usedAt} />
  return [
    [ways.allowed, <Scopes key="allowed" {...reader} scopes={standing.granted} />],
    standing.missing.length > 0
      ? [permission.missing, <Scopes key="missing" {...reader} scopes={standing.missing} />]
      : null,
    [ways.permission, <Works key="works" {...about} />],
    isStored ? [permission.lastUsed, usedAt] : null,
    standing.endsAt === null ? null : [permission.ends, <Time key="ends" {...reader} at={standing.endsAt} exact />],
  ]
}

/** What was requested and granted, as the provider names it, and when the permission is renewed. */
export function permissionDetails(about: Reader & About): FactList {
  const { identity: _i, standing, ...reader } = about
  const { permission } = reader.say
  const names = (scopes: readonly string[]): VNode => <code>{scopes.join(' ')}</code>
  return [
    standing.asked.length > 0 ? [permission.askedScopes, names(standing.asked)] : null,
    standing.granted.length > 0 ? [permission.grantedScopes, names(standing.granted)] : null,
    standing.expiresAt === null
      ? null
      : [permission.expires, <Time key="expires" {...reader} at={standing.expiresAt} exact />],
  ]
}

type PermissionProps = Reader & About & { readonly csrf: string; readonly recent: boolean }

/** The permissions on the page of an identity. The form that asks for more ends at the provider. */
export function Permission({ csrf, recent, ...about }: PermissionProps): VNode {
  const { identity, standing, provider, ...reader } = about
  const { say } = reader
  const page = `/account/identities/${identity.id}`
  const offered = provider?.missingScopes(provider.optionalScopes, standing.granted) ?? []
  const kept = standing.status !== 'none' && standing.status !== 'revoked'
  return (
    <>
      <section class="panel" aria-labelledby="permission">
        <h2 id="permission">{say.permission.heading}</h2>
        <Facts of={permissionFacts(about)} />
        <Elsewhere {...reader} provider={provider} always />
        {kept ? (
          <p class="actions">
            <a class="button" href={`${page}/withdraw`}>
              {say.withdraw.start}
            </a>
          </p>
        ) : null}
      </section>
      {provider === undefined || offered.length === 0 ? null : (
        <section class="panel" aria-labelledby="more">
          <h2 id="more">{say.permission.more}</h2>
          <p>
            {say.permission.moreText(provider.name)} {kept ? say.permission.moreStays : null}
          </p>
          {recent ? (
            <Form action={`${page}/authorize`} csrf={csrf}>
              <fieldset class="field">
                <legend>{say.permission.choose}</legend>
                {offered.map((scope) => (
                  <Tick key={scope} type="checkbox" name="scopes" value={scope} checked={false}>
                    <span>
                      <ScopeName {...reader} provider={provider} scope={scope} />
                    </span>
                  </Tick>
                ))}
              </fieldset>
              <p class="actions">
                <button type="submit">{say.permission.ask(provider.name)}</button>
              </p>
            </Form>
          ) : (
            <SignInAgain {...reader} returnTo={page} />
          )}
        </section>
      )}
    </>
  )
}

type WaitingProps = Reader & { readonly waiting: readonly QueuedRevocation[]; readonly providers: Providers }

/** Permissions that were withdrawn here and not yet revoked at their provider; `null` if there are none. */
export function QueuedRevocations({ waiting, providers, ...reader }: WaitingProps): VNode | null {
  const { revocations: words, permission } = reader.say
  if (waiting.length === 0) return null
  return (
    <Panel id="revocations" title={words.heading}>
      <p>{words.intro}</p>
      <ul class="rows">
        {waiting.map(({ provider, queuedAt, attempts, nextAttemptAt, lastError }, n) => (
          <li key={`${provider}-${n}`}>
            <div>
              <h3>{providers.get(provider)?.name ?? provider}</h3>
              <Facts
                of={[
                  [words.since, <Time key="since" {...reader} at={queuedAt} />],
                  [words.attempts, String(attempts)],
                  [words.next, <Time key="next" {...reader} at={nextAttemptAt} />],
                  lastError === null ? null : [words.error, permission.errors[lastError]],
                ]}
              />
              <Elsewhere {...reader} provider={providers.get(provider)} always />
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  )
}
