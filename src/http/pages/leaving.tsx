import { remove } from '../api/me.ts'
import { logout } from '../api/tokens.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { clearedSession } from '../sign-in-answers.ts'
import { Form, Layout, readerOf, show } from './layout.tsx'
import { doneAt, type Notice } from './status.ts'

const goodbye = (done: Notice) => seeOther(doneAt('/login', done), clearedSession)

const signOut = formOf(logout, {
  path: '/account/sign-out',
  summary: 'Sign out on this device',
  fields: object({}).transform(() => ({ revoke_provider_tokens: false })),
  done: () => goodbye('signed_out'),
})

const askDelete = route({
  tag: 'Pages',
  surface: 'browser',
  limit: 'account',
  method: 'get',
  path: '/account/delete',
  summary: 'Ask for confirmation before my account is deleted',
  auth: 'recent',
  fails: [],
  handle({ locale, csrfToken }) {
    const reader = readerOf(locale)
    const { remove } = reader.say
    const csrf = csrfToken()
    return show(
      locale,
      <Layout {...reader} title={remove.title} signedIn={csrf} card>
        <p>{remove.text}</p>
        <p>{remove.teams}</p>
        <p>{remove.jira}</p>
        <div class="actions">
          <Form action="/account/delete" csrf={csrf}>
            <button type="submit" class="danger">
              {remove.button}
            </button>
          </Form>
          <a class="button" href="/account">
            {remove.keep}
          </a>
        </div>
      </Layout>,
    )
  },
})

const removeForm = formOf(remove, {
  path: '/account/delete',
  summary: 'Delete my account; its permissions are revoked at the providers',
  done: () => goodbye('deleted'),
})

export const leavingRoutes = [signOut, askDelete, removeForm]
