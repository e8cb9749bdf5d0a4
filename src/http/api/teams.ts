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
import {
  addressText,
  emailedTicket,
  invitationParams,
  memberParams,
  teamName,
  teamParams,
  time,
} from '../schemas/fields.ts'
import type { Services } from '../services.ts'

/** Teams, their members and invitations, for members only. To others, a team does not exist. */
const common = { tag: 'Teams', surface: 'api', auth: 'user', limit: 'account' } as const
const refusals = ['team_not_found', 'team_role_required'] satisfies TeamRefusal[]

const TeamRole = z.enum(teamRoles).meta({ id: 'TeamRole', description: 'A role in a team' })

const Team = z
  .object({
    id: z.string().describe('The team ID'),
    name: z.string().describe('The name of the team'),
    role: TeamRole.describe('The role of the caller in the team'),
    created_at: time.describe('When the team was created'),
    updated_at: time.describe('When the team was last changed'),
  })
  .meta({ id: 'Team', description: 'A team, as the caller sees it' })
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
  summary: 'List teams',
  description: 'The teams the caller is a member of, oldest membership first.',
  example: {
    response: [
      {
        id: 'team_00000001',
        name: 'Support',
        role: 'owner',
        created_at: '2026-01-08T10:00:00.000Z',
        updated_at: '2026-01-08T10:00:00.000Z',
        members: 3,
      },
    ],
  },
  reply: () =>
    z.array(
      Team.extend({ members: z.number().int().describe('How many members the team has') }).meta({
        id: 'ListedTeam',
        description: 'A team and its size',
      }),
    ),
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
  summary: 'Create a team',
  description: 'Creates a team. The caller becomes its owner.',
  body: object({ name: teamName }),
  reply: () => Team,
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
  summary: 'Get a team',
  description: 'A team the caller is a member of.',
  example: {
    response: {
      id: 'team_00000001',
      name: 'Support',
      role: 'owner',
      created_at: '2026-01-08T10:00:00.000Z',
      updated_at: '2026-01-08T10:00:00.000Z',
    },
  },
  params: teamParams,
  reply: () => Team,
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
  summary: 'Rename a team',
  description: 'Changes the name of a team. Owners and admins only.',
  example: {
    request: { name: 'Customer support' },
    response: {
      id: 'team_00000001',
      name: 'Customer support',
      role: 'owner',
      created_at: '2026-01-08T10:00:00.000Z',
      updated_at: '2026-01-08T10:00:00.000Z',
    },
  },
  params: teamParams,
  body: object({ name: teamName }),
  reply: () => Team,
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
  summary: 'Delete a team',
  description:
    'Deletes a team with its members, invitations and connections. Its permissions are revoked at the provider. Owners only.',
  auth: 'recent',
  params: teamParams,
  status: 204,
  fails: refusals,
  async handle({ who, params, origin }, { teams }: Services) {
    const done = await teams.remove({ teamId: params.id, by: who.accountId }, origin)
    return done.ok ? ok(noContent()) : done
  },
})

const Member = z
  .object({
    user_id: z.string().describe('The account ID of the member'),
    name: z.string().nullable().describe('The display name'),
    email: z.string().nullable().describe('The email address; null unless it is verified'),
    picture: z.string().nullable().describe('The URL of the picture'),
    role: TeamRole,
    joined_at: time.describe('When the member joined'),
  })
  .meta({ id: 'TeamMember', description: 'A member of a team' })
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
  summary: 'List team members',
  description: 'The members of a team, oldest membership first.',
  example: {
    response: [
      {
        user_id: 'usr_00000001',
        name: 'Pat',
        email: 'pat@example.com',
        picture: null,
        role: 'admin',
        joined_at: '2026-01-08T10:00:00.000Z',
      },
    ],
  },
  params: teamParams,
  reply: () => z.array(Member),
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
  summary: 'Change a member role',
  description: 'Changes the role of a member. Admins cannot give or change the role of an owner.',
  example: {
    request: { role: 'admin' },
    response: {
      user_id: 'usr_00000001',
      name: 'Pat',
      email: 'pat@example.com',
      picture: null,
      role: 'admin',
      joined_at: '2026-01-08T10:00:00.000Z',
    },
  },
  params: memberParams,
  body: object({ role: TeamRole }),
  reply: () => Member,
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
  summary: 'Remove a member or leave a team',
  description: 'Removes a member, or the caller. Admins cannot remove an owner. The last owner cannot leave.',
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
    id: z.string().describe('The invitation ID'),
    email: z.string().describe('The email address it was sent to'),
    role: TeamRole.describe('The role the person gets'),
    invited_by: z.string().nullable().describe('The account ID of the sender; null if deleted'),
    created_at: time.describe('When it was sent'),
    expires_at: time.describe('When it expires'),
  })
  .meta({ id: 'TeamInvitation', description: 'An open invitation to a team' })
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
  summary: 'List invitations',
  description: 'The open invitations of a team, newest first. Owners and admins only.',
  example: {
    response: [
      {
        id: 'inv_00000001',
        email: 'pat@example.com',
        role: 'member',
        invited_by: 'usr_00000001',
        created_at: '2026-01-08T10:00:00.000Z',
        expires_at: '2026-01-08T10:00:00.000Z',
      },
    ],
  },
  params: teamParams,
  reply: () => z.array(Invited),
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
  summary: 'Invite a person',
  description:
    'Emails an invitation to a team. It replaces an earlier invitation to the same address. Owners and admins only.',
  params: teamParams,
  body: object({ email: addressText, role: TeamRole.default('member').describe('The role the person gets') }),
  reply: () => Invited,
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
  summary: 'Withdraw an invitation',
  description: 'Withdraws an open invitation. Admins cannot withdraw the invitation of an owner.',
  params: invitationParams,
  status: 204,
  fails: [...refusals, 'invitation_not_found'],
  async handle({ who, params, origin }, { invitations }: Services) {
    const asked = { teamId: params.id, by: who.accountId, id: params.invitation_id }
    const done = await invitations.withdraw(asked, origin)
    return done.ok ? ok(noContent()) : done
  },
})

const token = emailedTicket

const look = route({
  ...common,
  method: 'post',
  path: '/invitations/lookup',
  summary: 'Look up an invitation',
  description: 'Shows the team, role and sender of an invitation without accepting it.',
  body: object({ token }),
  reply: () =>
    z
      .object({
        team: z
          .object({
            id: z.string().describe('The team ID'),
            name: z.string().describe('The name of the team'),
          })
          .describe('The team'),
        role: TeamRole.describe('The role the caller would get'),
        email: z.string().describe('The email address it was sent to, masked'),
        invited_by: z.string().nullable().describe('The email address of the sender, or the name'),
        expires_at: time.describe('When it expires'),
        joined: z.boolean().describe('Whether the caller is already a member'),
      })
      .meta({ id: 'OpenedInvitation', description: 'An invitation, as the person who got it sees it' }),
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
  summary: 'Accept an invitation',
  description: 'Joins a team. An invitation works once.',
  body: object({ token }),
  reply: () => Team,
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
