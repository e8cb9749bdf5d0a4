import type { TeamRole } from './ports.ts'

export { jiraErrors, jiraStatuses, teamRoles } from './ports.ts'

/** Actions on a team. `connect`: choose what the team is connected to, and which sites. */
export const acts = ['see', 'rename', 'delete', 'invite', 'manage_members', 'connect'] as const
export type Act = (typeof acts)[number]

/** All permissions in a team. Others have none, and do not learn that the team exists. */
const permissions: Readonly<Record<TeamRole, readonly Act[]>> = {
  owner: acts,
  admin: ['see', 'rename', 'invite', 'manage_members', 'connect'],
  member: ['see'],
}

export const may = (role: TeamRole, act: Act): boolean => permissions[role].includes(act)

/**
 * Whether a member may grant or remove a role. Only owners may do so for owners. Otherwise an admin could become owner,
 * or remove the last one.
 */
export const mayGive = (by: TeamRole, role: TeamRole): boolean =>
  may(by, 'manage_members') && (by === 'owner' || role !== 'owner')
