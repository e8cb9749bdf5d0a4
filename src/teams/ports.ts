import type { ConsentKey, NewTokens } from '../connections/ports.ts'
import type { Fact, Payload } from '../events/catalogue.ts'
import type { Mail } from '../mail/ports.ts'

export const teamRoles = ['owner', 'admin', 'member'] as const
export type TeamRole = (typeof teamRoles)[number]

/** People who work together and share one Jira connection. */
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

/** An invitation by email. Anyone who can read the email can accept it once, with the account they are signed in to. */
export type Invitation = {
  readonly id: string
  readonly teamId: string
  readonly email: string
  /** The normalized form of `email`, for comparison. There is one open invitation per email address and team. */
  readonly emailKey: string
  readonly role: TeamRole
  /** SHA-256 of the secret in the link. */
  readonly secretHash: string
  readonly invitedBy: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
}

/** Why a connection does not work, or what changed at Jira. Shown on its card. */
export const jiraErrors = [
  'no_sites',
  'sites_gone',
  'scopes_reduced',
  'connector_left',
  'connector_disabled',
  'invalid_grant',
  'rate_limited',
  'transient',
  'client_misconfigured',
] as const
export type JiraError = (typeof jiraErrors)[number]

/** The state of a team's connection. */
export const jiraStatuses = ['not_connected', 'choose_site', 'active', 'needs_reauthorization'] as const
export type JiraStatus = (typeof jiraStatuses)[number]

/** A team's connection to Jira Cloud. Its tokens are in the team's grant for this consent. */
export type StoredJiraIntegration = {
  readonly teamId: string
  readonly provider: string
  readonly issuer: string
  readonly clientId: string
  readonly subject: string
  readonly subjectName: string | null
  /** The account that consented; `null` after it left. */
  readonly connectedBy: string | null
  readonly connectedAt: Date
  /** When the complete list of sites was last read. */
  readonly lastSyncAt: Date | null
  readonly syncStatus: 'ok' | 'failed'
  readonly lastError: JiraError | null
  readonly nextSyncAt: Date
  readonly updatedAt: Date
}

/** A Jira Cloud site that a consent covers. There is one per cloud ID, for any number of products. */
export type JiraSite = {
  readonly teamId: string
  readonly cloudId: string
  readonly name: string
  /** Normalized: https, host in lower case, no path. */
  readonly url: string
  readonly scopes: readonly string[]
  readonly chosen: boolean
  readonly foundAt: Date
  /** When the consent stopped covering it. */
  readonly goneAt: Date | null
}

export type TeamFacts = readonly Fact[]

/** A team and the member's own role in it. */
export type Membership = { readonly team: Team; readonly role: TeamRole }

/** A member as others see them. The email address is included only if verified, since anyone can claim one. */
export type MemberView = Omit<Member, 'teamId'> & {
  readonly name: string | null
  readonly email: string | null
  readonly picture: string | null
}

/** The team and the acting account. Its role is checked within the transaction of the change. */
type TeamAction = { readonly teamId: string; readonly by: string }
/** Whether the role of the acting account is sufficient. */
type RoleCheck = (by: TeamRole) => boolean
/** Whether it is sufficient over someone or something with this role. */
type RoleCheckOver = (by: TeamRole, role: TeamRole) => boolean
/** `team_not_found`: it does not exist, or the account is not in it. */
export type TeamRefusal = 'team_not_found' | 'team_role_required'

/**
 * Teams and their members. Preconditions (the actor's role, the number of owners) are checked within the transaction of
 * the change, which locks the team. Of two concurrent changes, the second sees the result of the first. Refused changes
 * write nothing. A team keeps at least one owner whose account is enabled, unless the last one is disabled.
 */
export interface TeamStore {
  /**
   * Creates a team with its first owner. Returns `false` and writes nothing if the account is gone or already in `most`
   * teams, even with concurrent calls.
   */
  create(team: Team, owner: string, most: number, because: TeamFacts): Promise<boolean>
  /** A team with the account's role in it; `undefined` if the account is not in it, or it does not exist. */
  membership(teamId: string, accountId: string): Promise<Membership | undefined>
  /** The teams of an account and their member counts, oldest membership first. */
  list(accountId: string): Promise<readonly (Membership & { readonly members: number })[]>
  /** All members, the longest-standing first. */
  members(teamId: string): Promise<readonly MemberView[]>
  /** Owners and admins whose account is enabled, the longest-standing first. They can fix problems of the team. */
  leaders(teamId: string): Promise<readonly string[]>
  rename(
    asked: TeamAction & { readonly name: string; readonly at: Date },
    allows: RoleCheck,
    because: TeamFacts,
  ): Promise<Membership | TeamRefusal>
  /**
   * `allows` is called for the current and for the new role. Open invitations from this member are deleted, except
   * those to a role in `maySend`. Setting the same role changes nothing.
   */
  setRole(
    asked: TeamAction & { readonly accountId: string; readonly role: TeamRole; readonly maySend: readonly TeamRole[] },
    allows: RoleCheckOver,
    because: TeamFacts,
  ): Promise<MemberView | TeamRefusal | 'member_not_found' | 'last_owner'>
  /**
   * A member leaves or is removed. `allows` is called for their role, unless they leave on their own. Their open
   * invitations are deleted. If they connected Jira, their consent is deleted, and the team's owners and admins are
   * notified.
   */
  leave(
    asked: TeamAction & { readonly accountId: string; readonly at: Date },
    allows: RoleCheckOver,
    because: TeamFacts,
  ): Promise<'left' | TeamRefusal | 'member_not_found' | 'last_owner'>
  /**
   * Deletes a team with its members, invitations and connections. Its grants are queued for revocation. The other
   * members get an entry in their audit log. The disconnection from Jira is recorded in the log of the acting account.
   */
  remove(
    asked: TeamAction & { readonly at: Date },
    allows: RoleCheck,
    because: TeamFacts,
  ): Promise<'removed' | TeamRefusal>
}

/**
 * What a user sees who opens an invitation. The inviter is shown by a verified email address or by the name they chose.
 */
export type InvitationDetails = {
  readonly invitation: Invitation
  readonly team: Team
  readonly inviter: string | null
}

/**
 * Invitations. Each is valid until it is used, withdrawn or expired, and while the account of its sender is enabled.
 * Refused changes write nothing.
 */
export interface InvitationStore {
  /**
   * Creates an invitation with its messages, and replaces one to the same email address. `already_member`: the account
   * with this verified address is in the team. `team_limit_reached`: too many others are open at `createdAt`.
   */
  invite(
    invitation: Invitation & { readonly invitedBy: string },
    allows: RoleCheck,
    most: number,
    because: TeamFacts,
    mails: readonly Mail[],
  ): Promise<'invited' | TeamRefusal | 'already_member' | 'team_limit_reached'>
  /** The open invitations, newest first. */
  list(teamId: string, at: Date): Promise<readonly Invitation[]>
  /** `allows` is called for the role that the invitation offers. */
  withdraw(
    asked: TeamAction & { readonly id: string },
    allows: RoleCheckOver,
    because: TeamFacts,
  ): Promise<'withdrawn' | TeamRefusal | 'invitation_not_found'>
  /** Finds an open invitation by its secret, without using it. */
  find(secretHash: string, at: Date): Promise<InvitationDetails | undefined>
  /**
   * Accepts an invitation once: concurrent calls create one member. `team_limit_reached`: the account is in too many
   * teams, or the team is full. If the account is already a member, the invitation stays open.
   */
  accept(
    by: { readonly secretHash: string; readonly accountId: string; readonly at: Date },
    most: { readonly teams: number; readonly members: number },
    because: (invitation: Invitation) => TeamFacts,
  ): Promise<Membership | 'invitation_not_found' | 'already_member' | 'team_limit_reached'>
}

/** The state of a team's connection. Sites are sorted by name. */
export type JiraState = {
  readonly integration: StoredJiraIntegration
  readonly sites: readonly JiraSite[]
  /** The account that consented is disabled. Its consent is kept, and used again after the account is enabled. */
  readonly connectorDisabled: boolean
}

/** What changed about a site since the last read. */
export type JiraDrift = Payload<'jira.drifted'>['change']

/**
 * What a read of the list of sites changes. It is computed from the known sites, within the transaction that writes it.
 */
export type SiteReading = Pick<StoredJiraIntegration, 'lastSyncAt' | 'syncStatus' | 'lastError' | 'nextSyncAt'> & {
  readonly sites: readonly JiraSite[]
  readonly drift: readonly JiraDrift[]
}
export type ReadSites = (known: Pick<JiraState, 'integration' | 'sites'> | undefined) => SiteReading

/** A new consent for a team, and the session in which it was given. */
export type NewJira = TeamAction & {
  readonly sessionId: string
  readonly consent: ConsentKey
  readonly subjectName: string | null
  readonly newGrantId: string
  /** The tokens, sealed for the row of this grant. */
  readonly tokens: (grantId: string) => NewTokens
  readonly at: Date
}

/**
 * The Jira connections of teams, one per team. An integration, its sites and the team's grant are written together in
 * one transaction, which locks the team. Refused changes write nothing.
 */
export interface JiraStore {
  find(teamId: string): Promise<JiraState | undefined>
  /**
   * Stores a consent for a team and replaces the previous one. A grant of another consent is queued for revocation. Works
   * only while the session that gave the consent is valid.
   */
  connect(
    jira: NewJira,
    allows: RoleCheck,
    read: ReadSites,
    because: (told: { readonly handedOver: boolean; readonly sites: number }) => TeamFacts,
  ): Promise<'connected' | TeamRefusal | 'session_revoked'>
  /** Sets exactly these sites as the team's. All of them must be reachable. */
  choose(
    asked: TeamAction & { readonly cloudIds: readonly string[]; readonly at: Date },
    allows: RoleCheck,
    because: TeamFacts,
  ): Promise<'chosen' | TeamRefusal | 'jira_not_connected' | 'jira_site_not_found'>
  /** Deletes the integration, its sites and its grant, and queues the revocation of the grant. */
  disconnect(
    asked: TeamAction & { readonly at: Date },
    allows: RoleCheck,
    because: TeamFacts,
  ): Promise<'disconnected' | TeamRefusal | 'jira_not_connected'>
  /**
   * Takes up to `limit` integrations whose list of sites is due, for this worker until `until`. Two workers never hold
   * the same one. Skips those whose connector left or is disabled.
   */
  due(limit: number, at: Date, until: Date): Promise<readonly StoredJiraIntegration[]>
  /** Writes the result of a read. Returns `false` if the team has reconnected or disconnected since `of` was read. */
  synced(
    of: StoredJiraIntegration,
    read: ReadSites,
    at: Date,
    because: (drift: readonly JiraDrift[]) => TeamFacts,
  ): Promise<boolean>
  /** Makes the list due now, because a site no longer responds. */
  hurry(teamId: string, at: Date): Promise<void>
}
