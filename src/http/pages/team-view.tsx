import type { VNode } from 'preact'
import { type Act, may, mayGive, teamRoles } from '../../teams/policy.ts'
import type { Invitation, Membership, MemberView, TeamRole } from '../../teams/ports.ts'
import type { Principal } from '../route.ts'
import { Ask, Disclosure } from './ask.tsx'
import { Field, Submit } from './field.tsx'
import { FoldedRows } from './folded-rows.tsx'
import { Form, Layout, type Reader, Time, Unseen } from './layout.tsx'
import { refusalOf, useIsRefused } from './refusal.tsx'
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
  const isLastOwner = role === 'owner' && members.filter((one) => one.role === 'owner').length === 1
  return (
    <Layout
      {...reader}
      title={team.name}
      signedIn={csrf}
      status={status}
      refused={refusalOf('email', refused?.error, true)}
    >
      <p class="lead">
        {say.role}: {say.roles[role]} · {say.since} <Time {...reader} at={team.createdAt} />
      </p>
      <section class="panel" aria-labelledby="members">
        <header>
          <h2 id="members">{say.members}</h2>
          <a class="button" href={`${page}/integrations`}>
            {say.integrations}
          </a>
        </header>
        <FoldedRows more={say.moreMembers} around={`${page}/members`}>
          {members.map((member) => (
            <MemberRow
              key={member.accountId}
              {...reader}
              {...{ member, role, page, csrf }}
              own={member.accountId === who.accountId}
            />
          ))}
        </FoldedRows>
      </section>
      {mayI('invite') ? (
        <section class="panel" aria-labelledby="invite">
          <h2 id="invite">{say.invite}</h2>
          <InviteForm {...reader} {...{ role, page, csrf, mail, refused }} proven={who.account.emailVerified} />
        </section>
      ) : null}
      {invited.length === 0 ? null : (
        <section class="panel" aria-labelledby="invited">
          <h2 id="invited">{say.invited}</h2>
          <FoldedRows more={say.moreInvited} around={`${page}/invitations`}>
            {invited.map((invitation) => (
              <InvitationRow key={invitation.id} {...reader} {...{ invitation, role, page, csrf }} />
            ))}
          </FoldedRows>
        </section>
      )}
      <Settings
        {...reader}
        {...{ team, role, page, csrf }}
        leave={isLastOwner ? null : `${page}/members/${who.accountId}/remove`}
      />
      <p class="actions">
        <a class="button" href="/account/teams">
          {say.back}
        </a>
      </p>
    </Layout>
  )
}

type OfTeam = Reader & { readonly role: TeamRole; readonly page: string; readonly csrf: string }

type SettingsProps = OfTeam & {
  readonly team: Membership['team']
  /** Where the viewer leaves the team; `null` for its only owner. */
  readonly leave: string | null
}

/** What is rarely needed: the name of the team, and how it ends for the viewer or for everyone. */
function Settings({ team, role, page, csrf, leave, ...reader }: SettingsProps): VNode {
  const { teams: say } = reader.say
  return (
    <details class="panel" open={useIsRefused(`${page}/name`)}>
      <summary>
        <h2>{say.settings}</h2>
      </summary>
      <ul class="rows">
        {may(role, 'rename') ? (
          <li class="tight">
            <h3>{say.name}</h3>
            <div class="actions">
              <Disclosure label={say.renameStart} about={team.name} around={`${page}/name`}>
                <Form action={`${page}/name`} csrf={csrf}>
                  <Field name="name" label={say.name} autocomplete="off" value={team.name} maxlength={80}>
                    <button type="submit">{say.save}</button>
                  </Field>
                </Form>
              </Disclosure>
            </div>
          </li>
        ) : null}
        <li class="tight">
          <div>
            <h3>{say.leave}</h3>
            {leave === null ? <p class="fine">{say.lastOwner}</p> : null}
          </div>
          {leave === null ? null : (
            <div class="actions">
              <a class="button" href={leave}>
                {say.leaveStart}
              </a>
            </div>
          )}
        </li>
        {may(role, 'delete') ? (
          <li class="tight">
            <h3>{say.delete}</h3>
            <div class="actions">
              <a class="button danger" href={`${page}/delete`}>
                {say.deleteStart}
              </a>
            </div>
          </li>
        ) : null}
      </ul>
    </details>
  )
}

/** A member, their role, and what the viewer may do about them. */
function MemberRow({ member, own, role, page, csrf, ...reader }: OfTeam & { member: MemberView; own: boolean }): VNode {
  const { teams: say, ways } = reader.say
  const name = calledBy(member, say.nameless)
  const ofMember = `${page}/members/${member.accountId}`
  return (
    <li class="tight">
      <div>
        <h3>
          {name} <span class="badge">{say.roles[member.role]}</span> {own ? <span class="badge">{say.you}</span> : null}
        </h3>
        <p class="fine">
          {member.email === null || member.email === name ? null : `${member.email} · `}
          {say.joined} <Time {...reader} at={member.joinedAt} />
        </p>
      </div>
      {mayGive(role, member.role) ? (
        <div class="actions">
          <Disclosure label={ways.manage} about={name} around={ofMember}>
            <Form action={`${ofMember}/role`} csrf={csrf}>
              <RoleField {...reader} id={`role-${member.accountId}`} by={role} chosen={member.role}>
                {say.saveRole}
              </RoleField>
            </Form>
            {own ? null : (
              <p class="actions">
                <a class="button danger" href={`${ofMember}/remove`}>
                  {say.remove}
                  <Unseen> ({name})</Unseen>
                </a>
              </p>
            )}
          </Disclosure>
        </div>
      ) : null}
    </li>
  )
}

function InvitationRow({ invitation, role, page, csrf, ...reader }: OfTeam & { invitation: Invitation }): VNode {
  const { teams: say } = reader.say
  const { id, email, role: offered, expiresAt } = invitation
  return (
    <li class="tight">
      <div>
        <h3>
          {email} <span class="badge">{say.roles[offered]}</span>
        </h3>
        <p class="fine">
          {say.until} <Time {...reader} at={expiresAt} exact />
        </p>
      </div>
      {mayGive(role, offered) ? (
        <div class="actions">
          <Ask
            action={`${page}/invitations/${id}/withdraw`}
            csrf={csrf}
            label={say.withdrawStart}
            about={email}
            what={say.withdrawWhat(email)}
            yes={say.withdraw}
          />
        </div>
      ) : null}
    </li>
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
    <Form action={`${page}/invitations`} csrf={csrf}>
      <p class="fine">{say.inviteIntro}</p>
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
  )
}
