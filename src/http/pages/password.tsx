import type { VNode } from 'preact'
import { z } from 'zod'
import { type AppError, catalogue, message } from '../../errors/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import { askingOf } from '../api/passwords.ts'
import { fault, passwordFaults } from '../problem.ts'
import { seeOther } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import { passwordChosen } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { Field, Submit } from './field.tsx'
import { BackToAccount, Form, Layout, type Reader, readerOf, SignInAgain, show } from './layout.tsx'
import { doneAt } from './status.ts'

const common = { path: '/account/password', tag: 'Pages', surface: 'browser' } as const

const view = route({
  ...common,
  method: 'get',
  summary: 'Set, change or remove my password',
  auth: 'user',
  limit: 'account',
  fails: [],
  handle: ({ who, locale, csrfToken }, services: Services) =>
    showPassword({ who, locale, csrf: csrfToken() }, services),
})

const change = route({
  ...common,
  method: 'post',
  summary: 'Set or change my password, in a browser',
  auth: 'user',
  limit: 'sign_in',
  // An empty current password is one that was forgotten to be typed.
  body: object({
    current_password: z.string().max(4096).optional().describe('The current password, if there is one'),
    new_password: passwordChosen,
  }),
  status: 303,
  also: ['page'],
  fails: [
    'invalid_credentials',
    'too_many_attempts',
    'password_rejected',
    'reauthentication_required',
    'email_required',
    'email_unverified',
    'sign_in_overtaken',
    'invalid_request',
  ],
  async handle({ who, body, origin, wants, locale, csrfToken }, services: Services) {
    const { password } = services.flows
    const had = await password.has(who.accountId)
    const given = { current: body.current_password || undefined, wanted: body.new_password }
    const done = await password.change(askingOf(who, services), given, origin)
    if (done.ok) return ok(seeOther(doneAt('/account', had ? 'password_changed' : 'password_set')))
    const shown = ['invalid_credentials', 'invalid_request', 'too_many_attempts', 'password_rejected']
    if (wants === 'json' || !shown.includes(done.error.code)) return done
    return showPassword({ who, locale, csrf: csrfToken(), refused: done.error }, services)
  },
})

const remove = route({
  tag: 'Pages',
  surface: 'browser',
  method: 'post',
  path: '/account/password/remove',
  summary: 'Go on without a password, in a browser',
  auth: 'recent',
  limit: 'sign_in',
  body: object({}),
  status: 303,
  fails: ['not_linked', 'last_login_method'],
  async handle({ who, origin }, services: Services) {
    const done = await services.flows.password.remove(askingOf(who, services), origin)
    return done.ok ? ok(seeOther(doneAt('/account', 'password_removed'))) : done
  },
})
/** Where password managers send people (https://w3c.github.io/webappsec-change-password-url/). */
const wellKnown = route({
  ...common,
  method: 'get',
  path: '/.well-known/change-password',
  summary: 'On to the page where a password is changed',
  auth: 'none',
  limit: 'browse',
  status: 303,
  fails: [],
  handle: () => ok(seeOther(common.path)),
})

export const passwordPages = [wellKnown, view, change, remove]

type Showing = {
  readonly who: Principal
  readonly locale: Reader['locale']
  readonly csrf: string
  readonly refused?: AppError
}

async function showPassword({ who, locale, csrf, refused }: Showing, services: Services) {
  const { links, settings } = services
  const methods = await links.methods(who.accountId)
  const has = methods.some(({ type }) => type === 'password')
  const reader = readerOf(locale)
  const { say } = reader
  const { recent } = askingOf(who, services)
  const others = methods.some(({ type, usable }) => type !== 'password' && usable)
  const retryAfter = refused?.retryAfter
  return show(
    locale,
    <Layout {...reader} title={say.password.title} signedIn={csrf}>
      <p>{has ? say.password.has : say.password.none}</p>
      {who.account.email === null ? (
        <p class="actions">
          <a class="button" href="/account/email">
            {say.password.needsEmail}
          </a>
        </p>
      ) : has || recent ? (
        <ChangeForm
          {...reader}
          csrf={csrf}
          has={has}
          email={who.account.email}
          least={settings.passwordLeastLength}
          refused={refused}
        />
      ) : (
        <SignInAgain {...reader} returnTo="/account/password" />
      )}
      {has && others ? (
        <section aria-labelledby="remove">
          <h2 id="remove">{say.password.removeHeading}</h2>
          <p>{say.password.removeText}</p>
          {recent ? (
            <div class="actions">
              <Form action="/account/password/remove" csrf={csrf}>
                <button type="submit" class="danger">
                  {say.password.remove}
                </button>
              </Form>
            </div>
          ) : (
            <SignInAgain {...reader} returnTo="/account/password" />
          )}
        </section>
      ) : null}
      <BackToAccount {...reader} />
    </Layout>,
    {
      ...(refused ? { status: catalogue[refused.code].status } : {}),
      ...(retryAfter === undefined ? {} : { headers: { 'Retry-After': String(retryAfter) } }),
    },
  )
}

type ChangeFormProps = Reader & {
  readonly csrf: string
  readonly has: boolean
  readonly email: string
  readonly least: number
  readonly refused: AppError | undefined
}

function ChangeForm({ csrf, has, email, least, refused, ...reader }: ChangeFormProps): VNode {
  const { say, locale } = reader
  const [found] = refused ? passwordFaults('new_password', refused) : []
  const ofCurrent =
    refused === undefined || found
      ? undefined
      : refused.code === 'invalid_request'
        ? fault('current_password', 'required', locale).detail
        : refused.code === 'invalid_credentials'
          ? say.password.wrong
          : message(refused, locale).detail
  return (
    <section aria-labelledby="change">
      <h2 id="change">{has ? say.password.change : say.password.set}</h2>
      <p>{say.password.others}</p>
      <Form action="/account/password" csrf={csrf}>
        {/* For password managers alone: whose password this is. */}
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
            error={ofCurrent}
          />
        ) : null}
        <Field
          name="new_password"
          type="password"
          label={say.password.wanted}
          autocomplete="new-password"
          hint={say.password.rules(least)}
          error={found && fault('new_password', found.code, locale, found.params).detail}
        />
        <Submit>{has ? say.password.change : say.password.set}</Submit>
      </Form>
    </section>
  )
}
