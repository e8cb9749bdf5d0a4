import { ok } from '../../kernel/result.ts'
import { seeOther } from '../reply.ts'
import { idParams } from '../schemas/fields.ts'
import { type Done, doneAt } from './status.ts'

/** What the pages of a team's Jira have in common. */

const common = { tag: 'Pages', surface: 'browser', auth: 'user', limit: 'account', params: idParams } as const
export const reading = { ...common, method: 'get' } as const
export const writing = { ...common, method: 'post', status: 303 } as const
export const refusals = ['team_not_found', 'team_role_required', 'jira_not_available'] as const

export const pageOf = (teamId: string): `/account/teams/${string}` => `/account/teams/${teamId}/integrations`
export const jiraOf = (teamId: string): string => `${pageOf(teamId)}/jira`
export const backTo = (teamId: string, done: Done) => ok(seeOther(doneAt(pageOf(teamId), done)))
