import type { VNode } from 'preact'
import { z } from 'zod'
import { catalogue, fail, message } from '../../errors/catalogue.ts'
import type { InviteToTeamCode } from '../../flows/invite-to-team.ts'
import { readEmail } from '../../kernel/email.ts'
import { ok } from '../../kernel/result.ts'
import { may, mayGive, teamRoles } from '../../teams/policy.ts'
import type { TeamRefusal } from '../../teams/ports.ts'
import type { MemberCode } from '../../teams/teams.ts'
import { isRecent } from '../principal.ts'
import { seeOther } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import { addressText, idParams, invitationParams, memberParams, teamName } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { Form, Layout, type Reader, readerOf, SignInAgain, show } from './layout.tsx'
import { doneAt, doneQuery, statusOf } from './status.ts'
import { calledBy, TeamPage } from './team-view.tsx'
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
  body: object({ role: z.enum(teamRoles).describe('The new role') }),
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
  body: object({ email: addressText, role: z.enum(teamRoles).describe('The role the person gets') }),
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
  async handle({ who, params, locale, csrfToken }, { teams, clock, settings }: Services) {
    const found = await teams.allowed(who.accountId, params.id, 'delete')
    if (!found.ok) return found
    const { team } = found.value
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
        recent={isRecent(who, clock(), settings.recentAuthSeconds)}
      />,
    )
  },
})

const remove = route({
  ...writing,
  path: '/account/teams/:id/delete',
  summary: 'Delete a team, with its members, invitations and connections',
  auth: 'recent',
  params: idParams,
  fails: refusals,
  async handle({ who, params, origin }, { teams }: Services) {
    const done = await teams.remove({ teamId: params.id, by: who.accountId }, origin)
    return done.ok ? ok(seeOther(doneAt('/account/teams', 'team_deleted'))) : done
  },
})

export const teamPageRoutes = [view, rename, setRole, askLeave, leave, invite, withdraw, askDelete, remove]

type AskProps = Reader & {
  readonly title: string
  readonly texts: readonly string[]
  readonly button: string
  readonly action: string
  readonly back: string
  readonly csrf: string
  /** Whether what needs a recent sign-in may be done; `true` for what needs none. */
  readonly recent?: boolean
}
/** Asks before something is done, on the page whose form does it. */
const Ask = ({ title, texts, button, action, back, csrf, recent = true, ...reader }: AskProps): VNode => (
  <Layout {...reader} title={title} signedIn={csrf}>
    {texts.map((text) => (
      <p key={text}>{text}</p>
    ))}
    <div class="actions">
      {recent ? (
        <Form action={action} csrf={csrf}>
          <button type="submit" class="danger">
            {button}
          </button>
        </Form>
      ) : (
        <SignInAgain {...reader} returnTo={action} />
      )}
      <a class="button" href={back}>
        {reader.say.cancel}
      </a>
    </div>
  </Layout>
)
