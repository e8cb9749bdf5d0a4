import { seeOther } from '../reply.ts'
import { idParams } from '../schemas.ts'
import { type Done, doneAt } from './status.ts'

/** What the pages of a team's Jira have in common. */

export const reading = {
  method: 'get',
  tag: 'Pages',
  surface: 'browser',
  auth: 'user',
  limit: 'account',
  params: idParams,
} as const
export const refusals = ['team_not_found', 'team_role_required', 'jira_not_available'] as const

export const pageOf = (teamId: string): `/account/teams/${string}` => `/account/teams/${teamId}/integrations`
export const jiraOf = (teamId: string): string => `${pageOf(teamId)}/jira`
/** Back to the page of the team's connections, with what was done. */
export const backTo =
  (done: Done) =>
  ({ params }: { params: { id: string } }) =>
    seeOther(doneAt(pageOf(params.id), done))
