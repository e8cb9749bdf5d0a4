import type { VNode } from 'preact'
import { z } from 'zod'
import { isStandardScope } from '../../applications/policy.ts'
import type { Application } from '../../applications/ports.ts'
import { snippetsOf } from '../../applications/snippets.ts'
import type { Locale } from '../../errors/catalogue.ts'
import {
  applicationParams,
  disable,
  enable,
  endPreviousSecret,
  overlapSeconds,
  remove,
  rotate,
} from '../api/applications.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import type { Services } from '../services.ts'
import { adminPage, mayNow, query } from './admin-frame.tsx'
import { LogoPanel } from './application-logo.tsx'
import { applicationPage, applicationsPath, numberOf } from './application-pages.ts'
import { Ask } from './ask.tsx'
import { Select } from './field.tsx'
import { Facts, Layout, type Reader, readerOf, SignInAgain, show, Time } from './layout.tsx'
import { Panel } from './panel.tsx'
import { scopeWords } from './scope-words.ts'
import { showOnce } from './shown-once.tsx'
import { doneAt, doneMessageOf, doneQuery } from './status.ts'

/** The administrators' page of one application, and what can be done with it. */

const reading = { ...adminPage, scope: 'applications:read' } as const

const application = route({
  ...reading,
  path: `${applicationsPath}/:id`,
  summary: 'Show one application, who uses it, and what can be done with it',
  params: applicationParams,
  query: doneQuery,
  fails: ['application_not_found'],
  async handle({ who, params, query: asked, locale, csrfToken }, services: Services) {
    const found = await services.applications.get(params.id)
    if (!found.ok) return found
    const one = found.value
    const users = (await services.applications.countUsers([one.id])).get(one.id) ?? 0
    const reader = readerOf(locale)
    const { applications: words } = reader.say
    const csrf = csrfToken()
    const may = mayNow(who, 'applications:write', services)
    return show(
      locale,
      <Layout
        {...reader}
        title={one.name}
        signedIn={csrf}
        scopes={who.scopes}
        status={doneMessageOf(asked.done, locale)}
      >
        <Panel id="facts" title={words.facts}>
          <About {...reader} application={one} issuer={services.settings.issuer} />
          <Facts
            of={[
              [words.users, numberOf(users, locale)],
              [words.lastUsed, one.lastUsedAt ? <Time key="used" {...reader} at={one.lastUsedAt} /> : words.never],
              [words.created, <Time key="created" {...reader} at={one.createdAt} />],
              [words.changed, <Time key="changed" {...reader} at={one.updatedAt} />],
            ]}
          />
          <p class="actions">
            <a class="button" href={`${applicationPage(one.id)}/users`}>
              {words.usersLink}
            </a>
            {who.scopes.includes('audit:read') ? (
              <a class="button" href={`/admin/audit${query({ event: 'application.updated' })}`}>
                {words.inAudit}
              </a>
            ) : null}
          </p>
        </Panel>
        <LogoPanel {...reader} application={one} csrf={csrf} canChange={may.allowed && may.recent} />
        <Snippets {...reader} application={one} issuer={services.settings.issuer} />
        {one.secretHash === null ? null : (
          <Secret {...reader} application={one} now={services.clock()} csrf={csrf} may={may} />
        )}
        <Acts {...reader} application={one} users={users} csrf={csrf} may={may} />
      </Layout>,
    )
  },
})

/** How to connect the application with well-known libraries and programs. */
function Snippets({
  application: one,
  issuer,
  say,
}: Reader & { application: Application; issuer: string }): VNode | null {
  const { applications: words } = say
  const { id: clientId, clientAuth, redirectUris, postLogoutRedirectUris, scopes } = one
  const [redirectUri = ''] = redirectUris
  const [postLogoutRedirectUri = null] = postLogoutRedirectUris
  // A scope of an API needs the API as well, which these snippets do not name.
  const values = {
    issuer,
    clientId,
    clientAuth,
    redirectUri,
    postLogoutRedirectUri,
    scopes: scopes.filter(isStandardScope),
  }
  return (
    <Panel id="connect" title={words.connect}>
      <p>{one.secretHash === null ? words.connectText : words.connectSecret}</p>
      {snippetsOf(one.kind, values).map(({ id, name, text }) => (
        <details key={id}>
          <summary>{name}</summary>
          <pre>
            <code>{text}</code>
          </pre>
        </details>
      ))}
    </Panel>
  )
}

const Codes = ({ of }: { of: readonly string[] }): VNode => (
  <ul>
    {of.map((one) => (
      <li key={one}>
        <code>{one}</code>
      </li>
    ))}
  </ul>
)

/** What is registered. Empty lists are left out. */
function About({ application: one, issuer, ...reader }: Reader & { application: Application; issuer: string }): VNode {
  const { applications: words } = reader.say
  const number = new Intl.NumberFormat(reader.locale)
  const seconds = (value: number | null): string =>
    value === null ? words.ofService : words.seconds(number.format(value))
  const uris = (label: string, of: readonly string[]): readonly [string, VNode] | null =>
    of.length === 0 ? null : [label, <Codes key={label} of={of} />]
  return (
    <Facts
      of={[
        [words.state, words.states[one.disabledAt === null ? 'enabled' : 'disabled']],
        [words.kind, words.kinds[one.kind].name],
        one.source === 'administrator' ? null : [words.source, words.sources[one.source]],
        [words.clientId, <code key="id">{one.id}</code>],
        [words.issuer, <code key="issuer">{issuer}</code>],
        [words.clientAuth, words.clientAuths[one.clientAuth]],
        uris(words.redirectUris, one.redirectUris),
        uris(words.postLogoutUris, one.postLogoutRedirectUris),
        uris(words.corsOrigins, one.corsOrigins),
        [
          words.scopes,
          <ul key="scopes">
            {one.scopes.map((scope) => (
              <li key={scope}>
                {isStandardScope(scope) ? `${scopeWords(scope, reader.say, 'administrator')} ` : null}
                <code class="fine">{scope}</code>
              </li>
            ))}
          </ul>,
        ],
        uris(words.resources, one.resources),
        [words.consent, one.firstParty ? words.consentNone : words.consentAsked],
        [words.subjectType, words.subjectTypes[one.subjectType]],
        one.sectorIdentifierUri === null
          ? null
          : [words.sectorUri, <code key="sector">{one.sectorIdentifierUri}</code>],
        one.idTokenAlgorithm === 'ES256' ? null : [words.idTokenAlgorithm, one.idTokenAlgorithm],
        [words.accessSeconds, seconds(one.accessTtlSeconds)],
        [words.refreshSeconds, seconds(one.refreshTtlSeconds)],
        one.backchannelLogoutUri === null
          ? null
          : [words.backchannelLogout, <code key="out">{one.backchannelLogoutUri}</code>],
        one.logoUri === null ? null : [words.logo, <code key="logo">{one.logoUri}</code>],
      ]}
    />
  )
}

type ActsProps = Reader & {
  readonly application: Application
  readonly csrf: string
  readonly may: ReturnType<typeof mayNow>
}

/** Its secret, which is never shown again, and the overlap of a rotation. */
function Secret({ application: one, now, csrf, may, ...reader }: ActsProps & { now: Date }): VNode {
  const { applications: words } = reader.say
  const page = applicationPage(one.id)
  const previous = one.previousUntil !== null && one.previousUntil > now ? one.previousUntil : null
  return (
    <Panel id="secret" title={words.secret}>
      <p>{words.secretStored}</p>
      {previous === null ? null : (
        <Facts of={[[words.previousUntil, <Time key="until" {...reader} at={previous} exact />]]} />
      )}
      {may.allowed && may.recent ? (
        <div class="actions">
          {previous === null ? null : (
            <Ask
              action={`${page}/previous-secret`}
              csrf={csrf}
              label={words.endPrevious}
              what={words.endPreviousText}
              yes={words.endPreviousYes}
            />
          )}
          <Ask action={`${page}/secret`} csrf={csrf} label={words.rotate} what={words.rotateText} yes={words.rotateYes}>
            <Select
              name="overlap_seconds"
              label={words.overlap}
              value="86400"
              options={words.overlaps.map(([value, text]) => [String(value), text])}
            />
          </Ask>
        </div>
      ) : null}
    </Panel>
  )
}

function Acts({ application: one, users, csrf, may, ...reader }: ActsProps & { users: number }): VNode | null {
  const { applications: words } = reader.say
  const page = applicationPage(one.id)
  if (!may.allowed) return null
  const people = words.people(users, numberOf(users, reader.locale))
  return (
    <Panel id="acts" title={words.acts}>
      {may.recent ? (
        <div class="actions">
          {one.source === 'document' ? null : (
            <a class="button" href={`${page}/edit`}>
              {words.edit}
            </a>
          )}
          {one.disabledAt === null ? (
            <Ask
              action={`${page}/disable`}
              csrf={csrf}
              label={words.disable}
              what={words.disableText(people)}
              yes={words.disableYes}
            />
          ) : (
            <Ask
              action={`${page}/enable`}
              csrf={csrf}
              label={words.enable}
              what={words.enableText(one.name)}
              yes={words.enableYes}
              gives
            />
          )}
          <Ask
            action={`${page}/delete`}
            csrf={csrf}
            label={words.remove}
            what={words.removeText(people)}
            yes={words.removeYes}
          />
        </div>
      ) : (
        <SignInAgain {...reader} returnTo={page} />
      )}
    </Panel>
  )
}

const rotateForm = formOf(rotate, {
  path: `${applicationsPath}/:id/secret`,
  summary: 'Create another secret for an application; it is shown once',
  fields: object({
    overlap_seconds: z.coerce
      .number()
      .pipe(overlapSeconds)
      .describe('How many seconds the previous secret stays valid'),
  }),
  also: ['page'],
  done: ({ who, locale, csrfToken }, issued) => shownSecret(locale, who, csrfToken(), issued),
})

const endPreviousForm = formOf(endPreviousSecret, {
  path: `${applicationsPath}/:id/previous-secret`,
  summary: 'End the previous secret of an application before its time',
  done: ({ params }) => seeOther(doneAt(applicationPage(params.id), 'application_secret_ended')),
})

const disableForm = formOf(disable, {
  path: `${applicationsPath}/:id/disable`,
  summary: 'Refuse sign-ins and tokens of an application',
  done: ({ params }) => seeOther(doneAt(applicationPage(params.id), 'application_disabled')),
})

const enableForm = formOf(enable, {
  path: `${applicationsPath}/:id/enable`,
  summary: 'Let people sign in to an application again',
  done: ({ params }) => seeOther(doneAt(applicationPage(params.id), 'application_enabled')),
})

const removeForm = formOf(remove, {
  path: `${applicationsPath}/:id/delete`,
  summary: 'Delete an application',
  done: () => seeOther(doneAt(applicationsPath, 'application_deleted')),
})

export function shownSecret(
  locale: Locale,
  who: Principal,
  csrf: string,
  { id, name, secret }: { readonly id: string; readonly name: string; readonly secret: string | null },
) {
  const { applications: words } = readerOf(locale).say
  return showOnce(locale, who, csrf, {
    title: words.secretTitle(name),
    notice: words.secretOnce,
    values: [
      [words.clientId, id],
      [words.secret, secret ?? ''],
    ],
    kept: words.secretKept,
    back: applicationPage(id),
  })
}

export const adminApplicationPageRoutes = [
  application,
  rotateForm,
  endPreviousForm,
  disableForm,
  enableForm,
  removeForm,
]
