import type { VNode } from 'preact'
import { z } from 'zod'
import { type AppError, catalogue, message } from '../../errors/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import { askingOf, change, remove } from '../api/passwords.ts'
import { formOf } from '../form.ts'
import type { FormRefusal } from '../page-frame.ts'
import { fault, passwordFaults } from '../problem.ts'
import { seeOther } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import { passwordChosen } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { Ask } from './ask.tsx'
import { Field, Submit } from './field.tsx'
import { Form, Layout, type Reader, readerOf, SignInAgain, show } from './layout.tsx'
import { refusalOf } from './refusal.tsx'
import { doneAt } from './status.ts'

const common = { path: '/account/password', tag: 'Pages', surface: 'browser' } as const

const view = route({
  ...common,
  method: 'get',
  summary: 'Show the forms that set, change or remove my password',
  auth: 'user',
  limit: 'account',
  fails: [],
  handle: ({ who, locale, csrfToken }, services: Services) =>
    showPassword({ who, locale, csrf: csrfToken() }, services),
})

const changeForm = formOf(change, {
  path: common.path,
  summary: 'Set or change my password, in a browser',
  // An empty current password was forgotten: it is the same as none.
  fields: object({
    current_password: z
      .string()
      .max(4096)
      .optional()
      .transform((current) => current || undefined)
      .describe('The current password, if there is one'),
    new_password: passwordChosen,
  }),
  also: ['page'],
  // An account with a password needs the current one. For an account without, the form does not have the field.
  done: ({ body }) =>
    seeOther(doneAt('/account/sign-in', body.current_password === undefined ? 'password_set' : 'password_changed')),
  failed({ error }, { who, wants, locale, csrfToken }, services) {
    const shown = ['invalid_credentials', 'invalid_request', 'too_many_attempts', 'password_rejected']
    if (wants === 'json' || !shown.includes(error.code)) return undefined
    return showPassword({ who, locale, csrf: csrfToken(), refused: error }, services)
  },
})

const removeForm = formOf(remove, {
  path: '/account/password/remove',
  summary: 'Remove my password, in a browser',
  done: () => seeOther(doneAt('/account/sign-in', 'password_removed')),
})
/** Password managers open this URL (https://w3c.github.io/webappsec-change-password-url/). */
const wellKnown = route({
  ...common,
  method: 'get',
  path: '/.well-known/change-password',
  summary: 'Redirect to the page that changes the password',
  auth: 'none',
  limit: 'browse',
  status: 303,
  fails: [],
  handle: () => ok(seeOther(common.path)),
})

export const passwordPages = [wellKnown, view, changeForm, removeForm]

type PasswordPageView = {
  readonly who: Principal
  readonly locale: Reader['locale']
  readonly csrf: string
  readonly refused?: AppError
}

async function showPassword({ who, locale, csrf, refused }: PasswordPageView, services: Services) {
  const { links, settings } = services
  const methods = await links.methods(who.accountId)
  const has = methods.some(({ type }) => type === 'password')
  const reader = readerOf(locale)
  const { say } = reader
  const { recent } = askingOf(who, services)
  const others = methods.some(({ type, usable }) => type !== 'password' && usable)
  const retryAfter = refused?.retryAfter
  const errors = refused ? refusalsOf(refused, reader) : []
  return show(
    locale,
    <Layout {...reader} title={say.password.title} signedIn={csrf} refused={errors}>
      <p>{has ? say.password.has : say.password.none}</p>
      {who.account.email === null ? (
        <p class="actions">
          <a class="button" href="/account/email">
            {say.password.needsEmail}
          </a>
        </p>
      ) : has || recent ? (
        <ChangeForm {...reader} csrf={csrf} has={has} email={who.account.email} least={settings.passwordLeastLength} />
      ) : (
        <SignInAgain {...reader} returnTo="/account/password" />
      )}
      {has && others ? (
        <section class="panel" aria-labelledby="remove">
          <h2 id="remove">{say.password.removeHeading}</h2>
          {recent ? (
            <Ask
              action="/account/password/remove"
              csrf={csrf}
              label={say.password.removeStart}
              what={say.password.removeText}
              yes={say.password.remove}
            />
          ) : (
            <SignInAgain {...reader} returnTo="/account/password" />
          )}
        </section>
      ) : null}
      <p class="actions">
        <a class="button" href="/account/sign-in">
          {reader.say.ways.back}
        </a>
      </p>
    </Layout>,
    {
      ...(refused ? { status: catalogue[refused.code].status } : {}),
      ...(retryAfter === undefined ? {} : { headers: { 'Retry-After': String(retryAfter) } }),
    },
  )
}

/** The field of each error: the new password, or else the current one. */
function refusalsOf(error: AppError, { say, locale }: Reader): readonly FormRefusal[] {
  const [found] = passwordFaults('new_password', error)
  if (found) return refusalOf('new_password', fault('new_password', found.code, locale, found.params).detail, true)
  const text =
    error.code === 'invalid_request'
      ? fault('current_password', 'required', locale).detail
      : error.code === 'invalid_credentials'
        ? say.password.wrong
        : message(error, locale).detail
  return refusalOf('current_password', text, true)
}

type ChangeFormProps = Reader & {
  readonly csrf: string
  readonly has: boolean
  readonly email: string
  readonly least: number
}

function ChangeForm({ csrf, has, email, least, ...reader }: ChangeFormProps): VNode {
  const { say } = reader
  return (
    <section class="panel" aria-labelledby="change">
      <h2 id="change">{has ? say.password.change : say.password.set}</h2>
      <p>{say.password.others}</p>
      <Form action="/account/password" csrf={csrf}>
        {/* Tells password managers which account the password belongs to. */}
        <label hidden>
          {say.password.email}
          <input type="text" value={email} autocomplete="username" readonly />
        </label>
        {has ? (
          <Field
            name="current_password"
            type="password"
            label={say.password.current}
            autocomplete="current-password"
            reveal={say.reveal}
          />
        ) : null}
        <Field
          name="new_password"
          type="password"
          label={say.password.wanted}
          autocomplete="new-password"
          hint={say.password.rules(least)}
          reveal={say.reveal}
        />
        <Submit>{has ? say.password.change : say.password.set}</Submit>
      </Form>
    </section>
  )
}
