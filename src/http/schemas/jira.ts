import { z } from 'zod'
import type { JiraView } from '../../flows/keep-jira.ts'
import { jiraErrors, jiraStatuses } from '../../teams/policy.ts'
import type { JiraSite as Site } from '../../teams/ports.ts'
import { time } from './fields.ts'

/** The identifiers of a Jira site. */
export const siteFields = {
  cloud_id: z.string().describe('The ID of the site at Atlassian'),
  name: z.string().describe('The name of the site'),
  url: z.string().describe('The URL of the site'),
}

export const JiraSiteSchema = z
  .object({
    ...siteFields,
    scopes: z.array(z.string()).describe('The scopes granted for the site'),
    chosen: z.boolean().describe('Whether the team uses the site'),
    gone_at: time.nullable().describe('Since when the connection no longer reaches the site; null while it does'),
  })
  .meta({ id: 'JiraSite', description: 'A Jira site of a connection' })
export const jiraSite = ({ cloudId, name, url, scopes, chosen, goneAt }: Site): z.input<typeof JiraSiteSchema> => ({
  cloud_id: cloudId,
  name,
  url,
  scopes: [...scopes],
  chosen,
  gone_at: goneAt?.toISOString() ?? null,
})

/** A team's connection to Jira, without tokens. */
export const JiraConnection = z
  .object({
    team_id: z.string().describe('The team ID'),
    status: z.enum(jiraStatuses).describe('The state of the connection'),
    sites: z.array(JiraSiteSchema).describe('The sites of the connection'),
    scopes: z.array(z.string()).describe('The granted scopes'),
    missing_scopes: z.array(z.string()).describe('The requested scopes that were not granted'),
    connected_by: z.string().nullable().describe('The account ID of the member who consented; null if deleted'),
    connected_at: time.nullable().describe('When the team was connected'),
    expires_at: time.nullable().describe('When the current access token expires; it is renewed automatically'),
    last_sync_at: time.nullable().describe('When the list of sites was last read'),
    sync_status: z.enum(['ok', 'failed']).nullable().describe('How the last sync ended'),
    last_error: z.enum(jiraErrors).nullable().describe('The last error of the connection; null if it works'),
  })
  .meta({ id: 'JiraConnection', description: 'The connection of a team with Jira' })
export const jiraConnection = (view: JiraView): z.input<typeof JiraConnection> => ({
  team_id: view.teamId,
  status: view.status,
  sites: view.sites.map(jiraSite),
  scopes: [...view.scopes],
  missing_scopes: [...view.missingScopes],
  connected_by: view.connectedBy,
  connected_at: view.connectedAt?.toISOString() ?? null,
  expires_at: view.expiresAt?.toISOString() ?? null,
  last_sync_at: view.lastSyncAt?.toISOString() ?? null,
  sync_status: view.syncStatus,
  last_error: view.lastError,
})
