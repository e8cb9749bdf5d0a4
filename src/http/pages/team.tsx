import type { VNode } from 'preact'
import { z } from 'zod'
import { catalogue, fail, message } from '../../errors/catalogue.ts'
import type { InviteToTeamCode } from '../../flows/invite-to-team.ts'
import { readEmail } from '../../kernel/email.ts'
import { ok } from '../../kernel/result.ts'
import { type Act, may, mayGive, teamRoles } from '../../teams/policy.ts'
import type { Invitation, Membership, SeenMember, TeamRefusal, TeamRole } from '../../teams/ports.ts'
import type { MemberCode } from '../../teams/teams.ts'
import { seeOther } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import { addressText, idParams, invitationParams, memberParams, teamName } from '../schemas.ts'
import type { Services } from '../services.ts'
import { Field, Submit } from './field.tsx'
import { Facts, Form, Layout, type Reader, readerOf, show, Time, Unseen } from './layout.tsx'
import { doneAt, doneQuery, statusOf } from './status.ts'
import { teamPage } from './teams.tsx'

const common = { tag: 'Pages', surface: 'browser', auth: 'user', limit: 'account' } as const
const reading = { ...common, method: 'get' } as const
const writing = { ...common, method: 'post', status: 303 } as const
const refusals = ['team_not_found', 'team_role_required'] satisfies TeamRefusal[]
const memberCodes = [...refusals, 'member_not_found', 'last_owner'] satisfies MemberCode[]

/** Everything the page shows, or that there is no such team for whoever asks. */
async function gather(who: Principal, teamId: string, { teams, invitations }: Services) {
  const [found, members] = await Promise.all([teams.get(who.accountId, teamId), teams.members(who.accountId, teamId)])
  if (!found.ok) return found
  if (!members.ok) return members
  const invited = may(found.value.role, 'invite') ? await invitations.list(who.accountId, teamId) : undefined
  return ok({ membership: found.value, members: members.value, invited: invited?.ok ? invited.value : [] })
}

const view = route({
  ...reading,
  path: '/account/teams/:id',
  summary: 'A team of mine: who is in it, who is invited, and what I may do',
  params: idParams,
  query: doneQuery,
  fails: ['team_not_found'],
  async handle({ who, params, query, locale, csrfToken }, services: Services) {
    const found = await gather(who, params.id, services)
    if (!found.ok) return found
    const status = statusOf(query.done, locale)
    const of = { ...found.value, who, csrf: csrfToken(), mail: services.settings.mail, status }
    return show(locale, <TeamPage {...readerOf(locale)} {...of} />)
  },
})

const rename = route({
  ...writing,
  path: '/account/teams/:id/name',
  summary: 'Call a team by another name',
  params: idParams,
  body: object({ name: teamName }),
  fails: refusals,
  async handle({ who, params, body, origin }, { teams }: Services) {
    const done = await teams.rename({ teamId: params.id, by: who.accountId }, body.name, origin)
    return done.ok ? ok(seeOther(doneAt(teamPage(params.id), 'team_renamed'))) : done
  },
})

const setRole = route({
  ...writing,
  path: '/account/teams/:id/members/:user_id/role',
  summary: 'Give a member another role',
  params: memberParams,
  body: object({ role: z.enum(teamRoles) }),
  fails: memberCodes,
  async handle({ who, params, body, origin }, { teams }: Services) {
    const act = { teamId: params.id, by: who.accountId, accountId: params.user_id }
    const done = await teams.setRole(act, body.role, origin)
    return done.ok ? ok(seeOther(doneAt(teamPage(params.id), 'team_role_changed'))) : done
  },
})

const askLeave = route({
  ...reading,
  path: '/account/teams/:id/members/:user_id/remove',
  summary: 'Ask before I leave a team, or take somebody out of it',
  params: memberParams,
  fails: memberCodes,
  async handle({ who, params, locale, csrfToken }, services: Services) {
    const found = await gather(who, params.id, services)
    if (!found.ok) return found
    const { membership, members } = found.value
    const { team, role } = membership
    const member = members.find(({ accountId }) => accountId === params.user_id)
    if (!member) return fail('member_not_found')
    const own = member.accountId === who.accountId
    if (!own && !mayGive(role, member.role)) return fail('team_role_required')
    const reader = readerOf(locale)
    const { teams: say } = reader.say
    const name = calledBy(member, say.nameless)
    const { connectedBy } = (await services.flows.jira.see(team.id)).view
    const withIt = connectedBy === member.accountId ? [own ? reader.say.jira.youLeave : reader.say.jira.theyLeave] : []
    return show(
      locale,
      <Ask
        {...reader}
        title={own ? say.leaveTitle(team.name) : say.removeTitle(name, team.name)}
        texts={[own ? say.leaveText : say.removeText, ...withIt]}
        button={own ? say.leaveButton : say.removeButton}
        action={`${teamPage(team.id)}/members/${member.accountId}/remove`}
        back={teamPage(team.id)}
        csrf={csrfToken()}
      />,
    )
  },
})

const leave = route({
  ...writing,
  path: '/account/teams/:id/members/:user_id/remove',
  summary: 'Leave a team, or take somebody out of it',
  params: memberParams,
  fails: memberCodes,
  async handle({ who, params, origin }, { teams }: Services) {
    const act = { teamId: params.id, by: who.accountId, accountId: params.user_id }
    const done = await teams.leave(act, origin)
    if (!done.ok) return done
    return ok(
      seeOther(
        act.by === act.accountId
          ? doneAt('/account/teams', 'team_left')
          : doneAt(teamPage(params.id), 'team_member_removed'),
      ),
    )
  },
})

const invite = route({
  ...writing,
  path: '/account/teams/:id/invitations',
  summary: 'Invite somebody by e-mail',
  params: idParams,
  body: object({ email: addressText, role: z.enum(teamRoles) }),
  also: ['page'],
  fails: [
    ...refusals,
    'already_member',
    'team_limit_reached',
    'mail_not_configured',
    'email_unverified',
    'rate_limited',
  ] satisfies InviteToTeamCode[],
  async handle({ who, params, body, origin, locale, csrfToken }, services: Services) {
    const email = readEmail(body.email)
    const done = email
      ? await services.flows.inviteToTeam(who.account, params.id, { email, role: body.role }, origin)
      : undefined
    if (done?.ok) return ok(seeOther(doneAt(teamPage(params.id), 'team_invited')))
    // What can be mended in the form is told at its field.
    if (done && done.error.code !== 'already_member' && done.error.code !== 'rate_limited') return done
    const found = await gather(who, params.id, services)
    if (!found.ok) return found
    const reader = readerOf(locale)
    const error = done ? message(done.error, locale).detail : reader.say.mail.notAnAddress
    const of = { ...found.value, who, csrf: csrfToken(), mail: services.settings.mail }
    return show(locale, <TeamPage {...reader} {...of} refused={{ ...body, error }} />, {
      status: done ? catalogue[done.error.code].status : 400,
      ...(done?.error.retryAfter === undefined ? {} : { headers: { 'Retry-After': String(done.error.retryAfter) } }),
    })
  },
})

const withdraw = route({
  ...writing,
  path: '/account/teams/:id/invitations/:invitation_id/withdraw',
  summary: 'Withdraw an invitation',
  params: invitationParams,
  fails: [...refusals, 'invitation_not_found'],
  async handle({ who, params, origin }, { invitations }: Services) {
    const asked = { teamId: params.id, by: who.accountId, id: params.invitation_id }
    const done = await invitations.withdraw(asked, origin)
    return done.ok ? ok(seeOther(doneAt(teamPage(params.id), 'team_invitation_withdrawn'))) : done
  },
})

const askDelete = route({
  ...reading,
  path: '/account/teams/:id/delete',
  summary: 'Ask before a team is deleted',
  params: idParams,
  fails: refusals,
  async handle({ who, params, locale, csrfToken }, { teams }: Services) {
    const found = await teams.get(who.accountId, params.id)
    if (!found.ok) return found
    const { team, role } = found.value
    if (!may(role, 'delete')) return fail('team_role_required')
    const reader = readerOf(locale)
    const { teams: say } = reader.say
    return show(
      locale,
      <Ask
        {...reader}
        title={say.deleteTitle(team.name)}
        texts={[say.deleteText]}
        button={say.deleteButton}
        action={`${teamPage(team.id)}/delete`}
        back={teamPage(team.id)}
        csrf={csrfToken()}
      />,
    )
  },
})

const remove = route({
  ...writing,
  path: '/account/teams/:id/delete',
  summary: 'Delete a team, with its members, invitations and connections',
  params: idParams,
  fails: refusals,
  async handle({ who, params, origin }, { teams }: Services) {
    const done = await teams.remove({ teamId: params.id, by: who.accountId }, origin)
    return done.ok ? ok(seeOther(doneAt('/account/teams', 'team_deleted'))) : done
  },
})

export const teamPageRoutes = [view, rename, setRole, askLeave, leave, invite, withdraw, askDelete, remove]

const calledBy = ({ name, email }: Pick<SeenMember, 'name' | 'email'>, nameless: string): string =>
  name ?? email ?? nameless

type AskProps = Reader & {
  readonly title: string
  readonly texts: readonly string[]
  readonly button: string
  readonly action: string
  readonly back: string
  readonly csrf: string
}
const Ask = ({ title, texts, button, action, back, csrf, ...reader }: AskProps): VNode => (
  <Layout {...reader} title={title} signedIn={csrf}>
    {texts.map((text) => (
      <p key={text}>{text}</p>
    ))}
    <div class="actions">
      <Form action={action} csrf={csrf}>
        <button type="submit" class="danger">
          {button}
        </button>
      </Form>
      <a class="button" href={back}>
        {reader.say.cancel}
      </a>
    </div>
  </Layout>
)

type TeamPageProps = Reader & {
  readonly membership: Membership
  readonly members: readonly SeenMember[]
  readonly invited: readonly Invitation[]
  readonly who: Principal
  readonly csrf: string
  readonly mail: boolean
  readonly status?: string | undefined
  /** An invitation that did not go out: what was typed, and why. */
  readonly refused?: { readonly email: string; readonly role: TeamRole; readonly error: string } | undefined
}

function TeamPage(props: TeamPageProps): VNode {
  const { membership, members, invited, who, csrf, mail, status, refused, ...reader } = props
  const { teams: say } = reader.say
  const { team, role } = membership
  const page = teamPage(team.id)
  const mayI = (act: Act): boolean => may(role, act)
  return (
    <Layout {...reader} title={team.name} signedIn={csrf} scopes={who.scopes} status={status}>
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
                    [say.until, <Time key="until" {...reader} at={expiresAt} />],
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
}: OfTeam & { member: SeenMember; own: boolean }): VNode {
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
  /** Its button, where the form has no other field. */
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
          error={refused?.error}
        />
        <RoleField {...reader} id="invite-role" by={role} chosen={refused?.role ?? 'member'} />
        <Submit>{say.send}</Submit>
      </Form>
    </>
  )
}
