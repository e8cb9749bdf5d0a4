import type { VNode } from 'preact'
import type { Providers } from '../../providers/providers.ts'
import type { Session } from '../../sessions/ports.ts'
import { endOtherSessions, endSession, nameSession } from '../api/me.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { deviceNameText } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { Ask, Disclosure } from './ask.tsx'
import { deviceWords } from './device-words.ts'
import { Field } from './field.tsx'
import { Form, Layout, type Reader, readerOf, show, Time } from './layout.tsx'
import { doneAt, doneMessageOf, doneQuery } from './status.ts'

const here = '/account/devices'

const view = route({
  tag: 'Pages',
  surface: 'browser',
  auth: 'user',
  limit: 'account',
  method: 'get',
  path: here,
  summary: 'Show the devices that are signed in to my account',
  query: doneQuery,
  fails: [],
  async handle({ who, query, locale, csrfToken }, { devices, providers }: Services) {
    const reader = readerOf(locale)
    const say = reader.say.devices
    const csrf = csrfToken()
    const sessions = await devices.list(who.accountId)
    // The current device comes first, so that people recognize it while they look for one that is not theirs.
    const sorted = [...sessions].sort((a, b) => Number(b.id === who.sessionId) - Number(a.id === who.sessionId))
    return show(
      locale,
      <Layout {...reader} title={say.heading} signedIn={csrf} status={doneMessageOf(query.done, locale)}>
        <section class="panel" aria-labelledby="where">
          <h2 id="where">{say.intro}</h2>
          <ul class="rows">
            {sorted.map((session) => (
              <Device
                key={session.id}
                {...reader}
                {...{ session, providers, csrf }}
                isCurrent={session.id === who.sessionId}
              />
            ))}
          </ul>
        </section>
        {sessions.length > 1 ? (
          <Ask
            action="/account/sessions/end-others"
            csrf={csrf}
            label={say.endOthersStart}
            what={say.endOthersWhat}
            yes={say.endOthers}
          />
        ) : null}
      </Layout>,
    )
  },
})

const endForm = formOf(endSession, {
  path: '/account/sessions/:id/end',
  shownOn: here,
  summary: 'Sign out one device',
  done: () => seeOther(doneAt(here, 'device_ended')),
})

const endOthersForm = formOf(endOtherSessions, {
  path: '/account/sessions/end-others',
  shownOn: here,
  summary: 'Sign out all other devices',
  done: () => seeOther(doneAt(here, 'devices_ended')),
})

const nameForm = formOf(nameSession, {
  path: '/account/sessions/:id/name',
  shownOn: here,
  summary: 'Name a device; an empty name removes it',
  fields: object({ name: deviceNameText.transform((name) => name || null) }),
  done: () => seeOther(doneAt(here, 'device_named')),
})
export const deviceRoutes = [view, endForm, endOthersForm, nameForm]

type DeviceProps = Reader & {
  readonly session: Session
  readonly isCurrent: boolean
  readonly providers: Providers
  readonly csrf: string
}

function Device({ session, isCurrent, providers, csrf, ...reader }: DeviceProps): VNode {
  const { say } = reader
  const { devices } = say
  const agent = deviceWords(session.userAgent, say)
  const name = session.name ?? agent
  return (
    <li>
      <div>
        <h3>
          {name} {isCurrent ? <span class="badge">{devices.current}</span> : null}
        </h3>
        <p class="fine">
          {session.name === null ? null : `${agent} · `}
          {devices.lastSeen} <Time {...reader} at={session.lastSeenAt} /> · {devices.since}{' '}
          <Time {...reader} at={session.createdAt} /> ({methodOf(session, providers, say)})
          {session.ip === null ? null : ` · ${session.ip}`}
        </p>
      </div>
      <div class="actions">
        <Disclosure label={devices.rename} about={name} around={`/account/sessions/${session.id}/name`}>
          <Form action={`/account/sessions/${session.id}/name`} csrf={csrf}>
            <Field
              name="name"
              id={`name-${session.id}`}
              label={devices.name}
              autocomplete="off"
              value={session.name ?? ''}
              maxlength={60}
              optional
            >
              <button type="submit">{devices.saveName}</button>
            </Field>
          </Form>
        </Disclosure>
        {isCurrent ? null : (
          <Ask
            action={`/account/sessions/${session.id}/end`}
            csrf={csrf}
            label={devices.endStart}
            about={name}
            what={devices.endWhat}
            yes={devices.end}
          />
        )}
      </div>
    </li>
  )
}

/** The sign-in method of a device: the first of its methods (RFC 8176). */
function methodOf({ provider, amr }: Session, providers: Providers, { ways_in: ways, devices }: Reader['say']): string {
  const [first] = amr
  if (provider === null && first !== 'pwd' && first !== 'otp') return ways.passkey
  const way =
    provider === null ? (first === 'pwd' ? ways.password : ways.email) : (providers.get(provider)?.name ?? provider)
  return amr.includes('mfa') ? devices.withSecond(way) : way
}
