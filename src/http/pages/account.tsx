import { update } from '../api/me.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { line } from '../schemas/fields.ts'
import { noticeCookie } from '../sign-in-answers.ts'
import { Field } from './field.tsx'
import { Form, Layout, readerOf, show, Time, Unseen } from './layout.tsx'
import { doneAt, doneMessageOf, doneQuery } from './status.ts'

const account = route({
  tag: 'Pages',
  surface: 'browser',
  auth: 'user',
  limit: 'account',
  method: 'get',
  path: '/account',
  summary: 'Show my profile: name and email address',
  query: doneQuery,
  fails: [],
  handle({ who, query, cookie, locale, csrfToken }) {
    const reader = readerOf(locale)
    const { profile, security, ways } = reader.say
    const { account: mine } = who
    const csrf = csrfToken()
    const status = doneMessageOf(query.done ?? cookie('notice'), locale)
    return show(
      locale,
      <Layout {...reader} title={profile.title} signedIn={csrf} status={status}>
        <section class="panel" aria-labelledby="profile">
          <h2 id="profile">{profile.heading}</h2>
          <Form action="/account/name" csrf={csrf}>
            <Field
              name="name"
              label={profile.name}
              autocomplete="name"
              value={mine.name ?? ''}
              hint={profile.nameHint}
              maxlength={200}
              optional
            >
              <button type="submit">{profile.save}</button>
            </Field>
          </Form>
        </section>
        <section class="panel" aria-labelledby="about">
          <h2 id="about">{security.email}</h2>
          <ul class="rows">
            <li class="tight">
              <div>
                <p>
                  {mine.email ?? profile.noEmail}{' '}
                  {mine.email === null ? null : (
                    <span class={mine.emailVerified ? 'badge good' : 'badge warn'}>
                      {mine.emailVerified ? profile.verified : profile.notVerified}
                    </span>
                  )}
                </p>
                <p class="fine">
                  {profile.since} <Time {...reader} at={mine.createdAt} />
                </p>
              </div>
              <div class="actions">
                <a class="button" href="/account/email">
                  {mine.email === null ? ways.add : ways.change}
                  <Unseen> {security.email}</Unseen>
                </a>
              </div>
            </li>
          </ul>
        </section>
      </Layout>,
      {
        // A notice is shown once.
        cookies: query.done === undefined && cookie('notice') !== undefined ? [noticeCookie(null)] : [],
      },
    )
  },
})

const nameForm = formOf(update, {
  path: '/account/name',
  summary: 'Change my name; an empty name removes it',
  fields: object({ name: line.transform((name) => name || null) }),
  done: () => seeOther(doneAt('/account', 'name_changed')),
})
export const accountRoutes = [account, nameForm]
