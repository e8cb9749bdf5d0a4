import { accountCursor, applicationParams } from '../api/applications.ts'
import { route } from '../route.ts'
import { anApplicationId } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { adminPage, mayNow, perPage, query, userPage } from './admin-frame.tsx'
import { List, slice } from './admin-list.tsx'
import {
  applicationPage,
  applicationsPath,
  newApplicationPath,
  numberOf,
  registrationTokensPath,
} from './application-pages.ts'
import { Layout, readerOf, show, Time } from './layout.tsx'
import { doneMessageOf, doneQuery } from './status.ts'

/** The administrators' pages that list applications, and who uses one. */

const reading = { ...adminPage, scope: 'applications:read' } as const

const list = route({
  ...reading,
  path: applicationsPath,
  summary: 'Show the registered applications',
  query: doneQuery.extend({
    after: anApplicationId.optional().describe('The ID of the last application of the previous page'),
  }),
  fails: [],
  async handle({ who, query: asked, locale, csrfToken }, services: Services) {
    const reader = readerOf(locale)
    const { applications: words } = reader.say
    const { shown, next } = slice(await services.applications.list(), asked.after)
    const users = await services.applications.countUsers(shown.map(({ id }) => id))
    return show(
      locale,
      <Layout
        {...reader}
        title={words.title}
        signedIn={csrfToken()}
        scopes={who.scopes}
        status={doneMessageOf(asked.done, locale)}
      >
        <p>{words.intro}</p>
        <p class="actions">
          {mayNow(who, 'applications:write', services).allowed ? (
            <a class="button primary" href={newApplicationPath}>
              {words.add}
            </a>
          ) : null}
          <a class="button" href={registrationTokensPath}>
            {words.registration.title}
          </a>
        </p>
        <List
          heading={words.all}
          none={words.none}
          head={[words.name, words.kind, words.lastUsed, words.users]}
          rows={shown.map((one) => ({
            key: one.id,
            cells: [
              <>
                <a href={applicationPage(one.id)}>{one.name}</a>{' '}
                {one.disabledAt === null ? null : <span class="badge bad">{words.states.disabled}</span>}{' '}
                {one.source === 'administrator' ? null : <span class="badge">{words.sources[one.source]}</span>}
              </>,
              words.kinds[one.kind].name,
              one.lastUsedAt ? <Time key="used" {...reader} at={one.lastUsedAt} /> : words.never,
              numberOf(users.get(one.id) ?? 0, locale),
            ],
          }))}
          next={next === undefined ? null : { href: `${applicationsPath}${query({ after: next })}`, label: words.next }}
        />
      </Layout>,
    )
  },
})

const users = route({
  ...reading,
  path: `${applicationsPath}/:id/users`,
  summary: 'Show who uses an application',
  params: applicationParams,
  query: doneQuery.extend({ cursor: accountCursor.optional() }),
  fails: ['application_not_found'],
  async handle({ who, params: { id }, query: { cursor = '' }, locale, csrfToken }, { applications }: Services) {
    const found = await applications.get(id)
    if (!found.ok) return found
    const people = await applications.users(id, { after: cursor, limit: perPage + 1 })
    if (!people.ok) return people
    const reader = readerOf(locale)
    const { applications: words } = reader.say
    const shown = people.value.slice(0, perPage)
    const next = people.value.length > perPage ? shown.at(-1)?.accountId : undefined
    return show(
      locale,
      <Layout {...reader} title={words.usersTitle(found.value.name)} signedIn={csrfToken()} scopes={who.scopes}>
        <p>{words.usersIntro}</p>
        <List
          caption={words.usersTitle(found.value.name)}
          none={words.nobody}
          head={[words.name, words.email, words.state, words.lastSignIn]}
          rows={shown.map(({ accountId, name, email, lastSignedInAt, isSignedIn }) => ({
            key: accountId,
            cells: [
              <a key="name" href={userPage(accountId)}>
                {name ?? email ?? accountId}
              </a>,
              <span key="email" class="long">
                {email ?? '–'}
              </span>,
              isSignedIn ? words.signedIn : words.signedOut,
              <Time key="last" {...reader} at={lastSignedInAt} />,
            ],
          }))}
          next={
            next === undefined
              ? null
              : { href: `${applicationPage(id)}/users${query({ cursor: next })}`, label: words.next }
          }
        />
        <p class="actions">
          <a class="button" href={applicationPage(id)}>
            {found.value.name}
          </a>
        </p>
      </Layout>,
    )
  },
})

export const adminApplicationRoutes = [list, users]
