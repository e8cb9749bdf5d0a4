import type { VNode } from 'preact'
import type { Providers } from '../../providers/providers.ts'
import type { Session } from '../../sessions/ports.ts'
import { endOtherSessions, endSession, nameSession } from '../api/me.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { object } from '../route.ts'
import { deviceNameText } from '../schemas/fields.ts'
import { deviceWords } from './device-words.ts'
import { Field } from './field.tsx'
import { Facts, Form, type Reader, Time, Unseen } from './layout.tsx'
import { doneAt } from './status.ts'

const endForm = formOf(endSession, {
  path: '/account/sessions/:id/end',
  summary: 'Sign out one device',
  done: () => seeOther(doneAt('/account', 'device_ended')),
})

const endOthersForm = formOf(endOtherSessions, {
  path: '/account/sessions/end-others',
  summary: 'Sign out all other devices',
  done: () => seeOther(doneAt('/account', 'devices_ended')),
})

const nameForm = formOf(nameSession, {
  path: '/account/sessions/:id/name',
  summary: 'Name a device; an empty name removes it',
  fields: object({ name: deviceNameText.transform((name) => name || null) }),
  done: () => seeOther(doneAt('/account', 'device_named')),
})
export const deviceRoutes = [endForm, endOthersForm, nameForm]

type DeviceListProps = Reader & {
  readonly sessions: readonly Session[]
  readonly current: string
  readonly providers: Providers
  readonly csrf: string
}

export function DeviceList({ sessions, current, providers, csrf, ...reader }: DeviceListProps): VNode {
  const { say } = reader
  const { devices } = say
  // The current device comes first, so that people recognize it while they look for one that is not theirs.
  const sorted = [...sessions].sort((a, b) => Number(b.id === current) - Number(a.id === current))
  return (
    <>
      <ul class="entries">
        {sorted.map((session) => {
          const agent = deviceWords(session.userAgent, say)
          const name = session.name ?? agent
          return (
            <li key={session.id}>
              <h3>
                {name}
                {session.id === current ? <span class="mark">{devices.current}</span> : null}
              </h3>
              <Facts
                of={[
                  [devices.lastSeen, <Time key="seen" {...reader} at={session.lastSeenAt} />],
                  [devices.since, <Time key="since" {...reader} at={session.createdAt} />],
                  [devices.with, wayOf(session, providers, say)],
                  session.name === null ? null : [devices.agent, agent],
                  session.ip === null ? null : [devices.address, session.ip],
                ]}
              />
              <details>
                <summary>
                  {devices.rename}
                  <Unseen> ({name})</Unseen>
                </summary>
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
              </details>
              {session.id === current ? null : (
                <div class="actions">
                  <Form action={`/account/sessions/${session.id}/end`} csrf={csrf}>
                    <button type="submit">
                      {devices.end}
                      <Unseen> ({name})</Unseen>
                    </button>
                  </Form>
                </div>
              )}
            </li>
          )
        })}
      </ul>
      {sessions.length > 1 ? (
        <div class="actions">
          <Form action="/account/sessions/end-others" csrf={csrf}>
            <button type="submit">{devices.endOthers}</button>
          </Form>
        </div>
      ) : null}
    </>
  )
}

/** The sign-in method of a device: the first of its methods (RFC 8176). */
function wayOf({ provider, amr }: Session, providers: Providers, { ways_in: ways, devices }: Reader['say']): string {
  const [first] = amr
  if (provider === null && first !== 'pwd' && first !== 'otp') return ways.passkey
  const way =
    provider === null ? (first === 'pwd' ? ways.password : ways.email) : (providers.get(provider)?.name ?? provider)
  return amr.includes('mfa') ? devices.withSecond(way) : way
}
