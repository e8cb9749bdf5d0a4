import type { VNode } from 'preact'
import { fail } from '../../errors/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import type { SignedIn } from '../../sessions/sign-in.ts'
import { begin, finish } from '../api/mail.ts'
import { refuseTarget, type SignInTarget, targetOf } from '../api/sign-in-target.ts'
import { formOf, signInFormOf } from '../form.ts'
import { object, route } from '../route.ts'
import { secretText, typedCode } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { mailCodeCookie, signedInAsRedirect, toMailCode, toSecondFactor } from '../sign-in-answers.ts'
import { asking, ticketed } from './by-mail.ts'
import { type EmailFormProps, Field, Submit } from './field.tsx'
import { loginHintOf } from './interaction.ts'
import { Form, Layout, type Reader, readerOf, show } from './layout.tsx'
import { goOn } from './onward.tsx'
import { refusalOf } from './refusal.tsx'
import { suffixOf, TargetFields, targetQuery } from './target-fields.tsx'

const AskForCode = ({ csrf, email, error, on, ...reader }: EmailFormProps & { on: SignInTarget }): VNode => {
  const { mail } = reader.say
  return (
    <Layout {...reader} title={mail.login.title} refused={refusalOf('email', error)}>
      <p class="lead">{mail.login.intro}</p>
      <Form action="/login/email" csrf={csrf}>
        <TargetFields given={on} />
        <Field name="email" type="email" label={mail.address} autocomplete="email" value={email} autofocus />
        <Submit>{mail.login.send}</Submit>
      </Form>
      <p class="actions">
        <a href={`/login${suffixOf(on)}`}>{reader.say.login.back}</a>
      </p>
    </Layout>
  )
}

const loginByMail = route({
  ...asking,
  path: '/login/email',
  summary: 'Show the form that sends a sign-in link and code',
  query: targetQuery,
  fails: ['mail_not_configured', 'return_to_not_allowed'],
  async handle({ query, locale, origin, cookie, csrfToken }, services: Services) {
    if (!services.settings.mail) return fail('mail_not_configured')
    if (query.return_to !== undefined && !targetOf(query, services)) return refuseTarget(origin, services)
    const email = (await loginHintOf(query, cookie, services)) ?? ''
    return show(locale, <AskForCode {...readerOf(locale)} csrf={csrfToken()} email={email} on={query} />)
  },
})

const sendCode = formOf(begin, {
  path: '/login/email',
  summary: 'Send a sign-in link and code',
  also: ['page'],
  done: (_, { flow_token: binding, expires_in: expiresIn }) => toMailCode({ binding, expiresIn }),
  failed({ faults: [found] = [] }, { body, locale, csrfToken }) {
    if (found?.path !== 'email') return undefined
    const reader = readerOf(locale)
    const error = reader.say.mail.notAnAddress
    const view = <AskForCode {...reader} csrf={csrfToken()} email={body.email} error={error} on={body} />
    return show(locale, view, { status: 400 })
  },
})

const TypeCode = ({ csrf, error, ...reader }: EmailFormProps): VNode => {
  const { login } = reader.say.mail
  return (
    <Layout {...reader} title={login.codeTitle} refused={refusalOf('code', error)}>
      <p class="lead">{login.sent}</p>
      <Form action="/login/email/code" csrf={csrf}>
        <Field name="code" label={login.code} autocomplete="one-time-code" code="digits" digits={8} autofocus />
        <Submit>{login.enter}</Submit>
      </Form>
      <p class="actions">
        <a href="/login/email">{login.again}</a>
      </p>
    </Layout>
  )
}

const typeCode = route({
  ...asking,
  path: '/login/email/code',
  summary: 'Show the form for the sign-in code',
  fails: [],
  handle: ({ locale, csrfToken }) => show(locale, <TypeCode {...readerOf(locale)} csrf={csrfToken()} />),
})

const signedIn = async (entered: SignedIn, locale: Reader['locale'], services: Services) =>
  goOn(await signedInAsRedirect(entered, services, [mailCodeCookie(null)]), locale)

const enterCode = signInFormOf(finish, {
  path: '/login/email/code',
  summary: 'Sign in with a code that was emailed',
  fields: object({ code: typedCode }),
  also: ['page'],
  async handle({ body, who, cookie, origin, locale, csrfToken }, services) {
    const binding = cookie('mail_sign_in')
    if (binding === undefined) return fail('ticket_invalid')
    const arrival = { origin, browser: true, replaces: who?.sessionId ?? null }
    const entered = await services.flows.signInByEmail.byCode(binding, body.code, arrival)
    if (entered.ok) return signedIn(entered.value, locale, services)
    const next = toSecondFactor(entered.error, [mailCodeCookie(null)])
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
  summary: 'Show the page of a sign-in link',
  query: ticketed,
  fails: ['ticket_invalid'],
  async handle({ query, locale, csrfToken }, { flows }: Services) {
    const found = query.ticket === undefined ? undefined : await flows.signInByEmail.looks(query.ticket)
    if (!found) return fail('ticket_invalid')
    const reader = readerOf(locale)
    const { login } = reader.say.mail
    return show(
      locale,
      <Layout {...reader} title={login.linkTitle}>
        <p>{login.link(found.email)}</p>
        <Form action="/login/email/link" csrf={csrfToken()}>
          <input type="hidden" name="ticket" value={query.ticket} />
          <Submit>{login.linkButton}</Submit>
        </Form>
        <p class="fine">{login.notYou}</p>
      </Layout>,
    )
  },
})

const enterLink = signInFormOf(finish, {
  path: '/login/email/link',
  summary: 'Sign in with a link that was emailed',
  fields: object({ ticket: secretText }),
  also: ['page'],
  async handle({ body, who, origin, locale }, services) {
    const arrival = { origin, browser: true, replaces: who?.sessionId ?? null }
    const entered = await services.flows.signInByEmail.byLink(body.ticket, arrival)
    if (entered.ok) return signedIn(entered.value, locale, services)
    const next = toSecondFactor(entered.error, [mailCodeCookie(null)])
    return next ? ok(next) : entered
  },
})

export const mailLoginRoutes = [loginByMail, sendCode, typeCode, enterCode, followLink, enterLink]
