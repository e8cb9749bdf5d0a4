import type { VNode } from 'preact'
import { catalogue, fail, message } from '../../errors/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import { may, mayGive } from '../../teams/policy.ts'
import type { TeamRefusal } from '../../teams/ports.ts'
import type { MemberCode } from '../../teams/teams.ts'
import { invite, leave, remove, rename, setRole, withdraw } from '../api/teams.ts'
import { formOf } from '../form.ts'
import { isRecent } from '../principal.ts'
import { seeOther } from '../reply.ts'
import { type Principal, route } from '../route.ts'
import { idParams, memberParams } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { Form, Layout, type Reader, readerOf, SignInAgain, show } from './layout.tsx'
import { doneAt, doneMessageOf, doneQuery, type Notice } from './status.ts'
import { calledBy, TeamPage } from './team-view.tsx'
import { teamPage } from './teams.tsx'

const reading = { method: 'get', tag: 'Pages', surface: 'browser', auth: 'user', limit: 'account' } as const
const refusals = ['team_not_found', 'team_role_required'] satisfies TeamRefusal[]
const memberCodes = [...refusals, 'member_not_found', 'last_owner'] satisfies MemberCode[]

/** Redirects to the page of the team, with a notice. */
const backToTeam =
  (done: Notice) =>
  ({ params }: { params: { id: string } }) =>
    seeOther(doneAt(teamPage(params.id), done))

/** Everything the page shows; `team_not_found` for anyone who is not a member. */
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
  summary: 'Show a team: its members, its invitations, and what I may do',
  params: idParams,
  query: doneQuery,
  fails: ['team_not_found'],
  async handle({ who, params, query, locale, csrfToken }, services: Services) {
    const found = await gather(who, params.id, services)
    if (!found.ok) return found
    const status = doneMessageOf(query.done, locale)
    const of = { ...found.value, who, csrf: csrfToken(), mail: services.settings.mail, status }
    return show(locale, <TeamPage {...readerOf(locale)} {...of} />)
  },
})

const renameForm = formOf(rename, {
  path: '/account/teams/:id/name',
  summary: 'Rename a team',
  done: backToTeam('team_renamed'),
})

const roleForm = formOf(setRole, {
  path: '/account/teams/:id/members/:user_id/role',
  summary: 'Change the role of a member',
  done: backToTeam('team_role_changed'),
})

const askLeave = route({
  ...reading,
  path: '/account/teams/:id/members/:user_id/remove',
  summary: 'Ask for confirmation before I leave a team, or remove a member',
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

const leaveForm = formOf(leave, {
  path: '/account/teams/:id/members/:user_id/remove',
  summary: 'Leave a team, or remove a member',
  done: ({ who, params }) =>
    seeOther(
      who.accountId === params.user_id
        ? doneAt('/account/teams', 'team_left')
        : doneAt(teamPage(params.id), 'team_member_removed'),
    ),
})

const inviteForm = formOf(invite, {
  path: '/account/teams/:id/invitations',
  summary: 'Invite a person by email',
  also: ['page'],
  done: backToTeam('team_invited'),
  async failed({ error }, { who, params, body, locale, csrfToken }, services) {
    const { code } = error
    // An error that the form can correct is shown at its field.
    if (code !== 'invalid_request' && code !== 'already_member' && code !== 'rate_limited') return undefined
    const found = await gather(who, params.id, services)
    if (!found.ok) return found
    const reader = readerOf(locale)
    const text = code === 'invalid_request' ? reader.say.mail.notAnAddress : message(error, locale).detail
    const of = { ...found.value, who, csrf: csrfToken(), mail: services.settings.mail }
    return show(locale, <TeamPage {...reader} {...of} refused={{ ...body, error: text }} />, {
      status: catalogue[code].status,
      ...(error.retryAfter === undefined ? {} : { headers: { 'Retry-After': String(error.retryAfter) } }),
    })
  },
})

const withdrawForm = formOf(withdraw, {
  path: '/account/teams/:id/invitations/:invitation_id/withdraw',
  summary: 'Withdraw an invitation',
  done: backToTeam('team_invitation_withdrawn'),
})

const askDelete = route({
  ...reading,
  path: '/account/teams/:id/delete',
  summary: 'Ask for confirmation before a team is deleted',
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

const removeForm = formOf(remove, {
  path: '/account/teams/:id/delete',
  summary: 'Delete a team, with its members, invitations and connections',
  done: () => seeOther(doneAt('/account/teams', 'team_deleted')),
})

export const teamPageRoutes = [
  view,
  renameForm,
  roleForm,
  askLeave,
  leaveForm,
  inviteForm,
  withdrawForm,
  askDelete,
  removeForm,
]

type AskProps = Reader & {
  readonly title: string
  readonly texts: readonly string[]
  readonly button: string
  readonly action: string
  readonly back: string
  readonly csrf: string
  /** Whether the sign-in is recent enough for the act; `true` if the act does not need that. */
  readonly recent?: boolean
}
/** Asks for confirmation. The form on the page does what it asks about. */
const Ask = ({ title, texts, button, action, back, csrf, recent = true, ...reader }: AskProps): VNode => (
  <Layout {...reader} title={title} signedIn={csrf} card>
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
