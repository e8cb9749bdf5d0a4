import { serviceScopes } from '../../credentials/scopes.ts'
import type { Locale } from '../../errors/catalogue.ts'
import { create, revoke, rotate } from '../api/service-credentials.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import type { Services } from '../services.ts'
import { common, mayNow } from './admin-frame.tsx'
import { Creation, SecretRows } from './admin-secrets.tsx'
import { Ask } from './ask.tsx'
import { Field, Submit, Tick } from './field.tsx'
import { Form, Layout, readerOf, show, Time } from './layout.tsx'
import { showOnce } from './shown-once.tsx'
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
    const may = mayNow(who, 'credentials:write', services)
    return show(
      locale,
      <Layout
        {...reader}
        title={admin.credentials}
        signedIn={csrf}
        scopes={who.scopes}
        status={doneMessageOf(query.done, locale)}
      >
        <SecretRows
          title={admin.credentialsHeading}
          intro={admin.credentialsIntro}
          none={admin.noCredentials}
          rows={all.map((one) => ({
            id: one.id,
            name: one.name,
            facts: [
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
            ],
            acts:
              may.allowed && may.recent ? (
                <>
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
                </>
              ) : null,
          }))}
        />
        <Creation {...reader} title={admin.newCredential} may={may} path={path}>
          <Form action={path} csrf={csrf}>
            <Field name="name" label={admin.credentialName} autocomplete="off" maxlength={200} />
            <fieldset class="field">
              <legend>{admin.mayDo}</legend>
              {serviceScopes.map((scope, n) => (
                <Tick key={scope} type="checkbox" name="scopes" value={scope} checked={n === 0}>
                  {admin.serviceScopes[scope]}
                </Tick>
              ))}
            </fieldset>
            <Submit>{admin.make}</Submit>
          </Form>
        </Creation>
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

function shown(locale: Locale, who: Principal, csrf: string, { id, name, secret }: Issued) {
  const { admin } = readerOf(locale).say
  return showOnce(locale, who, csrf, {
    title: admin.secretTitle(name),
    notice: admin.secretOnce,
    values: [
      [admin.id, id],
      [admin.secret, secret],
    ],
    kept: admin.secretKept,
    back: path,
  })
}
