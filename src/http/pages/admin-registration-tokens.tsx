import { z } from 'zod'
import { paths } from '../../applications/metadata.ts'
import type { Locale } from '../../errors/catalogue.ts'
import { createToken, revokeToken, tokenFields } from '../api/registration.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import type { Services } from '../services.ts'
import { adminPage, mayNow } from './admin-frame.tsx'
import { applicationsPath, registrationTokensPath as path } from './application-pages.ts'
import { Ask } from './ask.tsx'
import { Field, Select, Submit } from './field.tsx'
import { Facts, Form, Layout, readerOf, SignInAgain, show, Time } from './layout.tsx'
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
    const { allowed, recent } = mayNow(who, 'applications:write', services)
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
        <section aria-labelledby="all">
          <h2 id="all">{words.all}</h2>
          {all.length === 0 ? <p>{words.none}</p> : null}
          <ul class="entries">
            {all.map((one) => (
              <li key={one.id}>
                <h3>{one.name}</h3>
                <Facts
                  of={[
                    [words.id, <code key="id">{one.id}</code>],
                    [words.usesLeft, number.format(one.usesLeft)],
                    [
                      one.expiresAt <= services.clock() ? words.expired : words.expires,
                      <Time key="expires" {...reader} at={one.expiresAt} exact />,
                    ],
                    [applications.created, <Time key="created" {...reader} at={one.createdAt} />],
                  ]}
                />
                {allowed && recent ? (
                  <div class="actions">
                    <Ask
                      action={`${path}/${one.id}/revoke`}
                      csrf={csrf}
                      label={words.revoke}
                      about={one.name}
                      what={words.revokeText(one.name)}
                      yes={words.revokeYes}
                    />
                  </div>
                ) : null}
              </li>
            ))}
          </ul>
        </section>
        {allowed ? (
          <section aria-labelledby="new">
            <h2 id="new">{words.create}</h2>
            {recent ? (
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
            ) : (
              <SignInAgain {...reader} returnTo={path} />
            )}
          </section>
        ) : null}
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

/** The page with the token answers the form directly: a redirect would have to carry or store it. */
function shown(locale: Locale, who: Principal, csrf: string, { name, token, endpoint }: ShownToken) {
  const reader = readerOf(locale)
  const { registration: words } = reader.say.applications
  return show(
    locale,
    <Layout {...reader} title={words.tokenTitle(name)} signedIn={csrf} scopes={who.scopes}>
      <p role="status" class="status">
        {words.tokenOnce}
      </p>
      <Facts
        of={[
          [words.token, <code key="token">{token}</code>],
          [words.endpoint, <code key="endpoint">{endpoint}</code>],
        ]}
      />
      <p class="actions">
        <a class="button" href={path}>
          {words.kept}
        </a>
      </p>
    </Layout>,
  )
}
