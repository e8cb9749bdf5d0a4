import { z } from 'zod'
import type { InviteToTeamCode } from '../../flows/invite-to-team.ts'
import { maskEmail, readEmail } from '../../kernel/email.ts'
import { ok } from '../../kernel/result.ts'
import type { AcceptCode } from '../../teams/invitations.ts'
import { teamRoles } from '../../teams/policy.ts'
import type { Invitation, Membership, MemberView, TeamRefusal } from '../../teams/ports.ts'
import type { MemberCode } from '../../teams/teams.ts'
import { faulty } from '../problem.ts'
import { json, noContent } from '../reply.ts'
import { object, route } from '../route.ts'
import { addressText, idParams, invitationParams, memberParams, secretText, teamName, time } from '../schemas.ts'
import type { Services } from '../services.ts'

/** Teams, who is in them and who is asked to join: for whoever is in them. To a stranger none of it exists. */
const common = { tag: 'Teams', surface: 'api', auth: 'user', limit: 'account' } as const
const refusals = ['team_not_found', 'team_role_required'] satisfies TeamRefusal[]

const Team = z
  .object({
    id: z.string(),
    name: z.string(),
    role: z.enum(teamRoles).meta({ description: 'of whoever asks' }),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Team' })
const teamOf = ({ team, role }: Membership): z.input<typeof Team> => ({
  id: team.id,
  name: team.name,
  role,
  created_at: team.createdAt.toISOString(),
  updated_at: team.updatedAt.toISOString(),
})

const list = route({
  ...common,
  method: 'get',
  path: '/teams',
  summary: 'The teams I am in, the oldest membership first',
  reply: z.array(Team.extend({ members: z.number().int() }).meta({ id: 'ListedTeam' })),
  fails: [],
  async handle({ who }, { teams }: Services) {
    const all = await teams.list(who.accountId)
    return ok(json(all.map((one) => ({ ...teamOf(one), members: one.members }))))
  },
})

export const create = route({
  ...common,
  method: 'post',
  path: '/teams',
  summary: 'Create a team; whoever does is its owner',
  body: object({ name: teamName }),
  reply: Team,
  status: 201,
  fails: ['team_limit_reached'],
  async handle({ who, body, origin }, { teams }: Services) {
    const made = await teams.create(who.accountId, body.name, origin)
    return made.ok ? ok(json(teamOf(made.value))) : made
  },
})

const read = route({
  ...common,
  method: 'get',
  path: '/teams/:id',
  summary: 'One of my teams',
  params: idParams,
  reply: Team,
  fails: ['team_not_found'],
  async handle({ who, params }, { teams }: Services) {
    const found = await teams.get(who.accountId, params.id)
    return found.ok ? ok(json(teamOf(found.value))) : found
  },
})

export const rename = route({
  ...common,
  method: 'patch',
  path: '/teams/:id',
  summary: 'Call a team by another name; owners and admins',
  params: idParams,
  body: object({ name: teamName }),
  reply: Team,
  fails: refusals,
  async handle({ who, params, body, origin }, { teams }: Services) {
    const done = await teams.rename({ teamId: params.id, by: who.accountId }, body.name, origin)
    return done.ok ? ok(json(teamOf(done.value))) : done
  },
})

export const remove = route({
  ...common,
  method: 'delete',
  path: '/teams/:id',
  summary: 'Delete a team with its members, invitations and connections; what it was granted is revoked. Owners',
  auth: 'recent',
  params: idParams,
  status: 204,
  fails: refusals,
  async handle({ who, params, origin }, { teams }: Services) {
    const done = await teams.remove({ teamId: params.id, by: who.accountId }, origin)
    return done.ok ? ok(noContent()) : done
  },
})

const Member = z
  .object({
    user_id: z.string(),
    name: z.string().nullable(),
    email: z.string().nullable().meta({ description: 'only when it is verified' }),
    picture: z.string().nullable(),
    role: z.enum(teamRoles),
    joined_at: time,
  })
  .meta({ id: 'TeamMember' })
const memberOf = ({ accountId, name, email, picture, role, joinedAt }: MemberView): z.input<typeof Member> => ({
  user_id: accountId,
  name,
  email,
  picture,
  role,
  joined_at: joinedAt.toISOString(),
})

const members = route({
  ...common,
  method: 'get',
  path: '/teams/:id/members',
  summary: 'Who is in a team, the longest-standing first',
  params: idParams,
  reply: z.array(Member),
  fails: ['team_not_found'],
  async handle({ who, params }, { teams }: Services) {
    const all = await teams.members(who.accountId, params.id)
    return all.ok ? ok(json(all.value.map(memberOf))) : all
  },
})

const memberCodes = [...refusals, 'member_not_found', 'last_owner'] satisfies MemberCode[]

export const setRole = route({
  ...common,
  method: 'patch',
  path: '/teams/:id/members/:user_id',
  summary: 'Give a member another role; owners, and admins where neither role is an owner’s',
  params: memberParams,
  body: object({ role: z.enum(teamRoles) }),
  reply: Member,
  fails: memberCodes,
  async handle({ who, params, body, origin }, { teams }: Services) {
    const act = { teamId: params.id, by: who.accountId, accountId: params.user_id }
    const done = await teams.setRole(act, body.role, origin)
    return done.ok ? ok(json(memberOf(done.value))) : done
  },
})

export const leave = route({
  ...common,
  method: 'delete',
  path: '/teams/:id/members/:user_id',
  summary: 'Leave a team, or take somebody out of it: owners, and admins where it is no owner',
  params: memberParams,
  status: 204,
  fails: memberCodes,
  async handle({ who, params, origin }, { teams }: Services) {
    const done = await teams.leave({ teamId: params.id, by: who.accountId, accountId: params.user_id }, origin)
    return done.ok ? ok(noContent()) : done
  },
})

const Invited = z
  .object({
    id: z.string(),
    email: z.string(),
    role: z.enum(teamRoles),
    invited_by: z.string().nullable(),
    created_at: time,
    expires_at: time,
  })
  .meta({ id: 'TeamInvitation' })
const invitationOf = ({ id, email, role, invitedBy, createdAt, expiresAt }: Invitation): z.input<typeof Invited> => ({
  id,
  email,
  role,
  invited_by: invitedBy,
  created_at: createdAt.toISOString(),
  expires_at: expiresAt.toISOString(),
})

const listInvitations = route({
  ...common,
  method: 'get',
  path: '/teams/:id/invitations',
  summary: 'The open invitations to a team, the newest first; owners and admins',
  params: idParams,
  reply: z.array(Invited),
  fails: refusals,
  async handle({ who, params }, { invitations }: Services) {
    const all = await invitations.list(who.accountId, params.id)
    return all.ok ? ok(json(all.value.map(invitationOf))) : all
  },
})

export const invite = route({
  ...common,
  method: 'post',
  path: '/teams/:id/invitations',
  summary: 'Invite somebody by e-mail, in the place of an earlier invitation to the address; owners and admins',
  params: idParams,
  body: object({ email: addressText, role: z.enum(teamRoles).default('member') }),
  reply: Invited,
  status: 201,
  fails: [
    ...refusals,
    'already_member',
    'team_limit_reached',
    'mail_not_configured',
    'email_unverified',
    'rate_limited',
    'invalid_request',
  ] satisfies (InviteToTeamCode | 'invalid_request')[],
  async handle({ who, params, body, origin }, { flows }: Services) {
    const email = readEmail(body.email)
    if (!email) return faulty('email', 'invalid_format')
    const done = await flows.inviteToTeam(who.account, params.id, { email, role: body.role }, origin)
    return done.ok ? ok(json(invitationOf(done.value))) : done
  },
})

export const withdraw = route({
  ...common,
  method: 'delete',
  path: '/teams/:id/invitations/:invitation_id',
  summary: 'Withdraw an invitation; owners, and admins where it is not to be an owner',
  params: invitationParams,
  status: 204,
  fails: [...refusals, 'invitation_not_found'],
  async handle({ who, params, origin }, { invitations }: Services) {
    const asked = { teamId: params.id, by: who.accountId, id: params.invitation_id }
    const done = await invitations.withdraw(asked, origin)
    return done.ok ? ok(noContent()) : done
  },
})

const token = secretText.meta({ description: 'what the link in the letter brings as `ticket`' })

const look = route({
  ...common,
  method: 'post',
  path: '/invitations/lookup',
  summary: 'What an invitation is to; looking uses nothing up',
  body: object({ token }),
  reply: z
    .object({
      team: z.object({ id: z.string(), name: z.string() }),
      role: z.enum(teamRoles),
      email: z.string().meta({ description: 'where it was sent, masked' }),
      invited_by: z.string().nullable().meta({ description: 'the address of whoever sent it, or their name' }),
      expires_at: time,
      joined: z.boolean().meta({ description: 'whether whoever asks is in the team already' }),
    })
    .meta({ id: 'OpenedInvitation' }),
  fails: ['invitation_not_found'],
  async handle({ who, body }, { invitations }: Services) {
    const found = await invitations.look(body.token, who.accountId)
    if (!found.ok) return found
    const { invitation, team, inviter, joined } = found.value
    return ok(
      json({
        team: { id: team.id, name: team.name },
        role: invitation.role,
        email: maskEmail(invitation.email),
        invited_by: inviter,
        joined,
        expires_at: invitation.expiresAt.toISOString(),
      }),
    )
  },
})

export const accept = route({
  ...common,
  method: 'post',
  path: '/invitations/accept',
  limit: 'sign_in',
  summary: 'Join a team with an invitation, once, as whoever is signed in',
  body: object({ token }),
  reply: Team,
  fails: ['invitation_not_found', 'already_member', 'team_limit_reached'] satisfies AcceptCode[],
  async handle({ who, body, origin }, { invitations }: Services) {
    const joined = await invitations.accept(body.token, who.accountId, origin)
    return joined.ok ? ok(json(teamOf(joined.value))) : joined
  },
})

export const teamRoutes = [
  list,
  create,
  read,
  rename,
  remove,
  members,
  setRole,
  leave,
  listInvitations,
  invite,
  withdraw,
  look,
  accept,
]
