import type { VNode } from 'preact'
import { z } from 'zod'
import type { UserListItem } from '../../accounts/ports.ts'
import type { Scope } from '../../accounts/roles.ts'
import { fail } from '../../errors/catalogue.ts'
import { everyEntry } from '../../flows/read-as-administrator.ts'
import { type Account, roles } from '../../kernel/account.ts'
import type { Session } from '../../sessions/ports.ts'
import {
  disable,
  enable,
  endSession,
  endSessions,
  remove,
  removeSecondFactor,
  resetPassword,
  update,
} from '../api/users.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { idParams } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { AuditTable } from './admin-audit.tsx'
import { accountLabel, adminPage, mayNow, userPage } from './admin-frame.tsx'
import { InvitationPanel } from './admin-invitation.tsx'
import { metadataForm, UserMetadata } from './admin-user-metadata.tsx'
import { Ask, type AskProps } from './ask.tsx'
import { deviceWords } from './device-words.ts'
import { Select } from './field.tsx'
import { LastSignIn } from './last-sign-in.tsx'
import { Facts, Form, Layout, type Reader, readerOf, SignInAgain, show, Time, Unseen } from './layout.tsx'
import { UserApplications } from './permission-applications.tsx'
import { doneAt, doneMessageOf, doneQuery, type Notice } from './status.ts'

/** The administrators' page of one account. */

/** How many accounts with the same email address the page names. */
const mostSame = 10

/** Redirects to the page of the account, with a notice. */
const backToUser =
  (done: Notice) =>
  ({ params }: { params: { id: string } }) =>
    seeOther(doneAt(userPage(params.id), done))

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
    const { auditLog, sessions: sessionsOf, namesIn } = services.flows.readAsAdministrator
    const mayRead = who.scopes.includes('audit:read' satisfies Scope)
    const [ways, same, sessions, applications, activity] = await Promise.all([
      services.links.list(account.id),
      account.email === null ? [] : services.users.atAddress(account.email, mostSame),
      sessionsOf(asking, account.id),
      services.applicationAccess.list(account.id),
      mayRead ? auditLog(asking, { ...everyEntry, account: account.id }, { before: null, limit: 10 }) : null,
    ])
    const rows = activity?.rows ?? []
    const names = await namesIn(rows)
    const reader = readerOf(locale)
    const { say } = reader
    const csrf = csrfToken()
    const may = mayNow(who, 'users:write', services)
    const providerName = (id: string): string => services.providers.get(id)?.name ?? id
    return show(
      locale,
      <Layout
        {...reader}
        title={accountLabel(account)}
        signedIn={csrf}
        scopes={who.scopes}
        status={doneMessageOf(asked.done, locale)}
      >
        <AccountFacts {...reader} user={found} />
        {account.invitedAt === null ? null : (
          <InvitationPanel
            {...reader}
            account={account}
            now={services.clock()}
            csrf={csrf}
            may={may}
            canSend={services.settings.mail}
          />
        )}
        <SameAddress {...reader} accounts={same.filter(({ id }) => id !== account.id)} />
        <section class="panel" aria-labelledby="ways">
          <h2 id="ways">{say.ways.heading}</h2>
          {ways.length === 0 && !found.password && found.passkeys === 0 ? <p>{say.people.noMethods}</p> : null}
          <ul class="rows">
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
        <Devices {...reader} account={account} sessions={sessions} csrf={csrf} mayEnd={may.allowed && may.recent} />
        <UserMetadata {...reader} account={account} csrf={csrf} mayChange={may.allowed && may.recent} />
        {mayRead ? (
          <section class="panel" aria-labelledby="activity">
            <h2 id="activity">{say.events.heading}</h2>
            <AuditTable {...reader} rows={rows} names={names} providers={services.providers} of={account.id} />
            <p class="actions">
              <a class="button" href={`/admin/audit?account=${account.id}`}>
                {say.events.all}
              </a>
            </p>
          </section>
        ) : null}
        <Acts {...reader} account={account} own={account.id === who.accountId} csrf={csrf} may={may} />
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

const endSessionForm = formOf(endSession, {
  path: '/admin/users/:id/sessions/:session_id/end',
  summary: 'Sign an account out on one device',
  done: backToUser('user_device_ended'),
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
      <Layout {...reader} title={admin.deleteTitle(accountLabel(found.account))} signedIn={csrf} scopes={who.scopes}>
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

export const adminUserRoutes = [
  user,
  disableForm,
  enableForm,
  endSessionsForm,
  endSessionForm,
  resetForm,
  removeSecondFactorForm,
  roleForm,
  metadataForm,
  askDelete,
  removeForm,
]

function AccountFacts({ user: found, ...reader }: Reader & { user: UserListItem }): VNode {
  const { say } = reader
  const { admin, people, profile } = say
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
          [admin.role, admin.roles[account.role]],
          [admin.secondFactor, account.secondFactorAt ? say.yes : say.no],
          [profile.since, <Time key="since" {...reader} at={account.createdAt} />],
          [people.lastSignIn, <LastSignIn key="signed-in" {...reader} at={account.lastSignInAt} />],
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
      <details>
        <summary>{say.auditLog.details}</summary>
        <Facts of={[[admin.id, <code key="id">{account.id}</code>]]} />
      </details>
    </section>
  )
}

/** Other accounts that may belong to the same person. */
function SameAddress({ accounts, ...reader }: Reader & { accounts: readonly Account[] }): VNode | null {
  const { people, profile } = reader.say
  if (accounts.length === 0) return null
  return (
    <section class="panel" aria-labelledby="same">
      <h2 id="same">{people.sameAddress}</h2>
      <p>{people.sameAddressText}</p>
      <ul class="rows">
        {accounts.map((account) => (
          <li key={account.id}>
            <span>
              <a href={userPage(account.id)}>{accountLabel(account)}</a>{' '}
              <span class="fine">
                {account.emailVerified ? profile.verified : profile.notVerified} ·{' '}
                <Time {...reader} at={account.createdAt} />
              </span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

type DevicesProps = Reader & {
  readonly account: Account
  readonly sessions: readonly Session[]
  readonly csrf: string
  readonly mayEnd: boolean
}

function Devices({ account, sessions, csrf, mayEnd, ...reader }: DevicesProps): VNode {
  const { say } = reader
  const { people } = say
  return (
    <section class="panel" aria-labelledby="devices">
      <h2 id="devices">{say.devices.heading}</h2>
      {sessions.length === 0 ? <p>{say.admin.noDevices}</p> : null}
      <ul class="rows">
        {sessions.map((session) => {
          const device = deviceWords(session.userAgent, say)
          return (
            <li key={session.id}>
              <div>
                {device}
                <p class="fine">
                  <Time {...reader} at={session.lastSeenAt} />
                  {session.ip === null ? '' : ` · ${session.ip}`}
                </p>
              </div>
              {mayEnd ? (
                <div class="actions">
                  <Ask
                    action={`${userPage(account.id)}/sessions/${session.id}/end`}
                    csrf={csrf}
                    label={people.endDevice}
                    about={device}
                    what={people.endDeviceWhat(device, accountLabel(account))}
                    yes={people.endDeviceYes}
                  />
                </div>
              ) : null}
            </li>
          )
        })}
      </ul>
    </section>
  )
}

type ActsProps = Reader & {
  readonly account: Account
  readonly own: boolean
  readonly csrf: string
  readonly may: ReturnType<typeof mayNow>
}

/** What can be done with the account. Each act asks first. */
function Acts({ account, own, csrf, may, ...reader }: ActsProps): VNode | null {
  const { admin, people } = reader.say
  const page = userPage(account.id)
  const name = accountLabel(account)
  if (!may.allowed) return null
  const act = (path: string, label: string, what: string, yes: string, more: Partial<AskProps> = {}) => (
    <Ask action={`${page}/${path}`} csrf={csrf} label={label} about={name} what={what} yes={yes} {...more} />
  )
  const roleField = (
    <Select
      name="role"
      label={admin.role}
      value={account.role}
      options={roles.map((role) => [role, admin.roles[role]] as const)}
    />
  )
  return (
    <section aria-labelledby="acts">
      <h2 id="acts">{admin.acts}</h2>
      {own ? <p>{admin.ownRole}</p> : null}
      {may.recent ? (
        <div class="actions">
          {own ? null : act('role', people.role, people.roleWhat(name), admin.changeRole, { children: roleField })}
          {account.disabledAt
            ? act('enable', people.enable, people.enableWhat(name), admin.enable, { gives: true })
            : act('disable', people.disable, people.disableWhat(name), admin.disable)}
          {act('end-sessions', people.endSessions, people.endSessionsWhat(name), admin.endSessions)}
          {account.email !== null && account.emailVerified && !account.disabledAt
            ? act('password-reset', people.reset, people.resetWhat(account.email), admin.reset)
            : null}
          {account.secondFactorAt && !own
            ? act('second-factor', people.removeSecondFactor, admin.identityFirst, admin.removeSecondFactor)
            : null}
          <a class="button danger" href={`${page}/delete`}>
            {admin.remove}
            <Unseen> ({name})</Unseen>
          </a>
        </div>
      ) : (
        <SignInAgain {...reader} returnTo={page} />
      )}
    </section>
  )
}
