import type { VNode } from 'preact'
import type { SignInMethod } from '../../accounts/methods.ts'
import type { Account } from '../../kernel/account.ts'
import type { Provider } from '../../providers/provider.ts'
import { update } from '../api/me.ts'
import { formOf } from '../form.ts'
import { isRecent } from '../principal.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { line } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { noticeCookie } from '../sign-in-answers.ts'
import { EventList } from './activity.tsx'
import { DeviceList } from './devices.tsx'
import { Field } from './field.tsx'
import { knownOrigins } from './form-action.ts'
import { IdentityList, LinkForm } from './identity.tsx'
import { Facts, Form, Layout, type Reader, readerOf, SignInAgain, show, Time } from './layout.tsx'
import { QueuedRevocations } from './permission.tsx'
import { doneAt, doneMessageOf, doneQuery } from './status.ts'

const securityPages = [
  { path: '/account/password', name: 'password' },
  { path: '/account/email', name: 'email' },
  { path: '/account/second-factor', name: 'secondFactor' },
  { path: '/account/passkeys', name: 'passkeys' },
] as const

const account = route({
  tag: 'Pages',
  surface: 'browser',
  auth: 'user',
  limit: 'account',
  method: 'get',
  path: '/account',
  summary: 'Show my account: profile, sign-in methods, devices and activity',
  query: doneQuery,
  fails: [],
  async handle({ who, query, cookie, locale, csrfToken }, services: Services) {
    const { links, devices, audit, standing, revocationsOf, providers, clock, settings } = services
    const [identities, methods, sessions, rows, { items: waiting }] = await Promise.all([
      links.list(who.accountId),
      links.methods(who.accountId),
      devices.list(who.accountId),
      audit.list(who.accountId, { before: null, limit: 10 }, 'others'),
      revocationsOf(who.accountId, { after: null, limit: 50 }),
    ])
    const usable = new Set(
      methods.flatMap((method) => (method.type === 'provider' && method.usable ? [method.identityId] : [])),
    )
    const ways = await Promise.all(
      identities.map(async (identity) => ({
        identity,
        usable: usable.has(identity.id),
        standing: await standing(identity),
      })),
    )
    const reader = readerOf(locale)
    const { say } = reader
    const csrf = csrfToken()
    const recent = isRecent(who, clock(), settings.recentAuthSeconds)
    const status = doneMessageOf(query.done ?? cookie('notice'), locale)

    return show(
      locale,
      <Layout {...reader} title={say.profile.title} signedIn={csrf} scopes={who.scopes} status={status}>
        <Profile {...reader} account={who.account} csrf={csrf} />
        <section aria-labelledby="ways">
          <h2 id="ways">{say.ways.heading}</h2>
          <p>{say.ways.intro(methods.filter((method) => method.usable).length, methods.length)}</p>
          <IdentityList {...reader} identities={ways} providers={providers} />
          <OtherWays {...reader} methods={methods} />
        </section>
        <LinkAnother {...reader} providers={providers.list()} csrf={csrf} recent={recent} />
        <QueuedRevocations {...reader} waiting={waiting} providers={providers} />
        <section aria-labelledby="security">
          <h2 id="security">{say.security.heading}</h2>
          <ul class="plain">
            {securityPages.map(({ path, name }) => (
              <li key={path}>
                <a href={path}>{say.security[name]}</a>
              </li>
            ))}
          </ul>
        </section>
        <section aria-labelledby="devices">
          <h2 id="devices">{say.devices.heading}</h2>
          <p>{say.devices.intro}</p>
          <DeviceList {...reader} sessions={sessions} current={who.sessionId} providers={providers} csrf={csrf} />
        </section>
        <section aria-labelledby="activity">
          <h2 id="activity">{say.events.heading}</h2>
          {rows.length === 0 ? (
            <p>{say.events.nothing}</p>
          ) : (
            <EventList {...reader} rows={rows} providers={providers} />
          )}
          <p class="actions">
            <a class="button" href="/account/activity">
              {say.events.all}
            </a>
            <a class="button" href="/account/activity?kind=loans">
              {say.events.loans}
            </a>
          </p>
        </section>
        <section aria-labelledby="export">
          <h2 id="export">{say.personalData.heading}</h2>
          <p>{say.personalData.intro}</p>
          {recent ? (
            <p class="actions">
              <a class="button" href="/me/export" download="vinculum-export.json">
                {say.personalData.download}
              </a>
            </p>
          ) : (
            <SignInAgain {...reader} returnTo="/account" />
          )}
        </section>
        <section aria-labelledby="delete">
          <h2 id="delete">{say.remove.heading}</h2>
          <p>{say.remove.intro}</p>
          <p class="actions">
            <a class="button danger" href="/account/delete">
              {say.remove.start}
            </a>
          </p>
        </section>
      </Layout>,
      {
        formAction: recent ? knownOrigins(providers.list()) : [],
        // A notice is shown once.
        cookies: query.done === undefined && cookie('notice') !== undefined ? [noticeCookie(null)] : [],
      },
    )
  },
})

const nameForm = formOf(update, {
  path: '/account/name',
  summary: 'Change my name; an empty name removes it',
  fields: object({ name: line.transform((name) => name || null) }),
  done: () => seeOther(doneAt('/account', 'name_changed')),
})
export const accountRoutes = [account, nameForm]

/** Sign-in methods that are not providers. Each is managed on a page of its own. */
function OtherWays({ methods, locale, say }: Reader & { methods: readonly SignInMethod[] }): VNode | null {
  const passkeys = methods.filter(({ type }) => type === 'passkey').length
  const others = [
    ...(methods.some(({ type }) => type === 'password') ? [say.ways_in.password] : []),
    ...(passkeys > 0 ? [say.ways.passkeys(passkeys)] : []),
  ]
  if (others.length === 0) return null
  return <p>{say.ways.besides(new Intl.ListFormat(locale).format(others))}</p>
}

function Profile({ account: mine, csrf, ...reader }: Reader & { account: Account; csrf: string }): VNode {
  const { say } = reader
  const { profile } = say
  return (
    <section aria-labelledby="profile">
      <h2 id="profile">{profile.heading}</h2>
      <Facts
        of={[
          [
            profile.email,
            mine.email === null
              ? profile.noEmail
              : `${mine.email} (${mine.emailVerified ? profile.verified : profile.notVerified})`,
          ],
          [profile.since, <Time key="since" {...reader} at={mine.createdAt} />],
        ]}
      />
      <Form action="/account/name" csrf={csrf}>
        <Field
          name="name"
          label={profile.name}
          autocomplete="name"
          value={mine.name ?? ''}
          hint={profile.nameHint}
          maxlength={200}
          optional
        >
          <button type="submit">{profile.save}</button>
        </Field>
      </Form>
    </section>
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
    <section aria-labelledby="link">
      <h2 id="link">{link.heading}</h2>
      <p>{link.intro}</p>
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
        <SignInAgain {...reader} returnTo="/account" />
      )}
    </section>
  )
}
