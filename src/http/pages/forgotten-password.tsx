import type { VNode } from 'preact'
import { fail } from '../../errors/catalogue.ts'
import { forgot, reset } from '../api/mail.ts'
import { formOf } from '../form.ts'
import { fault } from '../problem.ts'
import { seeOther } from '../reply.ts'
import { route } from '../route.ts'
import type { Services } from '../services.ts'
import { typedEmailCookie } from '../sign-in-answers.ts'
import { asking, ticketed } from './by-mail.ts'
import { type EmailFormProps, Field, Submit } from './field.tsx'
import { Form, Layout, readerOf, show } from './layout.tsx'
import { refusalOf } from './refusal.tsx'
import { doneAt } from './status.ts'

const Forgot = ({ csrf, email, error, ...reader }: EmailFormProps): VNode => {
  const { mail } = reader.say
  return (
    <Layout {...reader} title={mail.forgot.title} refused={refusalOf('email', error)}>
      <p class="lead">{mail.forgot.intro}</p>
      <Form action="/forgot-password" csrf={csrf}>
        <Field name="email" type="email" label={mail.address} autocomplete="email" value={email} autofocus />
        <Submit>{mail.forgot.send}</Submit>
      </Form>
      <p class="actions">
        <a href="/login">{reader.say.login.back}</a>
      </p>
    </Layout>
  )
}

const forgotPage = route({
  ...asking,
  path: '/forgot-password',
  summary: 'Show the form that sends a password reset link',
  fails: ['mail_not_configured'],
  handle({ locale, csrfToken }, { settings }: Services) {
    if (!settings.mail) return fail('mail_not_configured')
    return show(locale, <Forgot {...readerOf(locale)} csrf={csrfToken()} />)
  },
})

const forgotForm = formOf(forgot, {
  path: '/forgot-password',
  summary: 'Send a password reset link',
  also: ['page'],
  done: ({ body }) => seeOther(doneAt('/login', 'reset_sent'), { cookies: [typedEmailCookie(body.email)] }),
  failed({ error }, { body, locale, csrfToken }) {
    if (error.code !== 'invalid_request') return undefined
    const reader = readerOf(locale)
    const text = reader.say.mail.notAnAddress
    const view = <Forgot {...reader} csrf={csrfToken()} email={body.email} error={text} />
    return show(locale, view, { status: 400 })
  },
})

const Choose = ({
  csrf,
  ticket,
  least,
  error,
  ...reader
}: EmailFormProps & { ticket: string; least: number }): VNode => {
  const { reset } = reader.say.mail
  return (
    <Layout {...reader} title={reset.title} refused={refusalOf('password', error)}>
      <p class="lead">{reset.intro}</p>
      <Form action="/reset-password" csrf={csrf}>
        <input type="hidden" name="ticket" value={ticket} />
        <Field
          name="password"
          type="password"
          label={reset.password}
          autocomplete="new-password"
          hint={reader.say.password.rules(least)}
          reveal={reader.say.reveal}
          autofocus
        />
        <Submit>{reset.save}</Submit>
      </Form>
    </Layout>
  )
}

const choose = route({
  ...asking,
  path: '/reset-password',
  summary: 'Show the page of a password reset link',
  query: ticketed,
  fails: ['ticket_invalid'],
  async handle({ query: { ticket }, locale, csrfToken }, { flows, settings }: Services) {
    if (ticket === undefined || !(await flows.resetPassword.looks(ticket))) return fail('ticket_invalid')
    const of = { csrf: csrfToken(), ticket, least: settings.passwordLeastLength }
    return show(locale, <Choose {...readerOf(locale)} {...of} />)
  },
})

const resetForm = formOf(reset, {
  path: '/reset-password',
  summary: 'Set a new password; every device is signed out',
  also: ['page'],
  done: () => seeOther(doneAt('/login', 'password_reset')),
  failed({ faults: [found] = [] }, { body, locale, csrfToken }, { settings }) {
    if (!found) return undefined
    const error = fault('password', found.code, locale, found.params).detail
    const of = { csrf: csrfToken(), ticket: body.ticket, least: settings.passwordLeastLength, error }
    return show(locale, <Choose {...readerOf(locale)} {...of} />, { status: 400 })
  },
})

export const forgottenPasswordRoutes = [forgotPage, forgotForm, choose, resetForm]
