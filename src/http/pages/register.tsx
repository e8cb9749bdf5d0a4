import type { VNode } from 'preact'
import { type AppError, catalogue, fail } from '../../errors/catalogue.ts'
import { readEmail } from '../../kernel/email.ts'
import { ok } from '../../kernel/result.ts'
import { type FaultFound, fault, passwordFaults } from '../problem.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { addressText, line, passwordChosen } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { AlongFields, alongFields, alongQuery, suffixOf, targetOf } from './along.tsx'
import { Field } from './field.tsx'
import { Form, Layout, type Reader, readerOf, show } from './layout.tsx'
import { doneAt } from './status.ts'

const common = { path: '/register', tag: 'Pages', surface: 'browser', auth: 'public' } as const

const ask = route({
  ...common,
  method: 'get',
  summary: 'Open an account with a password',
  limit: 'browse',
  query: alongQuery,
  fails: ['user_creation_disabled', 'return_to_not_allowed'],
  handle({ query, locale, csrfToken }, services: Services) {
    const { settings } = services
    if (query.return_to !== undefined && !targetOf(query, services)) return fail('return_to_not_allowed')
    const props = { given: query, csrf: csrfToken(), least: settings.passwordLeastLength }
    return show(locale, <RegisterPage {...readerOf(locale)} {...props} />)
  },
})

const open = route({
  ...common,
  method: 'post',
  summary: 'Open an account with a password, in a browser; the answer is the same where the address is taken',
  limit: 'sign_in',
  body: object({
    email: addressText,
    password: passwordChosen,
    name: line.optional(),
    ...alongFields,
  }),
  status: 303,
  also: ['page'],
  fails: ['password_rejected', 'user_creation_disabled', 'return_to_not_allowed', 'invalid_request'],
  async handle({ body, origin, wants, locale, csrfToken }, services: Services) {
    const { flows, settings } = services
    if (body.return_to !== undefined && !targetOf(body, services)) return fail('return_to_not_allowed')
    const again = (error: AppError, faults: readonly FaultFound[]) =>
      show(
        locale,
        <RegisterPage
          {...readerOf(locale)}
          given={body}
          csrf={csrfToken()}
          least={settings.passwordLeastLength}
          typed={{ email: body.email, name: body.name ?? '' }}
          faults={faults}
        />,
        { status: catalogue[error.code].status },
      )
    const email = readEmail(body.email)
    if (!email) {
      const faults: readonly FaultFound[] = [{ path: 'email', code: 'invalid_format' }]
      const error = { code: 'invalid_request', params: {} } as const
      return wants === 'json' ? { ok: false, error, faults } : again(error, faults)
    }
    const done = await flows.register({ email, password: body.password, name: body.name || null }, origin)
    if (done.ok) {
      const suffix = suffixOf(body)
      return ok(seeOther(`${doneAt('/login', 'registered')}${suffix.replace('?', '&')}`))
    }
    if (done.error.code !== 'password_rejected') return done
    const faults = passwordFaults('password', done.error)
    return wants === 'json' ? { ...done, faults } : again(done.error, faults)
  },
})
export const registerRoutes = [ask, open]

type RegisterProps = Reader & {
  readonly given: Parameters<typeof suffixOf>[0]
  readonly csrf: string
  readonly least: number
  readonly typed?: { readonly email: string; readonly name: string }
  readonly faults?: readonly FaultFound[]
}

function RegisterPage({ given, csrf, least, typed, faults = [], ...reader }: RegisterProps): VNode {
  const { say, locale } = reader
  const errorAt = (path: string): string | undefined => {
    const found = faults.find((each) => each.path === path)
    return found && fault(path, found.code, locale, found.params).detail
  }
  const passwordError = errorAt('password')
  return (
    <Layout {...reader} title={say.register.title}>
      <p>{say.register.intro}</p>
      <Form action="/register" csrf={csrf}>
        <AlongFields given={given} />
        <Field
          name="email"
          type="email"
          label={say.password.email}
          autocomplete="username"
          value={typed?.email ?? ''}
          maxlength={320}
          error={errorAt('email')}
        />
        <Field
          name="name"
          type="text"
          label={say.register.name}
          autocomplete="name"
          value={typed?.name ?? ''}
          maxlength={200}
          optional
        />
        <Field
          name="password"
          type="password"
          label={say.password.password}
          autocomplete="new-password"
          hint={say.password.rules(least)}
          error={passwordError}
        />
        <p class="actions">
          <button type="submit" class="primary">
            {say.register.button}
          </button>
          <a href={`/login${suffixOf(given)}`}>{say.register.signIn}</a>
        </p>
      </Form>
    </Layout>
  )
}
