import { z } from 'zod'
import { paths } from '../../applications/metadata.ts'
import type { Locale } from '../../errors/catalogue.ts'
import { createToken, revokeToken, tokenFields } from '../api/registration.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import type { Services } from '../services.ts'
import { adminPage, mayNow } from './admin-frame.tsx'
import { Creation, SecretRows } from './admin-secrets.tsx'
import { applicationsPath, registrationTokensPath as path } from './application-pages.ts'
import { Ask } from './ask.tsx'
import { Field, Select, Submit } from './field.tsx'
import { Form, Layout, readerOf, show, Time } from './layout.tsx'
import { showOnce } from './shown-once.tsx'
import { doneAt, doneMessageOf, doneQuery } from './status.ts'

/** The administrators' page of initial access tokens, with which applications register themselves. */

const list = route({
  ...adminPage,
  path,
  scope: 'applications:read',
  summary: 'Show the initial access tokens for applications that register themselves',
  query: doneQuery,
  fails: [],
  async handle({ who, query, locale, csrfToken }, services: Services) {
    const reader = readerOf(locale)
    const { applications } = reader.say
    const { registration: words } = applications
    const all = await services.registrations.listTokens()
    const csrf = csrfToken()
    const may = mayNow(who, 'applications:write', services)
    const number = new Intl.NumberFormat(locale)
    return show(
      locale,
      <Layout
        {...reader}
        title={words.title}
        signedIn={csrf}
        scopes={who.scopes}
        status={doneMessageOf(query.done, locale)}
      >
        <p>{words.modes[services.settings.registration]}</p>
        <SecretRows
          title={words.all}
          none={words.none}
          rows={all.map((one) => ({
            id: one.id,
            name: one.name,
            facts: [
              [words.id, <code key="id">{one.id}</code>],
              [words.usesLeft, number.format(one.usesLeft)],
              [
                one.expiresAt <= services.clock() ? words.expired : words.expires,
                <Time key="expires" {...reader} at={one.expiresAt} exact />,
              ],
              [applications.created, <Time key="created" {...reader} at={one.createdAt} />],
            ],
            acts:
              may.allowed && may.recent ? (
                <Ask
                  action={`${path}/${one.id}/revoke`}
                  csrf={csrf}
                  label={words.revoke}
                  about={one.name}
                  what={words.revokeText(one.name)}
                  yes={words.revokeYes}
                />
              ) : null,
          }))}
        />
        <Creation {...reader} title={words.create} may={may} path={path}>
          <Form action={path} csrf={csrf}>
            <Field name="name" label={words.name} autocomplete="off" maxlength={80} />
            <Field
              name="uses"
              label={words.uses}
              hint={words.usesHint}
              autocomplete="off"
              code="digits"
              value="1"
              maxlength={4}
            />
            <Select
              name="expires_in"
              label={words.expiresIn}
              value="86400"
              options={words.lifetimes.map(([value, text]) => [String(value), text])}
            />
            <Submit>{words.make}</Submit>
          </Form>
        </Creation>
        <p class="actions">
          <a class="button" href={applicationsPath}>
            {applications.all}
          </a>
        </p>
      </Layout>,
    )
  },
})

const createForm = formOf(createToken, {
  path,
  summary: 'Create an initial access token; it is shown once',
  fields: object({
    name: tokenFields.name,
    uses: z.coerce.number().pipe(tokenFields.uses).describe('How many applications may be registered with it'),
    expires_in: z.coerce.number().pipe(tokenFields.expires_in).describe('In how many seconds it expires'),
  }),
  also: ['page'],
  done: ({ who, locale, csrfToken }, { name, token }, { settings }: Services) =>
    shown(locale, who, csrfToken(), { name, token, endpoint: new URL(paths.register, settings.publicUrl).href }),
})

const revokeForm = formOf(revokeToken, {
  path: `${path}/:id/revoke`,
  summary: 'Revoke an initial access token immediately',
  done: () => seeOther(doneAt(path, 'registration_token_revoked')),
})

export const adminRegistrationTokenRoutes = [list, createForm, revokeForm]

type ShownToken = { readonly name: string; readonly token: string; readonly endpoint: string }

function shown(locale: Locale, who: Principal, csrf: string, { name, token, endpoint }: ShownToken) {
  const { registration: words } = readerOf(locale).say.applications
  return showOnce(locale, who, csrf, {
    title: words.tokenTitle(name),
    notice: words.tokenOnce,
    values: [
      [words.token, token],
      [words.endpoint, endpoint],
    ],
    kept: words.kept,
    back: path,
  })
}
