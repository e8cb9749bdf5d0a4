import { fail } from '../../errors/catalogue.ts'
import { maskEmail } from '../../kernel/email.ts'
import { acceptInvitation } from '../api/invited-users.ts'
import { formOf } from '../form.ts'
import { usePageFrame } from '../page-frame.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { emailedTicket } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { typedEmailCookie } from '../sign-in-answers.ts'
import { asking, ticketed } from './by-mail.ts'
import { Field, Submit } from './field.tsx'
import { Facts, Form, Layout, type Reader, readerOf, show, Time } from './layout.tsx'
import { doneAt } from './status.ts'

const path = '/accept-invitation'

const open = route({
  ...asking,
  path,
  summary: 'Show the page of an invitation to an account',
  query: ticketed,
  fails: ['ticket_invalid'],
  async handle({ query: { ticket }, locale, csrfToken }, { flows, settings }: Services) {
    const found = ticket === undefined ? undefined : await flows.invitePerson.look(ticket)
    if (ticket === undefined || found?.email == null) return fail('ticket_invalid')
    const of = { csrf: csrfToken(), ticket, email: maskEmail(found.email), until: found.expiresAt }
    return show(locale, <Accept {...readerOf(locale)} {...of} least={settings.passwordLeastLength} />)
  },
})

type AcceptProps = Reader & {
  readonly csrf: string
  readonly ticket: string
  readonly email: string
  readonly until: Date
  readonly least: number
}

function Accept({ csrf, ticket, email, until, least, ...reader }: AcceptProps) {
  const { mail, teams, password } = reader.say
  const { accept } = mail
  const { brand } = usePageFrame()
  return (
    <Layout {...reader} title={accept.title(brand.name)}>
      <p class="lead">{accept.intro}</p>
      <Facts
        of={[
          [password.email, email],
          [teams.until, <Time key="until" {...reader} at={until} exact />],
        ]}
      />
      <Form action={path} csrf={csrf}>
        <input type="hidden" name="ticket" value={ticket} />
        <Field
          name="password"
          type="password"
          label={accept.password}
          autocomplete="new-password"
          hint={password.rules(least)}
          reveal={reader.say.reveal}
        />
        <Submit>{accept.withPassword}</Submit>
      </Form>
      <section aria-labelledby="without">
        <h2 id="without">{accept.without}</h2>
        <p>{accept.withoutText}</p>
        <Form action={`${path}/without-password`} csrf={csrf}>
          <input type="hidden" name="ticket" value={ticket} />
          <p class="actions">
            <button type="submit">{accept.withoutPassword}</button>
          </p>
        </Form>
      </section>
    </Layout>
  )
}

const passwordForm = formOf(acceptInvitation, {
  path,
  summary: 'Accept an invitation and set a password',
  done: (_, { email }) => seeOther(doneAt('/login', 'invitation_password_set'), { cookies: [typedEmailCookie(email)] }),
})

const withoutPasswordForm = formOf(acceptInvitation, {
  path: `${path}/without-password`,
  summary: 'Accept an invitation without a password',
  fields: object({ ticket: emailedTicket }),
  done: (_, { email }) => seeOther(doneAt('/login', 'invitation_accepted'), { cookies: [typedEmailCookie(email)] }),
})

export const acceptInvitationRoutes = [open, passwordForm, withoutPasswordForm]
