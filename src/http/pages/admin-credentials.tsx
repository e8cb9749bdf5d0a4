import type { VNode } from 'preact'
import { z } from 'zod'
import { serviceScopes } from '../../credentials/scopes.ts'
import type { Issued } from '../../credentials/service-credentials.ts'
import type { Locale } from '../../errors/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import { seeOther } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import { idParams, line } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { AdminWays, common, mayNow } from './admin-frame.tsx'
import { Field, Submit } from './field.tsx'
import { Facts, Form, Layout, readerOf, SignInAgain, show, Time, Unseen } from './layout.tsx'
import { doneAt, doneQuery, statusOf } from './status.ts'

const path = '/admin/service-credentials'
const writing = { ...common, method: 'post', auth: 'recent', scope: 'credentials:write' } as const

const list = route({
  ...common,
  method: 'get',
  path,
  summary: 'What back ends prove themselves with here',
  auth: 'user',
  scope: 'credentials:read',
  query: doneQuery,
  fails: [],
  async handle({ who, query, locale, csrfToken }, services: Services) {
    const reader = readerOf(locale)
    const { admin } = reader.say
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
        status={statusOf(query.done, locale)}
      >
        <AdminWays {...reader} scopes={who.scopes} />
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
                      ? [admin.previousUntil, <Time key="until" {...reader} at={one.previousUntil} />]
                      : null,
                  ]}
                />
                {allowed && recent ? (
                  <div class="actions">
                    <Form action={`${path}/${one.id}/rotate`} csrf={csrf}>
                      <button type="submit">
                        {admin.rotate}
                        <Unseen> ({one.name})</Unseen>
                      </button>
                    </Form>
                    <Form action={`${path}/${one.id}/revoke`} csrf={csrf}>
                      <button type="submit" class="danger">
                        {admin.revoke}
                        <Unseen> ({one.name})</Unseen>
                      </button>
                    </Form>
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

const create = route({
  ...writing,
  path,
  summary: 'Give a back end a credential; its secret is shown this once',
  body: object({
    name: line.min(1),
    scopes: z.array(z.enum(serviceScopes)).min(1).max(serviceScopes.length).describe('What the back end may do'),
  }),
  also: ['page'],
  fails: ['too_many_service_credentials'],
  async handle({ who, body, origin, locale, csrfToken }, { serviceCredentials }: Services) {
    const done = await serviceCredentials.create(who.accountId, body, origin)
    return done.ok ? shown(locale, who, csrfToken(), done.value) : done
  },
})

const rotate = route({
  ...writing,
  path: `${path}/:id/rotate`,
  summary: 'Give it another secret; the one so far stays good for a day',
  params: idParams,
  also: ['page'],
  fails: ['service_credential_not_found'],
  async handle({ who, params, origin, locale, csrfToken }, { serviceCredentials }: Services) {
    const done = await serviceCredentials.rotate(who.accountId, { id: params.id }, origin)
    return done.ok ? shown(locale, who, csrfToken(), done.value) : done
  },
})

const revoke = route({
  ...writing,
  path: `${path}/:id/revoke`,
  summary: 'Revoke it, at once and for good',
  params: idParams,
  status: 303,
  fails: ['service_credential_not_found'],
  async handle({ who, params, origin }, { serviceCredentials }: Services) {
    const done = await serviceCredentials.revoke(who.accountId, params.id, origin)
    return done.ok ? ok(seeOther(doneAt(path, 'credential_revoked'))) : done
  },
})

export const adminCredentialRoutes = [list, create, rotate, revoke]

/**
 * The secret is in the answer to the form itself: on the way to another page it would have to be kept somewhere, in an
 * address or in our database, where it must not be.
 */
function shown(locale: Locale, who: Principal, csrf: string, { credential, secret }: Issued) {
  const reader = readerOf(locale)
  const { admin } = reader.say
  const view: VNode = (
    <Layout {...reader} title={admin.secretTitle(credential.name)} signedIn={csrf} scopes={who.scopes}>
      <p role="status" class="status">
        {admin.secretOnce}
      </p>
      <Facts
        of={[
          [admin.id, <code key="id">{credential.id}</code>],
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
