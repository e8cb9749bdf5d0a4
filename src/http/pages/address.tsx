import type { VNode } from 'preact'
import { fail } from '../../errors/catalogue.ts'
import { readEmail } from '../../kernel/email.ts'
import { ok } from '../../kernel/result.ts'
import { askToChange, askToVerify, change, verify } from '../api/mail.ts'
import { formOf } from '../form.ts'
import { isRecent } from '../principal.ts'
import { type CookieChange, seeOther } from '../reply.ts'
import { route } from '../route.ts'
import type { Services } from '../services.ts'
import { asking, ticketed } from './by-mail.ts'
import { Field, Submit } from './field.tsx'
import { BackToAccount, Form, Layout, type Reader, readerOf, SignInAgain, show } from './layout.tsx'
import { refusalOf } from './refusal.tsx'
import { doneAt, doneMessageOf, doneQuery } from './status.ts'

/**
 * Keeps the ticket of a link while its reader signs in first. In the URL of the sign-in page, the ticket would be
 * stored with the sign-in.
 */
const ticketCookie = (ticket: string | null): CookieChange => ({
  name: 'mail_ticket',
  value: ticket,
  ...(ticket === null ? {} : { maxAgeSeconds: 1800 }),
  sameSite: 'lax',
})

/** The ticket was used or is no longer valid: the browser deletes its cookie. */
const ticketOver = { cookies: [ticketCookie(null)] } as const

const NotYours = ({ returnTo, ...reader }: Reader & { returnTo: string }): VNode => (
  <Layout {...reader} title={reader.say.mail.notYours.title}>
    <p>{reader.say.mail.notYours.text}</p>
    <p class="actions">
      <a class="button primary" href={`/login?return_to=${encodeURIComponent(returnTo)}`}>
        {reader.say.signIn}
      </a>
    </p>
  </Layout>
)
type Confirmation = { readonly title: string; readonly texts: readonly string[]; readonly button: string }
type ConfirmProps = Reader & Confirmation & { readonly action: string; readonly ticket: string; readonly csrf: string }
const Confirm = ({ title, texts, button, action, ticket, csrf, ...reader }: ConfirmProps): VNode => (
  <Layout {...reader} title={title} signedIn={csrf} card>
    {texts.map((text) => (
      <p key={text}>{text}</p>
    ))}
    <Form action={action} csrf={csrf}>
      <input type="hidden" name="ticket" value={ticket} />
      <Submit>{button}</Submit>
    </Form>
    <BackToAccount {...reader} />
  </Layout>
)

const verifyPage = route({
  ...asking,
  path: '/verify-email',
  summary: 'Show the page of an email verification link; it asks to sign in first',
  query: ticketed,
  also: ['redirect'],
  fails: ['ticket_invalid'],
  async handle({ query, cookie, who, locale, csrfToken }, { flows }: Services) {
    const ticket = query.ticket ?? cookie('mail_ticket')
    if (ticket === undefined) return fail('ticket_invalid')
    const waiting = { cookies: [ticketCookie(ticket)] }
    if (!who) return ok(seeOther(`${doneAt('/login', 'sign_in_to_verify')}&return_to=/verify-email`, waiting))
    const found = await flows.verifyEmail.looks(ticket, who.accountId)
    // The sign-in that the link led to has verified the email address already.
    if (found === 'over' && who.account.emailVerified)
      return ok(seeOther(doneAt('/account', 'email_verified'), ticketOver))
    if (found === 'over') return { ...fail('ticket_invalid'), ...ticketOver }
    const reader = readerOf(locale)
    if (found === 'not_yours') return show(locale, <NotYours {...reader} returnTo="/verify-email" />, waiting)
    const { verify } = reader.say.mail
    const about = { title: verify.title, texts: [verify.text(who.account.email ?? '')], button: verify.button }
    return show(locale, <Confirm {...reader} {...about} action="/verify-email" ticket={ticket} csrf={csrfToken()} />)
  },
})

const verifyForm = formOf(verify, {
  path: '/verify-email',
  summary: 'Verify my email address',
  also: ['page'],
  done: () => seeOther(doneAt('/account', 'email_verified'), ticketOver),
  failed: (refusal) => ({ ...refusal, ...ticketOver }),
})

const changePage = route({
  ...asking,
  path: '/change-email',
  summary: 'Show the page of a link that confirms a new email address; it asks to sign in first',
  query: ticketed,
  also: ['redirect'],
  fails: ['ticket_invalid'],
  async handle({ query, cookie, who, locale, csrfToken }, { flows }: Services) {
    const ticket = query.ticket ?? cookie('mail_ticket')
    if (ticket === undefined) return fail('ticket_invalid')
    const waiting = { cookies: [ticketCookie(ticket)] }
    if (!who) return ok(seeOther(`${doneAt('/login', 'sign_in_to_change')}&return_to=/change-email`, waiting))
    const found = await flows.changeEmail.looks(ticket, who.accountId)
    if (found === 'over') return { ...fail('ticket_invalid'), ...ticketOver }
    const reader = readerOf(locale)
    if (found === 'not_yours') return show(locale, <NotYours {...reader} returnTo="/change-email" />, waiting)
    const { change } = reader.say.mail
    const texts = [change.text(who.account.email ?? change.none, found.address), change.devices]
    const about = { title: change.title, texts, button: change.button }
    return show(locale, <Confirm {...reader} {...about} action="/change-email" ticket={ticket} csrf={csrfToken()} />)
  },
})

const changeForm = formOf(change, {
  path: '/change-email',
  summary: 'Confirm my new email address; other devices are signed out',
  also: ['page'],
  done: () => seeOther(doneAt('/account', 'email_changed'), ticketOver),
  failed: (refusal) => ({ ...refusal, ...ticketOver }),
})

type MyAddressProps = Reader & {
  readonly csrf: string
  readonly email: string | null
  readonly verified: boolean
  readonly mail: boolean
  readonly recent: boolean
  readonly given?: string
  readonly error?: string
  readonly status?: string | undefined
}
function MyAddress({
  csrf,
  email,
  verified,
  mail: on,
  recent,
  given,
  error,
  status,
  ...reader
}: MyAddressProps): VNode {
  const { say } = reader
  const { account } = say.mail
  return (
    <Layout {...reader} title={account.title} signedIn={csrf} status={status} refused={refusalOf('email', error)}>
      <section class="panel" aria-labelledby="now">
        <h2 id="now">{account.current}</h2>
        <ul class="rows">
          <li>
            <div>
              <p>
                {email ?? say.profile.noEmail}{' '}
                {email === null ? null : (
                  <span class={verified ? 'badge good' : 'badge warn'}>
                    {verified ? say.profile.verified : say.profile.notVerified}
                  </span>
                )}
              </p>
              {on ? null : <p class="fine">{account.off}</p>}
              {on && email !== null && !verified ? <p class="fine">{account.unproven}</p> : null}
            </div>
            {on && email !== null && !verified ? (
              <div class="actions">
                <Form action="/account/email/verify" csrf={csrf}>
                  <button type="submit">{account.sendAgain}</button>
                </Form>
              </div>
            ) : null}
          </li>
        </ul>
      </section>
      {on ? (
        <section class="panel" aria-labelledby="change">
          <h2 id="change">{account.change}</h2>
          {recent ? (
            <Form action="/account/email" csrf={csrf}>
              <Field
                name="email"
                type="email"
                label={account.newAddress}
                autocomplete="email"
                hint={account.changeHint}
                value={given}
              />
              <Submit>{account.ask}</Submit>
            </Form>
          ) : (
            <SignInAgain {...reader} returnTo="/account/email" />
          )}
        </section>
      ) : null}
      <BackToAccount {...reader} />
    </Layout>
  )
}

const myAddress = route({
  method: 'get',
  tag: 'Pages',
  surface: 'browser',
  auth: 'user',
  limit: 'account',
  path: '/account/email',
  summary: 'Show my email address, whether it is verified, and how to change it',
  query: doneQuery,
  fails: [],
  handle({ who, query, locale, csrfToken }, { settings, clock }: Services) {
    const recent = isRecent(who, clock(), settings.recentAuthSeconds)
    const { email, emailVerified: verified } = who.account
    const of = {
      csrf: csrfToken(),
      email,
      verified,
      mail: settings.mail,
      recent,
      status: doneMessageOf(query.done, locale),
    }
    return show(locale, <MyAddress {...readerOf(locale)} {...of} />)
  },
})

const askToVerifyForm = formOf(askToVerify, {
  path: '/account/email/verify',
  summary: 'Send me the link that verifies my email address',
  done: () => seeOther(doneAt('/account/email', 'email_sent')),
})

const askToChangeForm = formOf(askToChange, {
  path: '/account/email',
  summary: 'Send the link that confirms my new email address',
  also: ['page'],
  done: () => seeOther(doneAt('/account/email', 'email_sent')),
  failed({ error }, { who, body, locale, csrfToken }, { settings }) {
    if (error.code !== 'invalid_request') return undefined
    const { email, emailVerified: verified } = who.account
    const reader = readerOf(locale)
    const { notAnAddress, account } = reader.say.mail
    // A valid email address that is refused is the one the account has already.
    const text = readEmail(body.email) ? account.yours : notAnAddress
    const of = { csrf: csrfToken(), email, verified, mail: settings.mail, recent: true, given: body.email, error: text }
    return show(locale, <MyAddress {...reader} {...of} />, { status: 400 })
  },
})

export const addressRoutes = [
  verifyPage,
  verifyForm,
  changePage,
  changeForm,
  myAddress,
  askToVerifyForm,
  askToChangeForm,
]
