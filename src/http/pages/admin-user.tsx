import { z } from 'zod'
import type { Scope } from '../../accounts/roles.ts'
import { fail } from '../../errors/catalogue.ts'
import { everyEntry } from '../../flows/read-as-administrator.ts'
import { roles } from '../../kernel/account.ts'
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
import { AccountFacts, Acts, Methods, SameAddress, UserDevices } from './admin-user-panels.tsx'
import { Form, Layout, readerOf, show } from './layout.tsx'
import { Panel } from './panel.tsx'
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
    const [identities, same, sessions, applications, activity] = await Promise.all([
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
        <Methods {...reader} user={found} identities={identities} providers={services.providers} />
        <UserApplications
          {...reader}
          applications={applications}
          canOpen={who.scopes.includes('applications:read' satisfies Scope)}
        />
        <UserDevices {...reader} account={account} sessions={sessions} csrf={csrf} mayEnd={may.allowed && may.recent} />
        {mayRead ? (
          <Panel id="activity" title={say.events.heading}>
            <AuditTable {...reader} rows={rows} names={names} providers={services.providers} of={account.id} />
            <p class="actions">
              <a class="button" href={`/admin/audit?account=${account.id}`}>
                {say.events.all}
              </a>
            </p>
          </Panel>
        ) : null}
        <UserMetadata {...reader} account={account} csrf={csrf} mayChange={may.allowed && may.recent} />
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
