import type { VNode } from 'preact'
import { hostOf, shownNameOf } from '../../applications/policy.ts'
import type { AccountApplication } from '../../applications/ports.ts'
import { withdraw } from '../api/my-applications.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { ApplicationLogo } from './application-logo.tsx'
import { applicationPage } from './application-pages.ts'
import { Ask } from './ask.tsx'
import { deviceWords } from './device-words.ts'
import { Facts, type Reader, SignInAgain, Time } from './layout.tsx'
import { ScopeList } from './scope-list.tsx'
import { doneAt } from './status.ts'
import type { Audience } from './texts.ts'

/** The applications of a person: on their page of permissions, and on the page that administrators see. */

/** The devices that are signed in to it, and since when. */
const Devices = ({ signIns, ...reader }: Reader & Pick<AccountApplication, 'signIns'>): VNode => (
  <ul>
    {signIns.map(({ sessionId, deviceName, userAgent, signedInAt }) => (
      <li key={sessionId}>
        {deviceName ?? deviceWords(userAgent, reader.say)} · <Time {...reader} at={signedInAt} />
      </li>
    ))}
  </ul>
)

function AboutApplication({ of, audience, ...reader }: Reader & { of: AccountApplication; audience: Audience }): VNode {
  const { mine } = reader.say.applications
  const host = hostOf(of.application)
  return (
    <Facts
      of={[
        host === null ? null : [mine.host, host],
        [mine.may, <ScopeList key="may" {...reader} scopes={of.scopes} resources={of.resources} audience={audience} />],
        of.allowedAt === null ? null : [mine.allowed, <Time key="allowed" {...reader} at={of.allowedAt} />],
        [
          mine.devices,
          of.signIns.length === 0 ? mine.noDevice : <Devices key="devices" {...reader} signIns={of.signIns} />,
        ],
      ]}
    />
  )
}

type MineProps = Reader & {
  readonly applications: readonly AccountApplication[]
  readonly csrf: string
  readonly isRecent: boolean
}

/** Where a person signed in with the account, and how each application is ended. */
export function MyApplications({ applications, csrf, isRecent, ...reader }: MineProps): VNode {
  const { mine } = reader.say.applications
  return (
    <section class="panel" aria-labelledby="applications">
      <h2 id="applications">{mine.heading}</h2>
      {applications.length === 0 ? <p>{mine.none}</p> : null}
      <ul class="rows">
        {applications.map((one) => (
          <li key={one.application.id}>
            <div>
              <ApplicationLogo of={one.application} />
              <h3>{shownNameOf(one.application)}</h3>
              <AboutApplication {...reader} of={one} audience="person" />
            </div>
            {isRecent ? (
              <div class="actions">
                <Ask
                  action={`/account/permissions/applications/${encodeURIComponent(one.application.id)}/end`}
                  csrf={csrf}
                  label={mine.end}
                  about={shownNameOf(one.application)}
                  what={mine.endText(shownNameOf(one.application))}
                  yes={mine.endYes}
                />
              </div>
            ) : null}
          </li>
        ))}
      </ul>
      {isRecent || applications.length === 0 ? null : <SignInAgain {...reader} returnTo="/account/permissions" />}
    </section>
  )
}

type TheirsProps = Reader & {
  readonly applications: readonly AccountApplication[]
  /** Whether the viewer may open the pages of applications. */
  readonly canOpen: boolean
}

/** Which applications a person uses, for administrators. */
export function UserApplications({ applications, canOpen, ...reader }: TheirsProps): VNode {
  const { mine } = reader.say.applications
  return (
    <section aria-labelledby="applications">
      <h2 id="applications">{mine.title}</h2>
      {applications.length === 0 ? <p>{mine.noneTheirs}</p> : null}
      <ul class="entries">
        {applications.map((one) => (
          <li key={one.application.id}>
            <h3>
              {canOpen ? (
                <a href={applicationPage(one.application.id)}>{shownNameOf(one.application)}</a>
              ) : (
                shownNameOf(one.application)
              )}
            </h3>
            <AboutApplication {...reader} of={one} audience="administrator" />
          </li>
        ))}
      </ul>
    </section>
  )
}

const endForm = formOf(withdraw, {
  path: '/account/permissions/applications/:id/end',
  summary: 'End one of my applications: what it may see, and its sign-ins on every device',
  done: () => seeOther(doneAt('/account/permissions', 'application_ended')),
})

export const myApplicationPageRoutes = [endForm]
