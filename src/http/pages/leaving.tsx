import { ok } from '../../kernel/result.ts'
import { sessionForgotten } from '../entry.ts'
import { seeOther } from '../reply.ts'
import { route } from '../route.ts'
import type { Services } from '../services.ts'
import { Form, Layout, readerOf, show } from './layout.tsx'
import { type Done, doneAt } from './status.ts'

const common = { tag: 'Pages', surface: 'browser', limit: 'account' } as const

const goodbye = (done: Done) => ok(seeOther(doneAt('/login', done), sessionForgotten))

const signOut = route({
  ...common,
  method: 'post',
  path: '/account/sign-out',
  summary: 'Sign out on this device',
  auth: 'user',
  status: 303,
  fails: [],
  async handle({ who, origin }, { flows }: Services) {
    await flows.signOut.here(who, origin)
    return goodbye('signed_out')
  },
})

const askDelete = route({
  ...common,
  method: 'get',
  path: '/account/delete',
  summary: 'Ask before my account is erased',
  auth: 'recent',
  fails: [],
  handle({ locale, csrfToken }) {
    const reader = readerOf(locale)
    const { remove } = reader.say
    const csrf = csrfToken()
    return show(
      locale,
      <Layout {...reader} title={remove.title} signedIn={csrf}>
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

const remove = route({
  ...common,
  method: 'post',
  path: '/account/delete',
  summary: 'Erase my account; its permissions are revoked at the providers',
  auth: 'recent',
  status: 303,
  fails: ['last_administrator'],
  async handle({ who, origin }, { flows }: Services) {
    const done = await flows.deleteAccount(who.accountId, origin)
    return done.ok ? goodbye('deleted') : done
  },
})

export const leavingRoutes = [signOut, askDelete, remove]
