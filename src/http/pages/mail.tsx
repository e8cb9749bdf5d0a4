import type { VNode } from 'preact'
import { z } from 'zod'
import { fail, message } from '../../errors/catalogue.ts'
import { readReturnTo } from '../../flows/return-to.ts'
import { readEmail } from '../../kernel/email.ts'
import { ok } from '../../kernel/result.ts'
import type { Admitted } from '../../sessions/sign-in.ts'
import { addressText, challengeText, codeText, passwordText } from '../api/mail.ts'
import { admittedAsRedirect, toSecondFactor } from '../entry.ts'
import { isRecent } from '../principal.ts'
import { type CookieChange, seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { secretText } from '../schemas.ts'
import type { Services } from '../services.ts'
import { onwardPage } from './conflict.tsx'
import { SignInAgain } from './identity.tsx'
import { Facts, Form, Layout, type Reader, readerOf, show } from './layout.tsx'
import { doneAt, statusOf } from './status.ts'

/**
 * What letters lead to. A link is only looked at when it is followed: mail scanners follow links too, so it takes a
 * button to use it up.
 */
const common = { tag: 'Pages', surface: 'browser', auth: 'public' } as const
const asking = { ...common, method: 'get', limit: 'browse' } as const
const doing = { ...common, method: 'post', limit: 'sign_in', status: 303, also: ['page'] } as const

/** Another site may add to an address what it likes. */
const ticketed = z.looseObject({ ticket: secretText.optional() })

const lax = { sameSite: 'lax' } as const
/** What a code must come with: where it was asked for. */
const codeCookie = (binding: string | null, seconds = 0): CookieChange => ({
  name: 'mail_sign_in',
  value: binding,
  ...(binding === null ? {} : { maxAgeSeconds: seconds }),
  ...lax,
})
/**
 * A link's ticket while its reader signs in first: in the address of the sign-in page it would be written down with the
 * sign-in.
 */
const ticketCookie = (ticket: string | null): CookieChange => ({
  name: 'mail_ticket',
  value: ticket,
  ...(ticket === null ? {} : { maxAgeSeconds: 1800 }),
  ...lax,
})

type FieldProps = {
  readonly name: string
  readonly label: string
  readonly type: 'text' | 'email' | 'password'
  readonly autocomplete: string
  readonly value?: string | undefined
  readonly hint?: string | undefined
  readonly error?: string | undefined
  readonly numeric?: boolean
}
/** A labelled field; what is wrong with it is said with it, to those who do not see the page as well. */
function Field({ name, label, type, autocomplete, value, hint, error, numeric }: FieldProps): VNode {
  const described = [hint === undefined ? [] : `${name}-hint`, error === undefined ? [] : `${name}-error`].flat()
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {hint === undefined ? null : (
        <p class="fine" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {error === undefined ? null : (
        <p class="caution" id={`${name}-error`}>
          {error}
        </p>
      )}
      <input
        type={type}
        id={name}
        name={name}
        value={value}
        autocomplete={autocomplete}
        required
        inputmode={numeric ? 'numeric' : undefined}
        aria-invalid={error === undefined ? undefined : true}
        aria-describedby={described.length === 0 ? undefined : described.join(' ')}
      />
    </div>
  )
}
const Submit = ({ children }: { children: string }): VNode => (
  <p class="actions">
    <button type="submit" class="primary">
      {children}
    </button>
  </p>
)
const hidden = (name: string, value: string | undefined): VNode | null =>
  value === undefined ? null : <input type="hidden" name={name} value={value} />

// Signing in by mail

const along = {
  return_to: z.string().max(2048).optional(),
  code_challenge: challengeText.optional(),
  code_challenge_method: z.literal('S256').optional(),
}
type Along = { readonly return_to?: string | undefined; readonly code_challenge?: string | undefined }
type AskProps = Reader & { readonly csrf: string; readonly email?: string; readonly error?: string }

const AskForCode = ({ csrf, email, error, on, ...reader }: AskProps & { on: Along }): VNode => {
  const { mail } = reader.say
  return (
    <Layout {...reader} title={mail.login.title}>
      <p>{mail.login.intro}</p>
      <Form action="/login/email" csrf={csrf}>
        {hidden('return_to', on.return_to)}
        {hidden('code_challenge', on.code_challenge)}
        <Field name="email" type="email" label={mail.address} autocomplete="email" value={email} error={error} />
        <Submit>{mail.login.send}</Submit>
      </Form>
    </Layout>
  )
}

const loginByMail = route({
  ...asking,
  path: '/login/email',
  summary: 'Ask for a link and a code to sign in with',
  query: z.looseObject(along),
  fails: ['mail_not_configured', 'return_to_not_allowed'],
  handle({ query, locale, csrfToken }, { settings }: Services) {
    if (!settings.mail) return fail('mail_not_configured')
    const { return_to: to } = query
    if (to !== undefined && !readReturnTo(to, settings.returnToAllowed, settings.publicUrl))
      return fail('return_to_not_allowed')
    return show(locale, <AskForCode {...readerOf(locale)} csrf={csrfToken()} on={query} />)
  },
})

const sendCode = route({
  ...doing,
  path: '/login/email',
  summary: 'Send a link and a code to sign in with',
  body: object({ email: addressText, ...along }),
  fails: ['mail_not_configured', 'return_to_not_allowed', 'invalid_request'],
  async handle({ body, origin, locale, csrfToken }, { flows }: Services) {
    const email = readEmail(body.email)
    if (!email) {
      const reader = readerOf(locale)
      const error = reader.say.mail.notAnAddress
      const view = <AskForCode {...reader} csrf={csrfToken()} email={body.email} error={error} on={body} />
      return show(locale, view, { status: 400 })
    }
    const { return_to: returnTo, code_challenge: codeChallenge } = body
    const begun = await flows.enterByMail.begin({ email, returnTo, codeChallenge, origin })
    if (!begun.ok) return begun
    const { binding, expiresIn } = begun.value
    return ok(seeOther('/login/email/code', { cookies: [codeCookie(binding, expiresIn)] }))
  },
})

const TypeCode = ({ csrf, error, ...reader }: AskProps): VNode => {
  const { login } = reader.say.mail
  return (
    <Layout {...reader} title={login.codeTitle}>
      <p>{login.sent}</p>
      <Form action="/login/email/code" csrf={csrf}>
        <Field name="code" type="text" label={login.code} autocomplete="one-time-code" numeric error={error} />
        <Submit>{login.enter}</Submit>
      </Form>
      <p>
        <a href="/login/email">{login.again}</a>
      </p>
    </Layout>
  )
}

const typeCode = route({
  ...asking,
  path: '/login/email/code',
  summary: 'Type the code that was sent',
  fails: [],
  handle: ({ locale, csrfToken }) => show(locale, <TypeCode {...readerOf(locale)} csrf={csrfToken()} />),
})

const entering = [
  'ticket_invalid',
  'too_many_attempts',
  'second_factor_required',
  'user_disabled',
  'email_unverified',
  'sign_in_overtaken',
] as const

/** A form may end at another origin only where its page said so; this one ends on a page of ours that goes on there. */
async function signedIn(entered: Admitted, locale: Reader['locale'], services: Services) {
  const done = await admittedAsRedirect(entered, services, [codeCookie(null)])
  const { location, cookies = [] } = done
  if (location.startsWith('/')) return ok(done)
  return show(locale, onwardPage({ ...readerOf(locale), to: new URL(location) }), { cookies })
}

const enterCode = route({
  ...doing,
  path: '/login/email/code',
  summary: 'Sign in with the code that was sent',
  body: object({ code: codeText }),
  fails: entering,
  async handle({ body, who, cookie, origin, locale, csrfToken }, services: Services) {
    const binding = cookie('mail_sign_in')
    if (binding === undefined) return fail('ticket_invalid')
    const arrival = { origin, browser: true, replaces: who?.sessionId ?? null }
    const entered = await services.flows.enterByMail.byCode(binding, body.code, arrival)
    if (entered.ok) return signedIn(entered.value, locale, services)
    const next = toSecondFactor(entered.error, [codeCookie(null)])
    if (next) return ok(next)
    if (entered.error.code !== 'ticket_invalid') return entered
    const reader = readerOf(locale)
    const error = reader.say.mail.login.wrong
    return show(locale, <TypeCode {...reader} csrf={csrfToken()} error={error} />, { status: 400 })
  },
})

const followLink = route({
  ...asking,
  path: '/login/email/link',
  summary: 'What a sign-in link would do',
  query: ticketed,
  fails: ['ticket_invalid'],
  async handle({ query, locale, csrfToken }, { flows }: Services) {
    const found = query.ticket === undefined ? undefined : await flows.enterByMail.looks(query.ticket)
    if (!found) return fail('ticket_invalid')
    const reader = readerOf(locale)
    const { login } = reader.say.mail
    return show(
      locale,
      <Layout {...reader} title={login.linkTitle}>
        <p>{login.link(found.email)}</p>
        <Form action="/login/email/link" csrf={csrfToken()}>
          {hidden('ticket', query.ticket)}
          <Submit>{login.linkButton}</Submit>
        </Form>
        <p class="fine">{login.notYou}</p>
      </Layout>,
    )
  },
})

const enterLink = route({
  ...doing,
  path: '/login/email/link',
  summary: 'Sign in with a link that was sent',
  body: object({ ticket: secretText }),
  fails: entering,
  async handle({ body, who, origin, locale }, services: Services) {
    const arrival = { origin, browser: true, replaces: who?.sessionId ?? null }
    const entered = await services.flows.enterByMail.byLink(body.ticket, arrival)
    if (entered.ok) return signedIn(entered.value, locale, services)
    const next = toSecondFactor(entered.error, [codeCookie(null)])
    return next ? ok(next) : entered
  },
})

// A forgotten password

const Forgot = ({ csrf, email, error, ...reader }: AskProps): VNode => {
  const { mail } = reader.say
  return (
    <Layout {...reader} title={mail.forgot.title}>
      <p>{mail.forgot.intro}</p>
      <Form action="/forgot-password" csrf={csrf}>
        <Field name="email" type="email" label={mail.address} autocomplete="email" value={email} error={error} />
        <Submit>{mail.forgot.send}</Submit>
      </Form>
    </Layout>
  )
}

const forgotPage = route({
  ...asking,
  path: '/forgot-password',
  summary: 'Ask for a link to choose a new password with',
  fails: ['mail_not_configured'],
  handle({ locale, csrfToken }, { settings }: Services) {
    if (!settings.mail) return fail('mail_not_configured')
    return show(locale, <Forgot {...readerOf(locale)} csrf={csrfToken()} />)
  },
})

const forgot = route({
  ...doing,
  path: '/forgot-password',
  summary: 'Send a link to choose a new password with',
  body: object({ email: addressText }),
  fails: ['mail_not_configured'],
  async handle({ body, origin, locale, csrfToken }, { flows }: Services) {
    const email = readEmail(body.email)
    if (!email) {
      const reader = readerOf(locale)
      const error = reader.say.mail.notAnAddress
      const view = <Forgot {...reader} csrf={csrfToken()} email={body.email} error={error} />
      return show(locale, view, { status: 400 })
    }
    const asked = await flows.resetPassword.ask(email, origin)
    return asked.ok ? ok(seeOther(doneAt('/login', 'reset_sent'))) : asked
  },
})

const Choose = ({ csrf, ticket, error, ...reader }: AskProps & { ticket: string }): VNode => {
  const { reset } = reader.say.mail
  return (
    <Layout {...reader} title={reset.title}>
      <p>{reset.intro}</p>
      <Form action="/reset-password" csrf={csrf}>
        {hidden('ticket', ticket)}
        <Field
          name="password"
          type="password"
          label={reset.password}
          autocomplete="new-password"
          hint={reset.hint}
          error={error}
        />
        <Submit>{reset.save}</Submit>
      </Form>
    </Layout>
  )
}

const choose = route({
  ...asking,
  path: '/reset-password',
  summary: 'Choose a new password with a link that was sent',
  query: ticketed,
  fails: ['ticket_invalid'],
  async handle({ query: { ticket }, locale, csrfToken }, { flows }: Services) {
    if (ticket === undefined || !(await flows.resetPassword.looks(ticket))) return fail('ticket_invalid')
    return show(locale, <Choose {...readerOf(locale)} csrf={csrfToken()} ticket={ticket} />)
  },
})

const reset = route({
  ...doing,
  path: '/reset-password',
  summary: 'Set a new password; every device is signed out',
  body: object({ ticket: secretText, password: passwordText }),
  fails: ['ticket_invalid', 'password_rejected', 'user_disabled'],
  async handle({ body, origin, locale, csrfToken }, { flows }: Services) {
    const done = await flows.resetPassword.reset(body.ticket, body.password, origin)
    if (done.ok) return ok(seeOther(doneAt('/login', 'password_reset')))
    if (done.error.code !== 'password_rejected') return done
    const error = message(done.error, locale).detail
    const view = <Choose {...readerOf(locale)} csrf={csrfToken()} ticket={body.ticket} error={error} />
    return show(locale, view, { status: 400 })
  },
})

// One's own address

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
type Confirming = { readonly title: string; readonly texts: readonly string[]; readonly button: string }
type ConfirmProps = Reader & Confirming & { readonly action: string; readonly ticket: string; readonly csrf: string }
const Confirm = ({ title, texts, button, action, ticket, csrf, ...reader }: ConfirmProps): VNode => (
  <Layout {...reader} title={title} signedIn={csrf}>
    {texts.map((text) => (
      <p key={text}>{text}</p>
    ))}
    <Form action={action} csrf={csrf}>
      {hidden('ticket', ticket)}
      <Submit>{button}</Submit>
    </Form>
  </Layout>
)

const verifyPage = route({
  ...asking,
  path: '/verify-email',
  summary: 'Verify my address with a link that was sent there; whoever is signed out signs in first',
  query: ticketed,
  also: ['redirect'],
  fails: ['ticket_invalid'],
  async handle({ query, cookie, who, locale, csrfToken }, { flows }: Services) {
    const ticket = query.ticket ?? cookie('mail_ticket')
    if (ticket === undefined) return fail('ticket_invalid')
    const waiting = { cookies: [ticketCookie(ticket)] }
    if (!who) return ok(seeOther('/login?return_to=/verify-email', waiting))
    const found = await flows.verifyEmail.looks(ticket, who.accountId)
    if (found === 'over') return { ...fail('ticket_invalid'), cookies: [ticketCookie(null)] }
    const reader = readerOf(locale)
    if (found === 'not_yours') return show(locale, <NotYours {...reader} returnTo="/verify-email" />, waiting)
    const { verify } = reader.say.mail
    const about = { title: verify.title, texts: [verify.text(who.account.email ?? '')], button: verify.button }
    return show(locale, <Confirm {...reader} {...about} action="/verify-email" ticket={ticket} csrf={csrfToken()} />)
  },
})

const verify = route({
  ...doing,
  path: '/verify-email',
  auth: 'user',
  summary: 'Verify my address',
  body: object({ ticket: secretText }),
  fails: ['ticket_invalid'],
  async handle({ body, who, origin }, { flows }: Services) {
    const verified = await flows.verifyEmail.confirm(body.ticket, who.accountId, origin)
    const cookies = [ticketCookie(null)]
    return verified.ok ? ok(seeOther(doneAt('/account', 'email_verified'), { cookies })) : { ...verified, cookies }
  },
})

const changePage = route({
  ...asking,
  path: '/change-email',
  summary: 'Confirm my new address with a link that was sent there; whoever is signed out signs in first',
  query: ticketed,
  also: ['redirect'],
  fails: ['ticket_invalid'],
  async handle({ query, cookie, who, locale, csrfToken }, { flows }: Services) {
    const ticket = query.ticket ?? cookie('mail_ticket')
    if (ticket === undefined) return fail('ticket_invalid')
    const waiting = { cookies: [ticketCookie(ticket)] }
    if (!who) return ok(seeOther('/login?return_to=/change-email', waiting))
    const found = await flows.changeEmail.looks(ticket, who.accountId)
    if (found === 'over') return { ...fail('ticket_invalid'), cookies: [ticketCookie(null)] }
    const reader = readerOf(locale)
    if (found === 'not_yours') return show(locale, <NotYours {...reader} returnTo="/change-email" />, waiting)
    const { change } = reader.say.mail
    const texts = [change.text(who.account.email ?? change.none, found.address), change.devices]
    const about = { title: change.title, texts, button: change.button }
    return show(locale, <Confirm {...reader} {...about} action="/change-email" ticket={ticket} csrf={csrfToken()} />)
  },
})

const change = route({
  ...doing,
  path: '/change-email',
  auth: 'user',
  summary: 'Use my new address; other devices are signed out',
  body: object({ ticket: secretText }),
  fails: ['ticket_invalid'],
  async handle({ body, who, origin }, { flows }: Services) {
    const changed = await flows.changeEmail.confirm(body.ticket, who, origin)
    const cookies = [ticketCookie(null)]
    return changed.ok ? ok(seeOther(doneAt('/account', 'email_changed'), { cookies })) : { ...changed, cookies }
  },
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
  const { account, address } = say.mail
  const standing = verified ? account.verified : account.notVerified
  return (
    <Layout {...reader} title={account.title} signedIn={csrf} status={status}>
      <Facts of={[[address, email === null ? say.profile.noEmail : `${email} (${standing})`]]} />
      {on ? null : <p>{account.off}</p>}
      {on && email !== null && !verified ? (
        <>
          <p>{account.unproven}</p>
          <Form action="/account/email/verify" csrf={csrf}>
            <p class="actions">
              <button type="submit">{account.sendAgain}</button>
            </p>
          </Form>
        </>
      ) : null}
      {on ? (
        <section aria-labelledby="change">
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
                error={error}
              />
              <Submit>{account.ask}</Submit>
            </Form>
          ) : (
            <SignInAgain {...reader} returnTo="/account/email" />
          )}
        </section>
      ) : null}
      <p>
        <a href="/account">{say.backToAccount}</a>
      </p>
    </Layout>
  )
}

const mine = { tag: 'Pages', surface: 'browser', auth: 'user', limit: 'account' } as const

const myAddress = route({
  ...mine,
  method: 'get',
  path: '/account/email',
  summary: 'My address: whether it is verified, and how to change it',
  query: z.looseObject({ done: z.string().max(40).optional() }),
  fails: [],
  handle({ who, query, locale, csrfToken }, { settings, clock }: Services) {
    const recent = isRecent(who, clock(), settings.recentAuthSeconds)
    const { email, emailVerified: verified } = who.account
    const of = { csrf: csrfToken(), email, verified, mail: settings.mail, recent, status: statusOf(query.done, locale) }
    return show(locale, <MyAddress {...readerOf(locale)} {...of} />)
  },
})

const askToVerify = route({
  ...mine,
  method: 'post',
  path: '/account/email/verify',
  summary: 'Send me the link that verifies my address',
  limit: 'sign_in',
  body: object({}),
  status: 303,
  fails: ['mail_not_configured'],
  async handle({ who, origin }, { flows }: Services) {
    const asked = await flows.verifyEmail.ask(who.account, origin)
    return asked.ok ? ok(seeOther(doneAt('/account/email', 'email_sent'))) : asked
  },
})

const askToChange = route({
  ...mine,
  method: 'post',
  path: '/account/email',
  auth: 'recent',
  limit: 'sign_in',
  summary: 'Send the link that confirms my new address',
  body: object({ email: addressText }),
  status: 303,
  also: ['page'],
  fails: ['mail_not_configured'],
  async handle({ who, body, origin, locale, csrfToken }, { flows, settings }: Services) {
    const wanted = readEmail(body.email)
    const { email, emailVerified: verified } = who.account
    const mine = verified && wanted && readEmail(email ?? '')?.key === wanted.key
    if (!wanted || mine) {
      const reader = readerOf(locale)
      const error = wanted ? reader.say.mail.account.yours : reader.say.mail.notAnAddress
      const of = { csrf: csrfToken(), email, verified, mail: settings.mail, recent: true, given: body.email, error }
      return show(locale, <MyAddress {...reader} {...of} />, { status: 400 })
    }
    const asked = await flows.changeEmail.ask(who.account, wanted, origin)
    return asked.ok ? ok(seeOther(doneAt('/account/email', 'email_sent'))) : asked
  },
})

export const mailRoutes = [
  ...[loginByMail, sendCode, typeCode, enterCode, followLink, enterLink],
  ...[forgotPage, forgot, choose, reset],
  ...[verifyPage, verify, changePage, change, myAddress, askToVerify, askToChange],
]
