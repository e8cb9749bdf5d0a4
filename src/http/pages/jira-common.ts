import { seeOther } from '../reply.ts'
import { idParams } from '../schemas/fields.ts'
import { doneAt, type Notice } from './status.ts'

/** What the pages about the Jira connection of a team share. */

export const jiraPage = {
  method: 'get',
  tag: 'Pages',
  surface: 'browser',
  auth: 'user',
  limit: 'account',
  params: idParams,
} as const
export const refusals = ['team_not_found', 'team_role_required', 'jira_not_available'] as const

export const jiraPageOf = (teamId: string): `/account/teams/${string}` => `/account/teams/${teamId}/integrations`
export const jiraOf = (teamId: string): string => `${jiraPageOf(teamId)}/jira`
/** Redirects to the connections of the team, with a notice. */
export const backToJira =
  (done: Notice) =>
  ({ params }: { params: { id: string } }) =>
    seeOther(doneAt(jiraPageOf(params.id), done))
