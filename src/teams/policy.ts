import type { TeamRole } from './ports.ts'

export { jiraErrors, jiraStatuses, teamRoles } from './ports.ts'

/** What can be done to a team. `connect`: to what it is connected, and with which sites. */
export const acts = ['see', 'rename', 'delete', 'invite', 'manage_members', 'connect'] as const
export type Act = (typeof acts)[number]

/** The whole table of who may do what in a team; whoever is not in it may nothing, and does not learn that it exists. */
const granted: Readonly<Record<TeamRole, readonly Act[]>> = {
  owner: acts,
  admin: ['see', 'rename', 'invite', 'manage_members', 'connect'],
  member: ['see'],
}

export const may = (role: TeamRole, act: Act): boolean => granted[role].includes(act)

/**
 * Whether somebody may give a role, and take it away: what an owner is, only owners decide. An admin who could make
 * themselves owner, or take the last one's role, would be one.
 */
export const mayGive = (by: TeamRole, role: TeamRole): boolean =>
  may(by, 'manage_members') && (by === 'owner' || role !== 'owner')
