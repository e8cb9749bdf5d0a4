import type { VNode } from 'preact'
import { z } from 'zod'
import type { ManagedAccount } from '../../accounts/ports.ts'
import { roles } from '../../kernel/account.ts'
import { locales } from '../../kernel/locale.ts'
import { addPerson, sendInvitation, withdrawInvitation } from '../api/invited-users.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { addressText, emptyAsUndefined, LocaleName, line } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { accountLabel, adminPage, type mayNow, newUserPage, userPage } from './admin-frame.tsx'
import { Ask } from './ask.tsx'
import { Field, Select, Submit } from './field.tsx'
import { Facts, Form, Layout, type Reader, readerOf, SignInAgain, show, Time } from './layout.tsx'
import { Panel } from './panel.tsx'
import { doneAt } from './status.ts'
import { textsFor } from './texts.ts'

/** Administrators add a person, send the invitation again, and withdraw it. */

const ask = route({
  ...adminPage,
  scope: 'users:write',
  auth: 'recent',
  path: newUserPage,
  summary: 'Show the form that adds a person',
  fails: [],
  handle({ who, locale, csrfToken }, { settings }: Services) {
    const reader = readerOf(locale)
    const { admin, people } = reader.say
    const { add } = people
    const csrf = csrfToken()
    return show(
      locale,
      <Layout {...reader} title={add.title} signedIn={csrf} scopes={who.scopes}>
        <p>{add.intro}</p>
        <Form action={newUserPage} csrf={csrf}>
          <Field name="email" type="email" label={people.email} autocomplete="off" maxlength={320} autofocus />
          <Field name="name" label={add.name} autocomplete="off" maxlength={200} optional />
          <Select
            name="role"
            label={admin.role}
            value="user"
            options={roles.map((role) => [role, admin.roles[role]] as const)}
          />
          <Select
            name="locale"
            label={add.language}
            value=""
            options={[['', add.anyLanguage], ...locales.map((one) => [one, textsFor(one).ownLanguage] as const)]}
          />
          {settings.mail ? (
            <Select
              name="send"
              label={add.invitation}
              value="yes"
              options={[
                ['yes', add.send],
                ['no', add.dontSend],
              ]}
            />
          ) : (
            <p>{add.noMail}</p>
          )}
          <Submit>{add.button}</Submit>
        </Form>
      </Layout>,
    )
  },
})

const addForm = formOf(addPerson, {
  path: newUserPage,
  summary: 'Add a person, and invite them by email',
  // Browsers send a field that was left empty.
  fields: object({
    email: addressText,
    name: emptyAsUndefined(line).optional().describe('The display name'),
    role: z.enum(roles).describe('The role that the person gets'),
    locale: z
      .union([LocaleName, z.literal('').transform(() => undefined)])
      .optional()
      .describe('The language of pages and email'),
    send: z
      .enum(['yes', 'no'])
      .transform((choice) => choice === 'yes')
      .optional()
      .describe('Whether to email an invitation'),
  }),
  done: (_, { id, invitation_expires_at: until }) =>
    seeOther(doneAt(userPage(id), until === null ? 'user_added' : 'user_invited')),
})

const sendForm = formOf(sendInvitation, {
  path: '/admin/users/:id/invitation',
  summary: 'Send an invitation again',
  done: ({ params: { id } }) => seeOther(doneAt(userPage(id), 'user_invited')),
})

const withdrawForm = formOf(withdrawInvitation, {
  path: '/admin/users/:id/invitation/withdraw',
  summary: 'Withdraw an invitation, and delete its account',
  done: () => seeOther(doneAt('/admin/users', 'user_invitation_withdrawn')),
})

export const adminInvitationRoutes = [ask, addForm, sendForm, withdrawForm]

type InvitationProps = Reader & {
  readonly account: ManagedAccount
  readonly now: Date
  readonly csrf: string
  readonly may: ReturnType<typeof mayNow>
  /** Whether the service can send email. */
  readonly canSend: boolean
}

/** The invitation of an account that waits for its person. */
export function InvitationPanel({ account, now, csrf, may, canSend, ...reader }: InvitationProps): VNode {
  const { people } = reader.say
  const { email, invitedAt, invitationExpiresAt: until } = account
  const page = userPage(account.id)
  const address = email ?? accountLabel(account)
  return (
    <Panel id="invitation" title={people.invitation}>
      <p>{people.invitationText(address)}</p>
      <Facts
        of={[
          invitedAt === null
            ? null
            : [until === null ? people.added : people.invited, <Time key="invited" {...reader} at={invitedAt} />],
          until === null
            ? null
            : [until > now ? people.linkUntil : people.linkExpired, <Time key="until" {...reader} at={until} exact />],
        ]}
      />
      {until !== null && until <= now ? <p class="caution">{people.invitationExpired}</p> : null}
      {!may.allowed ? null : may.recent ? (
        <div class="actions">
          {canSend && !account.disabledAt ? (
            <Ask
              action={`${page}/invitation`}
              csrf={csrf}
              label={until === null ? people.sendFirst : people.sendAgain}
              what={people.sendWhat(address)}
              yes={people.sendYes}
              gives
            />
          ) : null}
          <Ask
            action={`${page}/invitation/withdraw`}
            csrf={csrf}
            label={people.withdraw}
            what={people.withdrawWhat(address)}
            yes={people.withdrawYes}
          />
        </div>
      ) : (
        <SignInAgain {...reader} returnTo={page} />
      )}
    </Panel>
  )
}
