import type { VNode } from 'preact'
import { type Act, may, mayGive, teamRoles } from '../../teams/policy.ts'
import type { Invitation, Membership, MemberView, TeamRole } from '../../teams/ports.ts'
import type { Principal } from '../route.ts'
import { Field, Submit } from './field.tsx'
import { Facts, Form, Layout, type Reader, Time, Unseen } from './layout.tsx'
import { refusalOf } from './refusal.tsx'
import { teamPage } from './teams.tsx'

/** The name of a member on the pages of a team. */
export const calledBy = ({ name, email }: Pick<MemberView, 'name' | 'email'>, nameless: string): string =>
  name ?? email ?? nameless

type TeamPageProps = Reader & {
  readonly membership: Membership
  readonly members: readonly MemberView[]
  readonly invited: readonly Invitation[]
  readonly who: Principal
  readonly csrf: string
  readonly mail: boolean
  readonly status?: string | undefined
  /** An invitation that was refused: what was entered, and why. */
  readonly refused?: { readonly email: string; readonly role: TeamRole; readonly error: string } | undefined
}

/** A team: its members, its invitations, and what the viewer may do. */
export function TeamPage(props: TeamPageProps): VNode {
  const { membership, members, invited, who, csrf, mail, status, refused, ...reader } = props
  const { teams: say } = reader.say
  const { team, role } = membership
  const page = teamPage(team.id)
  const mayI = (act: Act): boolean => may(role, act)
  return (
    <Layout
      {...reader}
      title={team.name}
      signedIn={csrf}
      status={status}
      refused={refusalOf('email', refused?.error, true)}
    >
      <Facts
        of={[
          [say.role, say.roles[role]],
          [say.since, <Time key="since" {...reader} at={team.createdAt} />],
        ]}
      />
      <p class="actions">
        <a class="button" href={`${page}/integrations`}>
          {say.integrations}
        </a>
      </p>
      <section aria-labelledby="members">
        <h2 id="members">{say.members}</h2>
        <ul class="entries">
          {members.map((member) => (
            <li key={member.accountId}>
              <MemberEntry {...reader} {...{ member, role, page, csrf }} own={member.accountId === who.accountId} />
            </li>
          ))}
        </ul>
      </section>
      {mayI('invite') ? (
        <section aria-labelledby="invite">
          <h2 id="invite">{say.invite}</h2>
          <InviteForm {...reader} {...{ role, page, csrf, mail, refused }} proven={who.account.emailVerified} />
        </section>
      ) : null}
      {invited.length === 0 ? null : (
        <section aria-labelledby="invited">
          <h2 id="invited">{say.invited}</h2>
          <ul class="entries">
            {invited.map(({ id, email, role: offered, expiresAt }) => (
              <li key={id}>
                <h3>{email}</h3>
                <Facts
                  of={[
                    [say.role, say.roles[offered]],
                    [say.until, <Time key="until" {...reader} at={expiresAt} exact />],
                  ]}
                />
                {mayGive(role, offered) ? (
                  <div class="actions">
                    <Form action={`${page}/invitations/${id}/withdraw`} csrf={csrf}>
                      <button type="submit">
                        {say.withdraw}
                        <Unseen> ({email})</Unseen>
                      </button>
                    </Form>
                  </div>
                ) : null}
              </li>
            ))}
          </ul>
        </section>
      )}
      {mayI('rename') ? (
        <section aria-labelledby="rename">
          <h2 id="rename">{say.rename}</h2>
          <Form action={`${page}/name`} csrf={csrf}>
            <Field name="name" label={say.name} autocomplete="off" value={team.name} maxlength={80}>
              <button type="submit">{say.save}</button>
            </Field>
          </Form>
        </section>
      ) : null}
      <section aria-labelledby="leave">
        <h2 id="leave">{say.leave}</h2>
        {role === 'owner' && members.filter((one) => one.role === 'owner').length === 1 ? (
          <p>{say.lastOwner}</p>
        ) : (
          <p class="actions">
            <a class="button" href={`${page}/members/${who.accountId}/remove`}>
              {say.leaveStart}
            </a>
          </p>
        )}
      </section>
      {mayI('delete') ? (
        <section aria-labelledby="delete">
          <h2 id="delete">{say.delete}</h2>
          <p>{say.deleteIntro}</p>
          <p class="actions">
            <a class="button danger" href={`${page}/delete`}>
              {say.deleteStart}
            </a>
          </p>
        </section>
      ) : null}
      <p class="actions">
        <a class="button" href="/account/teams">
          {say.back}
        </a>
      </p>
    </Layout>
  )
}

type OfTeam = Reader & { readonly role: TeamRole; readonly page: string; readonly csrf: string }

function MemberEntry({
  member,
  own,
  role,
  page,
  csrf,
  ...reader
}: OfTeam & { member: MemberView; own: boolean }): VNode {
  const { teams: say } = reader.say
  const name = calledBy(member, say.nameless)
  const mine = mayGive(role, member.role)
  return (
    <>
      <h3>
        {name}
        {own ? <span class="mark">{say.you}</span> : null}
      </h3>
      <Facts
        of={[
          [say.role, say.roles[member.role]],
          member.email === null || member.email === name ? null : [reader.say.profile.email, member.email],
          [say.joined, <Time key="joined" {...reader} at={member.joinedAt} />],
        ]}
      />
      {mine ? (
        <details>
          <summary>
            {say.changeRole}
            <Unseen> ({name})</Unseen>
          </summary>
          <Form action={`${page}/members/${member.accountId}/role`} csrf={csrf}>
            <RoleField {...reader} id={`role-${member.accountId}`} by={role} chosen={member.role}>
              {say.saveRole}
            </RoleField>
          </Form>
        </details>
      ) : null}
      {mine && !own ? (
        <p class="actions">
          <a class="button" href={`${page}/members/${member.accountId}/remove`}>
            {say.remove}
            <Unseen> ({name})</Unseen>
          </a>
        </p>
      ) : null}
    </>
  )
}

type RoleFieldProps = Reader & {
  readonly id: string
  readonly by: TeamRole
  readonly chosen: TeamRole
  /** The button, if the form has no other field. */
  readonly children?: string
}
const RoleField = ({ id, by, chosen, children, say: { teams: say } }: RoleFieldProps): VNode => (
  <div class="field">
    <label for={id}>{say.role}</label>
    <div>
      <select id={id} name="role">
        {teamRoles
          .filter((role) => mayGive(by, role))
          .map((role) => (
            <option key={role} value={role} selected={role === chosen}>
              {say.roles[role]}
            </option>
          ))}
      </select>
      {children === undefined ? null : <button type="submit">{children}</button>}
    </div>
  </div>
)

type InviteFormProps = OfTeam & Pick<TeamPageProps, 'mail' | 'refused'> & { readonly proven: boolean }

function InviteForm({ role, page, csrf, mail, proven, refused, ...reader }: InviteFormProps): VNode {
  const { teams: say, mail: letters } = reader.say
  if (!mail) return <p>{letters.account.off}</p>
  if (!proven)
    return (
      <>
        <p>{say.proveFirst}</p>
        <p class="actions">
          <a class="button" href="/account/email">
            {reader.say.security.email}
          </a>
        </p>
      </>
    )
  return (
    <>
      <p>{say.inviteIntro}</p>
      <Form action={`${page}/invitations`} csrf={csrf}>
        <Field
          name="email"
          type="email"
          label={letters.address}
          autocomplete="off"
          maxlength={320}
          value={refused?.email}
        />
        <RoleField {...reader} id="invite-role" by={role} chosen={refused?.role ?? 'member'} />
        <Submit>{say.send}</Submit>
      </Form>
    </>
  )
}
