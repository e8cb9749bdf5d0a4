import { fail } from '../../errors/catalogue.ts'
import type { Account } from '../../kernel/account.ts'
import { maskEmail } from '../../kernel/email.ts'
import { ok } from '../../kernel/result.ts'
import { accept } from '../api/teams.ts'
import { formOf } from '../form.ts'
import { type CookieChange, seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { secretText } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { asking, ticketed } from './by-mail.ts'
import { Submit } from './field.tsx'
import { Facts, Form, Layout, readerOf, show, Time } from './layout.tsx'
import { doneAt } from './status.ts'
import { teamPage } from './teams.tsx'

/**
 * Keeps the ticket of the link while its reader signs in or creates an account first. No later URL contains it: neither
 * the history of the browser nor a stored sign-in.
 */
const ticketCookie = (ticket: string | null): CookieChange => ({
  name: 'invitation',
  value: ticket,
  ...(ticket === null ? {} : { maxAgeSeconds: 3600 }),
  sameSite: 'lax',
})

const open = route({
  ...asking,
  path: '/invitation',
  summary: 'Show the page of an invitation link; a visitor is asked to sign in',
  query: ticketed,
  also: ['redirect'],
  fails: ['invitation_not_found'],
  async handle({ query, cookie, who, locale, csrfToken }, { invitations, settings }: Services) {
    if (query.ticket !== undefined) return ok(seeOther('/invitation', { cookies: [ticketCookie(query.ticket)] }))
    const ticket = cookie('invitation')
    if (ticket === undefined) return fail('invitation_not_found')
    const found = await invitations.look(ticket, who?.accountId ?? null)
    if (!found.ok) return { ...found, cookies: [ticketCookie(null)] }
    const { team, invitation, inviter, joined } = found.value
    const reader = readerOf(locale)
    const { teams: say, cancel } = reader.say
    const csrf = csrfToken()
    return show(
      locale,
      <Layout {...reader} title={say.invitation.title(team.name)} signedIn={who ? csrf : undefined} card>
        <Facts
          of={[
            [say.role, say.roles[invitation.role]],
            inviter === null ? null : [say.invitation.by, inviter],
            [say.invitation.sentTo, maskEmail(invitation.email)],
            [say.until, <Time key="until" {...reader} at={invitation.expiresAt} exact />],
          ]}
        />
        {who === null ? (
          <>
            <p>{say.invitation.signInFirst}</p>
            <p class="actions">
              <a class="button primary" href="/login?return_to=/invitation">
                {reader.say.signIn}
              </a>
              {settings.canRegister ? (
                <a class="button" href="/register?return_to=/invitation">
                  {reader.say.register.link}
                </a>
              ) : null}
            </p>
          </>
        ) : joined ? (
          <>
            <p>{say.invitation.joined}</p>
            <p class="actions">
              <a class="button" href={teamPage(team.id)}>
                {say.invitation.openTeam}
              </a>
            </p>
          </>
        ) : (
          <>
            <p>{say.invitation.as(nameOf(who.account))}</p>
            <p>{say.invitation.seen}</p>
            <Form action="/invitation" csrf={csrf}>
              <input type="hidden" name="ticket" value={ticket} />
              <Submit>{say.invitation.join}</Submit>
            </Form>
            <p class="actions">
              <a class="button" href="/login?return_to=/invitation">
                {say.invitation.another}
              </a>
              <a class="button" href="/account">
                {cancel}
              </a>
            </p>
          </>
        )}
      </Layout>,
    )
  },
})

const nameOf = ({ name, email, id }: Account): string =>
  name !== null && email !== null ? `${name} (${email})` : (email ?? name ?? id)

const acceptForm = formOf(accept, {
  path: '/invitation',
  summary: 'Accept an invitation to a team',
  fields: object({ ticket: secretText }).transform(({ ticket }) => ({ token: ticket })),
  done: (_, team) => seeOther(doneAt(teamPage(team.id), 'team_joined'), { cookies: [ticketCookie(null)] }),
})

export const invitationRoutes = [open, acceptForm]
