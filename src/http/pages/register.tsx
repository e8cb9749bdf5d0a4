import type { VNode } from 'preact'
import { catalogue } from '../../errors/catalogue.ts'
import { register } from '../api/passwords.ts'
import { refuseTarget, targetFields, targetOf } from '../api/sign-in-target.ts'
import { formOf } from '../form.ts'
import { type FieldFault, fault } from '../problem.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { addressText, line, passwordChosen } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { typedEmailCookie } from '../sign-in-answers.ts'
import { Field } from './field.tsx'
import { loginHintOf } from './interaction.ts'
import { Form, Layout, type Reader, readerOf, show } from './layout.tsx'
import { refusalOf } from './refusal.tsx'
import { doneAt } from './status.ts'
import { suffixOf, TargetFields, targetQuery } from './target-fields.tsx'

const common = { path: '/register', tag: 'Pages', surface: 'browser', auth: 'public' } as const

const ask = route({
  ...common,
  method: 'get',
  summary: 'Show the form that creates an account with a password',
  limit: 'browse',
  query: targetQuery,
  fails: ['user_creation_disabled', 'return_to_not_allowed'],
  async handle({ query, locale, origin, cookie, csrfToken }, services: Services) {
    const { settings } = services
    if (query.return_to !== undefined && !targetOf(query, services)) return refuseTarget(origin, services)
    const email = (await loginHintOf(query, cookie, services)) ?? ''
    return show(
      locale,
      <RegisterPage
        {...readerOf(locale)}
        given={query}
        csrf={csrfToken()}
        least={settings.passwordLeastLength}
        typed={{ email, name: '' }}
      />,
    )
  },
})

const registerForm = formOf(register, {
  path: common.path,
  summary: 'Create an account with a password; the response is the same if the email address is taken',
  fields: object({
    email: addressText,
    password: passwordChosen,
    name: line.optional().transform((name) => name || null),
    ...targetFields,
  }),
  fails: ['return_to_not_allowed'],
  also: ['page'],
  before: ({ body, origin }, services) =>
    body.return_to !== undefined && !targetOf(body, services) ? refuseTarget(origin, services) : undefined,
  done: ({ body }) =>
    seeOther(`${doneAt('/login', 'registered')}${suffixOf(body).replace('?', '&')}`, {
      cookies: [typedEmailCookie(body.email)],
    }),
  failed({ error, faults = [] }, { body, wants, locale, csrfToken }, { settings }) {
    if (wants === 'json' || faults.length === 0) return undefined
    return show(
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
  },
})
export const registerRoutes = [ask, registerForm]

type RegisterProps = Reader & {
  readonly given: Parameters<typeof suffixOf>[0]
  readonly csrf: string
  readonly least: number
  readonly typed?: { readonly email: string; readonly name: string }
  readonly faults?: readonly FieldFault[]
}

function RegisterPage({ given, csrf, least, typed, faults = [], ...reader }: RegisterProps): VNode {
  const { say, locale } = reader
  const refused = faults.flatMap(({ path, code, params }) =>
    refusalOf(path, fault(path, code, locale, params).detail, true),
  )
  return (
    <Layout {...reader} title={say.register.title} refused={refused}>
      <p class="lead">{say.register.intro}</p>
      <Form action="/register" csrf={csrf}>
        <TargetFields given={given} />
        <Field
          name="email"
          type="email"
          label={say.password.email}
          autocomplete="username"
          value={typed?.email ?? ''}
          maxlength={320}
          autofocus
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
          reveal={say.reveal}
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
