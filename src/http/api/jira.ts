import { z } from 'zod'
import type { SiteQueues } from '../../flows/read-queues.ts'
import { ok } from '../../kernel/result.ts'
import { json, noContent } from '../reply.ts'
import { object, route } from '../route.ts'
import { redirectUriKey, teamParams, time } from '../schemas/fields.ts'
import { JiraConnection, JiraSiteSchema, jiraConnection, jiraSite, siteFields } from '../schemas/jira.ts'
import { StartedFlow, startedFlow } from '../schemas/sign-in.ts'
import type { Services } from '../services.ts'

const common = { tag: 'Jira', surface: 'api', auth: 'user', limit: 'account', params: teamParams } as const
const path = '/teams/:id/integrations/jira'
export const cloudId = z.string().regex(/^[\w-]{1,64}$/)
const seeFails = ['team_not_found', 'team_role_required', 'jira_not_available'] as const

export const authorize = route({
  ...common,
  method: 'post',
  path: `${path}/authorize`,
  summary: 'Connect a team with Jira',
  description:
    'Starts a consent at Atlassian for the team. Open `authorize_url`, and finish at `POST /auth/atlassian/callback`. Owners and admins only.',
  auth: 'recent',
  limit: 'sign_in',
  body: object({ redirect_uri_key: redirectUriKey.optional() }),
  bodyOptional: true,
  reply: () => StartedFlow,
  fails: [
    ...seeFails,
    'provider_not_found',
    'provider_unavailable',
    'redirect_uri_key_not_found',
    'return_to_not_allowed',
    'invalid_request',
  ],
  async handle({ who, params, body, origin }, { flows }: Services) {
    const { accountId, sessionId } = who
    const how = { redirectUriKey: body.redirect_uri_key, origin }
    const begun = await flows.connectJira.begin({ accountId, sessionId }, params.id, how)
    return begun.ok ? ok(json(startedFlow(begun.value))) : begun
  },
})

const status = route({
  ...common,
  method: 'get',
  path,
  summary: 'Get the Jira connection',
  description: 'The state of the connection of a team with Jira.',
  reply: () => JiraConnection,
  fails: seeFails,
  async handle({ who, params }, { flows }: Services) {
    const view = await flows.jira.status({ teamId: params.id, accountId: who.accountId })
    return view.ok ? ok(json(jiraConnection(view.value))) : view
  },
})

const sites = route({
  ...common,
  method: 'get',
  path: `${path}/sites`,
  summary: 'List Jira sites',
  description: 'The sites the connection reaches or reached, and which of them the team uses.',
  reply: () => z.array(JiraSiteSchema),
  fails: [...seeFails, 'jira_not_connected'],
  async handle({ who, params }, { flows }: Services) {
    const view = await flows.jira.sites({ teamId: params.id, accountId: who.accountId })
    return view.ok ? ok(json(view.value.sites.map(jiraSite))) : view
  },
})

export const choose = route({
  ...common,
  method: 'put',
  path: `${path}/sites`,
  summary: 'Choose Jira sites',
  description: 'Sets the sites the team uses. Sites that are not listed are no longer used.',
  body: object({
    cloud_ids: z.array(cloudId).min(1).max(200).describe('The `cloud_id` of every site the team uses'),
  }),
  reply: () => z.array(JiraSiteSchema),
  fails: [...seeFails, 'jira_not_connected', 'jira_site_not_found'],
  async handle({ who, params, body, origin }, { flows }: Services) {
    const view = await flows.jira.choose({ teamId: params.id, accountId: who.accountId }, body.cloud_ids, origin)
    return view.ok ? ok(json(view.value.sites.map(jiraSite))) : view
  },
})

export const sync = route({
  ...common,
  method: 'post',
  path: `${path}/sync`,
  limit: 'jira',
  summary: 'Sync Jira sites',
  description: 'Reads the list of sites from Jira now. The connection reports whether that succeeded.',
  reply: () => JiraConnection,
  fails: [...seeFails, 'jira_not_connected'],
  async handle({ who, params }, { flows }: Services) {
    const view = await flows.jira.sync({ teamId: params.id, accountId: who.accountId })
    return view.ok ? ok(json(jiraConnection(view.value))) : view
  },
})

export const disconnect = route({
  ...common,
  method: 'delete',
  path,
  summary: 'Disconnect a team from Jira',
  description:
    'Erases the tokens of the team and ends the connection. Atlassian has no endpoint to revoke them, so the consent remains in the Atlassian account.',
  auth: 'recent',
  status: 204,
  fails: ['team_not_found', 'team_role_required', 'jira_not_available', 'jira_not_connected'],
  async handle({ who, params, origin }, { flows }: Services) {
    const done = await flows.jira.disconnect({ teamId: params.id, accountId: who.accountId }, origin)
    return done.ok ? ok(noContent()) : done
  },
})

const refused = z.string().nullable().describe('The error code if reading failed; null if it succeeded')
const Queues = z
  .object({
    read_at: time.describe('When the queues were read'),
    sites: z
      .array(
        z.object({
          ...siteFields,
          desks: z
            .array(
              z.object({
                id: z.string().describe('The service desk ID'),
                key: z.string().describe('The key of its project'),
                name: z.string().describe('The name of the service desk'),
                queues: z
                  .array(
                    z.object({
                      id: z.string().describe('The queue ID'),
                      name: z.string().describe('The name of the queue'),
                      issue_count: z.number().int().describe('How many issues are in the queue'),
                    }),
                  )
                  .describe('The queues of the service desk'),
                error: refused,
              }),
            )
            .describe('The service desks of the site'),
          error: refused,
          more: z.boolean().describe('Whether the site has more service desks or queues than are returned'),
        }),
      )
      .describe('The chosen sites'),
  })
  .meta({ id: 'JiraQueues', description: 'The queues of the service desks of a team' })

const siteQueues = ({ site, desks, error, more }: SiteQueues) => ({
  cloud_id: site.cloudId,
  name: site.name,
  url: site.url,
  desks: desks.map(({ queues, error, ...desk }) => ({
    ...desk,
    queues: queues.map(({ id, name, issueCount }) => ({ id, name, issue_count: issueCount })),
    error: error?.code ?? null,
  })),
  error: error?.code ?? null,
  more,
})

const queues = route({
  ...common,
  method: 'get',
  path: `${path}/queues`,
  limit: 'jira',
  summary: 'List Jira queues',
  description: 'The queues of the service desks of the chosen sites, with the number of issues in each.',
  reply: () => Queues,
  fails: [
    ...seeFails,
    'jira_not_active',
    'provider_unavailable',
    'provider_rate_limited',
    'jira_scope_missing',
    'jira_forbidden',
  ],
  async handle({ who, params }, { flows }: Services) {
    const read = await flows.readQueues({ teamId: params.id, accountId: who.accountId })
    if (!read.ok) return read
    return ok(json({ read_at: read.value.readAt.toISOString(), sites: read.value.sites.map(siteQueues) }))
  },
})

export const jiraRoutes = [authorize, status, disconnect, sites, choose, sync, queues]
