import type { Fact } from '../events/catalogue.ts'

export const teamRoles = ['owner', 'admin', 'member'] as const
export type TeamRole = (typeof teamRoles)[number]

/** People who work together, and connect one Jira for all of them. */
export type Team = {
  readonly id: string
  readonly name: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

export type Member = {
  readonly teamId: string
  readonly accountId: string
  readonly role: TeamRole
  readonly joinedAt: Date
}

/** Somebody was asked, by mail, to join. Whoever reads the mail may, once, with the account they are signed in to. */
export type Invitation = {
  readonly id: string
  readonly teamId: string
  readonly email: string
  /** How `email` is compared; one open invitation for each address and team. */
  readonly emailKey: string
  readonly role: TeamRole
  /** SHA-256 of what the link carries. */
  readonly secretHash: string
  readonly invitedBy: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
}

/** Why a connection does not work, or what changed behind it; told on its card. */
export type JiraError =
  | 'no_sites'
  | 'sites_gone'
  | 'scopes_reduced'
  | 'connector_left'
  | 'invalid_grant'
  | 'rate_limited'
  | 'transient'
  | 'client_misconfigured'

/** A team's one connection to Jira Cloud. Its tokens are the grant of this consent that the team holds. */
export type StoredJiraIntegration = {
  readonly teamId: string
  readonly provider: string
  readonly clientId: string
  readonly subject: string
  readonly subjectName: string | null
  /** Who consented; `null` once they left. */
  readonly connectedBy: string | null
  readonly connectedAt: Date
  /** When the list of sites was last read whole. */
  readonly lastSyncAt: Date | null
  readonly syncStatus: 'pending' | 'ok' | 'failed'
  readonly lastError: JiraError | null
  readonly nextSyncAt: Date
  readonly updatedAt: Date
}

/** A Jira Cloud site a consent reaches: one for each cloud id, whatever the number of products on it. */
export type JiraSite = {
  readonly teamId: string
  readonly cloudId: string
  readonly name: string
  /** Normalised: https, host in lower case, no path. */
  readonly url: string
  readonly scopes: readonly string[]
  readonly chosen: boolean
  readonly foundAt: Date
  /** Since when the consent no longer reaches it. */
  readonly goneAt: Date | null
}

export type Because = readonly Fact[]

/** A team as somebody in it sees it: with the role they have there. */
export type Membership = { readonly team: Team; readonly role: TeamRole }

/**
 * Teams and who is in them. What a change may rest on (the asker's role, how many owners are left) is looked at within its
 * transaction, while nobody else changes the same team: of two who decide at once, the second sees what the first did.
 */
export interface TeamStore {
  /**
   * With its first owner. `false`, with nothing written, when they are in `most` teams already,
   * however many they make at once, or their account is gone.
   */
  create(team: Team, owner: string, most: number, because: Because): Promise<boolean>
  /** A team with the asker's role in it; `undefined` where they are not in it, or it does not exist. */
  membership(teamId: string, accountId: string): Promise<Membership | undefined>
  /** The teams somebody is in, and how many people each has, the oldest membership first. */
  list(accountId: string): Promise<readonly (Membership & { readonly members: number })[]>
  /** Owners and admins whose account is not disabled: those who can mend something, the longest-standing first. */
  leaders(teamId: string): Promise<readonly string[]>
}
