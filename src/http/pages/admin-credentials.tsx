import type { VNode } from 'preact'
import { serviceScopes } from '../../credentials/scopes.ts'
import type { Locale } from '../../errors/catalogue.ts'
import { create, revoke, rotate } from '../api/service-credentials.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import type { Services } from '../services.ts'
import { common, mayNow } from './admin-frame.tsx'
import { Ask } from './ask.tsx'
import { Field, Submit } from './field.tsx'
import { Facts, Form, Layout, readerOf, SignInAgain, show, Time } from './layout.tsx'
import { doneAt, doneMessageOf, doneQuery } from './status.ts'

const path = '/admin/service-credentials'

const list = route({
  ...common,
  method: 'get',
  path,
  summary: 'Show the service credentials of back ends',
  auth: 'user',
  scope: 'credentials:read',
  query: doneQuery,
  fails: [],
  async handle({ who, query, locale, csrfToken }, services: Services) {
    const reader = readerOf(locale)
    const { admin, people } = reader.say
    const all = await services.serviceCredentials.list()
    const csrf = csrfToken()
    const { allowed, recent } = mayNow(who, 'credentials:write', services)
    return show(
      locale,
      <Layout
        {...reader}
        title={admin.credentials}
        signedIn={csrf}
        scopes={who.scopes}
        status={doneMessageOf(query.done, locale)}
      >
        <section aria-labelledby="all">
          <h2 id="all">{admin.credentialsHeading}</h2>
          <p>{admin.credentialsIntro}</p>
          {all.length === 0 ? <p>{admin.noCredentials}</p> : null}
          <ul class="entries">
            {all.map((one) => (
              <li key={one.id}>
                <h3>{one.name}</h3>
                <Facts
                  of={[
                    [admin.id, <code key="id">{one.id}</code>],
                    [admin.mayDo, one.scopes.map((scope) => admin.serviceScopes[scope] ?? scope).join(', ')],
                    [admin.madeAt, <Time key="made" {...reader} at={one.createdAt} />],
                    [
                      reader.say.ways.lastUsed,
                      one.lastUsedAt ? <Time key="used" {...reader} at={one.lastUsedAt} /> : admin.never,
                    ],
                    one.previousUntil && one.previousUntil > services.clock()
                      ? [admin.previousUntil, <Time key="until" {...reader} at={one.previousUntil} exact />]
                      : null,
                  ]}
                />
                {allowed && recent ? (
                  <div class="actions">
                    <Ask
                      action={`${path}/${one.id}/rotate`}
                      csrf={csrf}
                      label={people.rotate}
                      about={one.name}
                      what={people.rotateWhat(one.name)}
                      yes={admin.rotate}
                    />
                    <Ask
                      action={`${path}/${one.id}/revoke`}
                      csrf={csrf}
                      label={people.revoke}
                      about={one.name}
                      what={people.revokeWhat(one.name)}
                      yes={admin.revoke}
                    />
                  </div>
                ) : null}
              </li>
            ))}
          </ul>
        </section>
        {allowed ? (
          <section aria-labelledby="new">
            <h2 id="new">{admin.newCredential}</h2>
            {recent ? (
              <Form action={path} csrf={csrf}>
                <Field name="name" label={admin.credentialName} autocomplete="off" maxlength={200} />
                <fieldset class="field">
                  <legend>{admin.mayDo}</legend>
                  {serviceScopes.map((scope, n) => (
                    <label key={scope} class="choice">
                      <input type="checkbox" name="scopes" value={scope} checked={n === 0} />{' '}
                      {admin.serviceScopes[scope]}
                    </label>
                  ))}
                </fieldset>
                <Submit>{admin.make}</Submit>
              </Form>
            ) : (
              <SignInAgain {...reader} returnTo={path} />
            )}
          </section>
        ) : null}
      </Layout>,
    )
  },
})

const createForm = formOf(create, {
  path,
  summary: 'Create a service credential; its secret is shown once',
  also: ['page'],
  done: ({ who, locale, csrfToken }, issued) => shown(locale, who, csrfToken(), issued),
})

const rotateForm = formOf(rotate, {
  path: `${path}/:id/rotate`,
  summary: 'Create another secret for a service credential; the previous one stays valid for a day',
  fields: object({}),
  also: ['page'],
  done: ({ who, locale, csrfToken }, issued) => shown(locale, who, csrfToken(), issued),
})

const revokeForm = formOf(revoke, {
  path: `${path}/:id/revoke`,
  summary: 'Revoke a service credential immediately',
  done: () => seeOther(doneAt(path, 'credential_revoked')),
})

export const adminCredentialRoutes = [list, createForm, rotateForm, revokeForm]

type Issued = { readonly id: string; readonly name: string; readonly secret: string }

/**
 * The page with the secret answers the form directly. A redirect would have to carry the secret in a URL, or store it
 * in our database.
 */
function shown(locale: Locale, who: Principal, csrf: string, { id, name, secret }: Issued) {
  const reader = readerOf(locale)
  const { admin } = reader.say
  const view: VNode = (
    <Layout {...reader} title={admin.secretTitle(name)} signedIn={csrf} scopes={who.scopes}>
      <p role="status" class="status">
        {admin.secretOnce}
      </p>
      <Facts
        of={[
          [admin.id, <code key="id">{id}</code>],
          [admin.secret, <code key="secret">{secret}</code>],
        ]}
      />
      <p class="actions">
        <a class="button" href={path}>
          {admin.secretKept}
        </a>
      </p>
    </Layout>
  )
  return show(locale, view)
}
