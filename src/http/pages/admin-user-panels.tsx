import type { VNode } from 'preact'
import type { Identity, UserListItem } from '../../accounts/ports.ts'
import { type Account, roles } from '../../kernel/account.ts'
import type { Session } from '../../sessions/ports.ts'
import type { Services } from '../services.ts'
import { accountLabel, type mayNow, userPage } from './admin-frame.tsx'
import { Ask, type AskProps } from './ask.tsx'
import { deviceWords } from './device-words.ts'
import { Select } from './field.tsx'
import { LastSignIn } from './last-sign-in.tsx'
import { Facts, type Reader, SignInAgain, Time, Unseen } from './layout.tsx'
import { KeyMark, PasswordMark } from './marks.tsx'
import { Panel } from './panel.tsx'
import { ProviderMark } from './provider-mark.tsx'

/** The panels of the administrators' page of one account. */

export function AccountFacts({ user: found, ...reader }: Reader & { user: UserListItem }): VNode {
  const { say } = reader
  const { admin, people, profile } = say
  const { account } = found
  return (
    <Panel id="facts" title={profile.heading}>
      <Facts
        of={[
          [
            profile.email,
            account.email === null
              ? profile.noEmail
              : `${account.email} (${account.emailVerified ? profile.verified : profile.notVerified})`,
          ],
          [profile.name, account.name ?? '—'],
          [admin.role, admin.roles[account.role]],
          [admin.secondFactor, account.secondFactorAt ? say.yes : say.no],
          [profile.since, <Time key="since" {...reader} at={account.createdAt} />],
          [people.lastSignIn, <LastSignIn key="signed-in" {...reader} at={account.lastSignInAt} />],
          account.disabledAt
            ? [
                admin.disabled,
                <span key="disabled" class="caution">
                  <Time {...reader} at={account.disabledAt} />
                </span>,
              ]
            : null,
        ]}
      />
      <details>
        <summary>{say.auditLog.details}</summary>
        <Facts of={[[admin.id, <code key="id">{account.id}</code>]]} />
      </details>
    </Panel>
  )
}

/** Other accounts that may belong to the same person. */
export function SameAddress({ accounts, ...reader }: Reader & { accounts: readonly Account[] }): VNode | null {
  const { people, profile } = reader.say
  if (accounts.length === 0) return null
  return (
    <Panel id="same" title={people.sameAddress}>
      <p>{people.sameAddressText}</p>
      <ul class="rows">
        {accounts.map((account) => (
          <li key={account.id}>
            <span>
              <a href={userPage(account.id)}>{accountLabel(account)}</a>{' '}
              <span class="fine">
                {account.emailVerified ? profile.verified : profile.notVerified} ·{' '}
                <Time {...reader} at={account.createdAt} />
              </span>
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  )
}

type MethodsProps = Reader & {
  readonly user: UserListItem
  readonly identities: readonly Identity[]
  readonly providers: Services['providers']
}

/** With what the person can sign in. */
export function Methods({ user, identities, providers, say }: MethodsProps): VNode {
  const methods = [
    ...identities.map(({ id, provider: at, email, name, subject }) => {
      const provider = providers.get(at)
      const about = email ?? name ?? subject
      return { id, mark: provider && <ProviderMark provider={provider} />, name: provider?.name ?? at, about }
    }),
    ...(user.password ? [{ id: 'password', mark: <PasswordMark />, name: say.security.password, about: null }] : []),
    ...(user.passkeys > 0
      ? [{ id: 'passkey', mark: <KeyMark />, name: say.security.passkeys, about: say.ways.passkeys(user.passkeys) }]
      : []),
  ]
  return (
    <Panel id="methods" title={say.ways.heading}>
      {methods.length === 0 ? <p>{say.people.noMethods}</p> : null}
      <ul class="rows">
        {methods.map(({ id, mark, name, about }) => (
          <li key={id} class="marked">
            {mark ?? <span />}
            <div>
              <h3>{name}</h3>
              {about === null ? null : <p class="fine">{about}</p>}
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  )
}

type DevicesProps = Reader & {
  readonly account: Account
  readonly sessions: readonly Session[]
  readonly csrf: string
  readonly mayEnd: boolean
}

export function UserDevices({ account, sessions, csrf, mayEnd, ...reader }: DevicesProps): VNode {
  const { say } = reader
  const { people } = say
  return (
    <Panel id="devices" title={say.devices.heading}>
      {sessions.length === 0 ? <p>{say.admin.noDevices}</p> : null}
      <ul class="rows">
        {sessions.map((session) => {
          const device = deviceWords(session.userAgent, say)
          return (
            <li key={session.id}>
              <div>
                <h3>{device}</h3>
                <p class="fine">
                  <Time {...reader} at={session.lastSeenAt} />
                  {session.ip === null ? '' : ` · ${session.ip}`}
                </p>
              </div>
              {mayEnd ? (
                <div class="actions">
                  <Ask
                    action={`${userPage(account.id)}/sessions/${session.id}/end`}
                    csrf={csrf}
                    label={people.endDevice}
                    about={device}
                    what={people.endDeviceWhat(device, accountLabel(account))}
                    yes={people.endDeviceYes}
                  />
                </div>
              ) : null}
            </li>
          )
        })}
      </ul>
    </Panel>
  )
}

type ActsProps = Reader & {
  readonly account: Account
  readonly own: boolean
  readonly csrf: string
  readonly may: ReturnType<typeof mayNow>
}

/** What can be done with the account. Each act asks first. */
export function Acts({ account, own, csrf, may, ...reader }: ActsProps): VNode | null {
  const { admin, people } = reader.say
  const page = userPage(account.id)
  const name = accountLabel(account)
  if (!may.allowed) return null
  const act = (path: string, label: string, what: string, yes: string, more: Partial<AskProps> = {}) => (
    <Ask action={`${page}/${path}`} csrf={csrf} label={label} about={name} what={what} yes={yes} {...more} />
  )
  const roleField = (
    <Select
      name="role"
      label={admin.role}
      value={account.role}
      options={roles.map((role) => [role, admin.roles[role]] as const)}
    />
  )
  return (
    <Panel id="acts" title={admin.acts}>
      {own ? <p>{admin.ownRole}</p> : null}
      {may.recent ? (
        <div class="actions">
          {own ? null : act('role', people.role, people.roleWhat(name), admin.changeRole, { children: roleField })}
          {account.disabledAt
            ? act('enable', people.enable, people.enableWhat(name), admin.enable, { gives: true })
            : act('disable', people.disable, people.disableWhat(name), admin.disable)}
          {act('end-sessions', people.endSessions, people.endSessionsWhat(name), admin.endSessions)}
          {account.email !== null && account.emailVerified && !account.disabledAt
            ? act('password-reset', people.reset, people.resetWhat(account.email), admin.reset)
            : null}
          {account.secondFactorAt && !own
            ? act('second-factor', people.removeSecondFactor, admin.identityFirst, admin.removeSecondFactor)
            : null}
          <a class="button danger" href={`${page}/delete`}>
            {admin.remove}
            <Unseen> ({name})</Unseen>
          </a>
        </div>
      ) : (
        <SignInAgain {...reader} returnTo={page} />
      )}
    </Panel>
  )
}
