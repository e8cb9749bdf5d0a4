import type { ComponentChildren, VNode } from 'preact'
import { z } from 'zod'
import type { UserListItem } from '../../accounts/ports.ts'
import type { Scope } from '../../accounts/roles.ts'
import { fail } from '../../errors/catalogue.ts'
import { type Account, roles } from '../../kernel/account.ts'
import { disable, enable, endSessions, remove, removeSecondFactor, resetPassword, update } from '../api/users.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { idParams, line, userCursor, userCursorOf } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { EventList } from './activity.tsx'
import { AdminWays, adminPage, mayNow, perPage, query, userPage } from './admin-frame.tsx'
import { deviceWords } from './device-words.ts'
import { Field } from './field.tsx'
import { Facts, Form, Layout, type Reader, readerOf, SignInAgain, show, Time, Unseen } from './layout.tsx'
import { UserApplications } from './permission-applications.tsx'
import { doneAt, doneMessageOf, doneQuery, type Notice } from './status.ts'

/** Redirects to the page of the account, with a notice. */
const backToUser =
  (done: Notice) =>
  ({ params }: { params: { id: string } }) =>
    seeOther(doneAt(userPage(params.id), done))

const nameOf = ({ name, email, id }: Account): string => name ?? email ?? id

const users = route({
  ...adminPage,
  path: '/admin/users',
  summary: 'Show all accounts, newest first',
  query: doneQuery.extend({ search: line.optional(), cursor: userCursor.optional() }),
  fails: [],
  async handle({ who, query: asked, locale, csrfToken }, services: Services) {
    const reader = readerOf(locale)
    const { admin } = reader.say
    const text = asked.search || null
    const after = asked.cursor ?? null
    const page = await services.users.list({ text, role: null, disabled: null, after, limit: perPage })
    const { accounts: shown, next } = page
    return show(
      locale,
      <Layout
        {...reader}
        title={admin.users}
        signedIn={csrfToken()}
        scopes={who.scopes}
        status={doneMessageOf(asked.done, locale)}
      >
        <AdminWays {...reader} scopes={who.scopes} />
        <form method="get" action="/admin/users">
          <Field
            name="search"
            label={admin.search}
            autocomplete="off"
            value={text ?? ''}
            hint={admin.searchHint}
            maxlength={200}
            optional
          >
            <button type="submit">{admin.find}</button>
          </Field>
        </form>
        <section aria-labelledby="found">
          <h2 id="found">{admin.found}</h2>
          {shown.length === 0 ? (
            <p>{admin.nobody}</p>
          ) : (
            <ul class="plain log">
              {shown.map((account) => (
                <li key={account.id}>
                  <a href={`/admin/users/${account.id}`}>{nameOf(account)}</a>
                  {account.role === 'user' ? null : <span class="mark">{admin.roles[account.role]}</span>}
                  {account.disabledAt ? <span class="mark">{admin.disabled}</span> : null}
                  <span class="fine">
                    {account.email === null ? '' : `${account.email} · `}
                    <Time {...reader} at={account.createdAt} />
                  </span>
                </li>
              ))}
            </ul>
          )}
        </section>
        <p class="actions">
          {next ? (
            <a class="button" href={`/admin/users${query({ search: text ?? undefined, cursor: userCursorOf(next) })}`}>
              {text === null ? admin.older : admin.searchOn}
            </a>
          ) : null}
          {after === null ? null : (
            <a class="button" href={`/admin/users${query({ search: text ?? undefined })}`}>
              {admin.newest}
            </a>
          )}
        </p>
      </Layout>,
    )
  },
})

const user = route({
  ...adminPage,
  path: '/admin/users/:id',
  summary: 'Show one account, and what can be done with it',
  params: idParams,
  query: doneQuery,
  fails: ['account_not_found'],
  async handle({ who, params, query: asked, origin, locale, csrfToken }, services: Services) {
    const found = await services.users.get(params.id)
    if (!found) return fail('account_not_found')
    const { account } = found
    const asking = { accountId: who.accountId, origin }
    const { auditLog, sessions: sessionsOf } = services.flows.readAsAdministrator
    const mayRead = who.scopes.includes('audit:read' satisfies Scope)
    const [ways, sessions, applications, rows] = await Promise.all([
      services.links.list(account.id),
      sessionsOf(asking, account.id),
      services.applicationAccess.list(account.id),
      mayRead ? auditLog(asking, { account: account.id, event: null }, { before: null, limit: 10 }) : [],
    ])
    const reader = readerOf(locale)
    const { say } = reader
    const { admin } = say
    const csrf = csrfToken()
    const providerName = (id: string): string => services.providers.get(id)?.name ?? id
    return show(
      locale,
      <Layout
        {...reader}
        title={nameOf(account)}
        signedIn={csrf}
        scopes={who.scopes}
        status={doneMessageOf(asked.done, locale)}
      >
        <AdminWays {...reader} scopes={who.scopes} />
        <AccountFacts {...reader} user={found} />
        <section aria-labelledby="ways">
          <h2 id="ways">{say.ways.heading}</h2>
          <ul class="plain">
            {ways.map((identity) => (
              <li key={identity.id}>
                {providerName(identity.provider)}: {identity.email ?? identity.name ?? identity.subject}
              </li>
            ))}
            {found.password ? <li>{say.ways_in.password}</li> : null}
            {found.passkeys > 0 ? <li>{say.ways.passkeys(found.passkeys)}</li> : null}
          </ul>
        </section>
        <UserApplications
          {...reader}
          applications={applications}
          canOpen={who.scopes.includes('applications:read' satisfies Scope)}
        />
        <section aria-labelledby="devices">
          <h2 id="devices">{say.devices.heading}</h2>
          {sessions.length === 0 ? <p>{admin.noDevices}</p> : null}
          <ul class="plain log">
            {sessions.map((session) => (
              <li key={session.id}>
                {deviceWords(session.userAgent, say)}
                <span class="fine">
                  <Time {...reader} at={session.lastSeenAt} />
                  {session.ip === null ? '' : ` · ${session.ip}`}
                </span>
              </li>
            ))}
          </ul>
        </section>
        {mayRead ? (
          <section aria-labelledby="activity">
            <h2 id="activity">{say.events.heading}</h2>
            <EventList {...reader} rows={rows} providers={services.providers} />
            <p class="actions">
              <a class="button" href={`/admin/audit?account=${account.id}`}>
                {say.events.all}
              </a>
            </p>
          </section>
        ) : null}
        <Acts
          {...reader}
          account={account}
          own={account.id === who.accountId}
          csrf={csrf}
          may={mayNow(who, 'users:write', services)}
        />
      </Layout>,
    )
  },
})

const disableForm = formOf(disable, {
  path: '/admin/users/:id/disable',
  summary: 'Disable an account and sign it out on every device',
  done: backToUser('user_disabled'),
})

const enableForm = formOf(enable, {
  path: '/admin/users/:id/enable',
  summary: 'Enable a disabled account again',
  done: backToUser('user_enabled'),
})

const endSessionsForm = formOf(endSessions, {
  path: '/admin/users/:id/end-sessions',
  summary: 'Sign an account out on every device',
  done: backToUser('user_signed_out'),
})

const resetForm = formOf(resetPassword, {
  path: '/admin/users/:id/password-reset',
  summary: 'Send an account a link to choose a new password',
  done: backToUser('user_reset_sent'),
})

const removeSecondFactorForm = formOf(removeSecondFactor, {
  path: '/admin/users/:id/second-factor',
  summary: 'Remove the second factor of a person who lost it',
  done: backToUser('user_second_factor_removed'),
})

const roleForm = formOf(update, {
  path: '/admin/users/:id/role',
  summary: 'Change the role of an account',
  fields: object({ role: z.enum(roles).describe('The new role') }),
  done: backToUser('role_changed'),
})

const askDelete = route({
  ...adminPage,
  scope: 'users:write',
  auth: 'recent',
  path: '/admin/users/:id/delete',
  summary: 'Ask for confirmation before an account is deleted',
  params: idParams,
  fails: ['account_not_found'],
  async handle({ who, params, locale, csrfToken }, { users: all }: Services) {
    const found = await all.get(params.id)
    if (!found) return fail('account_not_found')
    const reader = readerOf(locale)
    const { admin } = reader.say
    const csrf = csrfToken()
    return show(
      locale,
      <Layout {...reader} title={admin.deleteTitle(nameOf(found.account))} signedIn={csrf} scopes={who.scopes}>
        <p>{admin.deleteText}</p>
        <div class="actions">
          <Form action={`${userPage(params.id)}/delete`} csrf={csrf}>
            <button type="submit" class="danger">
              {admin.deleteButton}
            </button>
          </Form>
          <a class="button" href={userPage(params.id)}>
            {reader.say.cancel}
          </a>
        </div>
      </Layout>,
    )
  },
})

const removeForm = formOf(remove, {
  path: '/admin/users/:id/delete',
  summary: 'Delete an account; its permissions are revoked at the providers',
  done: () => seeOther(doneAt('/admin/users', 'user_deleted')),
})

export const adminRoutes = [
  users,
  user,
  disableForm,
  enableForm,
  endSessionsForm,
  resetForm,
  removeSecondFactorForm,
  roleForm,
  askDelete,
  removeForm,
]

function AccountFacts({ user: found, ...reader }: Reader & { user: UserListItem }): VNode {
  const { say } = reader
  const { admin, profile } = say
  const { account } = found
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">{profile.heading}</h2>
      <Facts
        of={[
          [
            profile.email,
            account.email === null
              ? profile.noEmail
              : `${account.email} (${account.emailVerified ? profile.verified : profile.notVerified})`,
          ],
          [profile.name, account.name ?? '—'],
          [admin.id, <code key="id">{account.id}</code>],
          [admin.role, admin.roles[account.role]],
          [admin.secondFactor, account.secondFactorAt ? say.yes : say.no],
          [profile.since, <Time key="since" {...reader} at={account.createdAt} />],
          account.disabledAt
            ? [
                admin.disabled,
                <span key="disabled" class="caution">
                  <Time {...reader} at={account.disabledAt} />
                </span>,
              ]
            : null,
        ]}
      />
    </section>
  )
}

type ActsProps = Reader & {
  readonly account: Account
  readonly own: boolean
  readonly csrf: string
  readonly may: ReturnType<typeof mayNow>
}

function Acts({ account, own, csrf, may, ...reader }: ActsProps): VNode | null {
  const { admin } = reader.say
  const page = userPage(account.id)
  if (!may.allowed) return null
  const act = (path: string, text: ComponentChildren, danger = false) => (
    <Form action={`${page}/${path}`} csrf={csrf}>
      <button type="submit" {...(danger ? { class: 'danger' } : {})}>
        {text}
        <Unseen> ({nameOf(account)})</Unseen>
      </button>
    </Form>
  )
  return (
    <section aria-labelledby="acts">
      <h2 id="acts">{admin.acts}</h2>
      {may.recent ? (
        <>
          {own ? (
            <p>{admin.ownRole}</p>
          ) : (
            <Form action={`${page}/role`} csrf={csrf}>
              <div class="field">
                <label for="role">{admin.role}</label>
                <div>
                  <select id="role" name="role">
                    {roles.map((name) => (
                      <option key={name} value={name} selected={name === account.role}>
                        {admin.roles[name]}
                      </option>
                    ))}
                  </select>
                  <button type="submit">{admin.changeRole}</button>
                </div>
              </div>
            </Form>
          )}
          <div class="actions">
            {account.disabledAt ? act('enable', admin.enable) : act('disable', admin.disable, true)}
            {act('end-sessions', admin.endSessions)}
            {account.email !== null && account.emailVerified && !account.disabledAt
              ? act('password-reset', admin.reset)
              : null}
            <a class="button danger" href={`${page}/delete`}>
              {admin.remove}
              <Unseen> ({nameOf(account)})</Unseen>
            </a>
          </div>
          {account.secondFactorAt && !own ? (
            <>
              <p>{admin.identityFirst}</p>
              <div class="actions">{act('second-factor', admin.removeSecondFactor, true)}</div>
            </>
          ) : null}
        </>
      ) : (
        <SignInAgain {...reader} returnTo={page} />
      )}
    </section>
  )
}
