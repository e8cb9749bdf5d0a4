import type { ComponentChildren, VNode } from 'preact'
import { hostOf, shownNameOf } from '../../applications/policy.ts'
import type { AccountApplication } from '../../applications/ports.ts'
import { withdraw } from '../api/my-applications.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { ApplicationMark } from './application-logo.tsx'
import { applicationPage } from './application-pages.ts'
import { Ask, Disclosure } from './ask.tsx'
import { deviceWords } from './device-words.ts'
import { FoldedRows } from './folded-rows.tsx'
import { Facts, type Reader, SignInAgain, Time } from './layout.tsx'
import { Panel } from './panel.tsx'
import { ScopeList } from './scope-list.tsx'
import { doneAt } from './status.ts'
import type { Audience } from './texts.ts'

/** The applications of a person: on their page of permissions, and on the page that administrators see. */

/** Where the form that ends an application is sent. */
const applicationsPath = '/account/permissions/applications'
const endPath = (id: string): string => `${applicationsPath}/${encodeURIComponent(id)}/end`

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

type RowProps = Reader & {
  readonly of: AccountApplication
  readonly audience: Audience
  /** The page of the application, for those who may open it. */
  readonly href?: string | undefined
  /** What can be done about it. */
  readonly children?: ComponentChildren
}

/** One line for each application: a person may use many. Everything else about it is behind its button. */
function ApplicationRow({ of, audience, href, children, ...reader }: RowProps): VNode {
  const { mine } = reader.say.applications
  const name = shownNameOf(of.application)
  return (
    <li class="marked tight">
      <ApplicationMark of={of.application} />
      <div>
        <h3>{href === undefined ? name : <a href={href}>{name}</a>}</h3>
        <p class="fine">{mine.signedInOn(of.signIns.length)}</p>
      </div>
      <div class="actions">
        <Disclosure label={reader.say.ways.details} about={name} around={endPath(of.application.id)}>
          <AboutApplication {...reader} of={of} audience={audience} />
          {children}
        </Disclosure>
      </div>
    </li>
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
    <Panel id="applications" title={mine.heading}>
      {applications.length === 0 ? <p>{mine.none}</p> : null}
      <FoldedRows more={mine.more} around={applicationsPath}>
        {applications.map((one) => (
          <ApplicationRow key={one.application.id} {...reader} of={one} audience="person">
            {isRecent ? (
              <Ask
                action={endPath(one.application.id)}
                csrf={csrf}
                label={mine.end}
                about={shownNameOf(one.application)}
                what={mine.endText(shownNameOf(one.application))}
                yes={mine.endYes}
              />
            ) : (
              <SignInAgain {...reader} returnTo="/account/permissions" />
            )}
          </ApplicationRow>
        ))}
      </FoldedRows>
    </Panel>
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
    <Panel id="applications" title={mine.title}>
      {applications.length === 0 ? <p>{mine.noneTheirs}</p> : null}
      <ul class="rows">
        {applications.map((one) => (
          <ApplicationRow
            key={one.application.id}
            {...reader}
            of={one}
            audience="administrator"
            href={canOpen ? applicationPage(one.application.id) : undefined}
          />
        ))}
      </ul>
    </Panel>
  )
}

const endForm = formOf(withdraw, {
  path: '/account/permissions/applications/:id/end',
  summary: 'End one of my applications: what it may see, and its sign-ins on every device',
  done: () => seeOther(doneAt('/account/permissions', 'application_ended')),
})

export const myApplicationPageRoutes = [endForm]
