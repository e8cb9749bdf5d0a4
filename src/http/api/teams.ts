import { z } from 'zod'
import { ok } from '../../kernel/result.ts'
import { teamRoles } from '../../teams/policy.ts'
import type { Membership } from '../../teams/ports.ts'
import { json } from '../reply.ts'
import { object, route } from '../route.ts'
import { idParams, teamName, time } from '../schemas.ts'
import type { Services } from '../services.ts'

const common = { tag: 'Teams', surface: 'api', auth: 'user', limit: 'account' } as const

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

const create = route({
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

export const teamRoutes = [list, create, read]
