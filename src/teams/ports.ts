import type { ConsentKey, NewTokens } from '../connections/ports.ts'
import type { Fact, Payload } from '../events/catalogue.ts'
import type { Mail } from '../mail/ports.ts'

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

/** What a team's connection is good for. */
export const jiraStatuses = ['not_connected', 'choose_site', 'active', 'needs_reauthorization'] as const
export type JiraStatus = (typeof jiraStatuses)[number]

/** A team's one connection to Jira Cloud. Its tokens are the grant of this consent that the team holds. */
export type StoredJiraIntegration = {
  readonly teamId: string
  readonly provider: string
  readonly issuer: string
  readonly clientId: string
  readonly subject: string
  readonly subjectName: string | null
  /** Who consented; `null` once they left. */
  readonly connectedBy: string | null
  readonly connectedAt: Date
  /** When the list of sites was last read whole. */
  readonly lastSyncAt: Date | null
  readonly syncStatus: 'ok' | 'failed'
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

/** Who is in a team, as the others see them: an address only when it is proven, for anybody may claim one. */
export type SeenMember = Omit<Member, 'teamId'> & {
  readonly name: string | null
  readonly email: string | null
  readonly picture: string | null
}

/** Who asks for what: each is looked at within the transaction of the change. */
type Asked = { readonly teamId: string; readonly by: string }
/** Whether the asker's role is enough. */
type Allows = (by: TeamRole) => boolean
/** Whether it is enough for somebody or something that has a role as well. */
type AllowsOver = (by: TeamRole, role: TeamRole) => boolean
/** `team_not_found`: there is none, or whoever asks is not in it. */
export type TeamRefusal = 'team_not_found' | 'team_role_required'

/**
 * Teams and who is in them. What a change may rest on (the asker's role, how many owners are left) is looked at within its
 * transaction, while nobody else changes the same team: of two who decide at once, the second sees what the first did.
 * A refusal writes nothing. A team keeps an owner whose account is not disabled, unless the last one is disabled.
 */
export interface TeamStore {
  /**
   * With its first owner. `false`, with nothing written, when they are in `most` teams already, however many they make
   * at once, or their account is gone.
   */
  create(team: Team, owner: string, most: number, because: Because): Promise<boolean>
  /** A team with the asker's role in it; `undefined` where they are not in it, or it does not exist. */
  membership(teamId: string, accountId: string): Promise<Membership | undefined>
  /** The teams somebody is in, and how many people each has, the oldest membership first. */
  list(accountId: string): Promise<readonly (Membership & { readonly members: number })[]>
  /** Everybody in it, the longest-standing first. */
  members(teamId: string): Promise<readonly SeenMember[]>
  /** Owners and admins whose account is not disabled: those who can mend something, the longest-standing first. */
  leaders(teamId: string): Promise<readonly string[]>
  rename(
    asked: Asked & { readonly name: string; readonly at: Date },
    allows: Allows,
    because: Because,
  ): Promise<Membership | TeamRefusal>
  /**
   * `allows` is asked about the role they have so far and about the one they get. Invitations they sent out go, but for
   * those to a role in `maySend`. The same role again changes nothing.
   */
  setRole(
    asked: Asked & { readonly accountId: string; readonly role: TeamRole; readonly maySend: readonly TeamRole[] },
    allows: AllowsOver,
    because: Because,
  ): Promise<SeenMember | TeamRefusal | 'member_not_found' | 'last_owner'>
  /**
   * Somebody leaves, or is taken out: `allows` is asked about their role only when it is not themselves. Invitations they
   * sent out go with them, and so does the consent with which they connected Jira; its owners and admins are told.
   */
  leave(
    asked: Asked & { readonly accountId: string; readonly at: Date },
    allows: AllowsOver,
    because: Because,
  ): Promise<'left' | TeamRefusal | 'member_not_found' | 'last_owner'>
  /**
   * With its members, invitations and connections; what it holds at providers goes to the queue of revocations. Everybody
   * else who was in it is told on their trail, and that it was disconnected from Jira is told on the asker's.
   */
  remove(asked: Asked & { readonly at: Date }, allows: Allows, because: Because): Promise<'removed' | TeamRefusal>
}

/** What somebody is told who follows an invitation: the inviter by an address they have proven, or by the name they chose. */
export type OpenedInvitation = {
  readonly invitation: Invitation
  readonly team: Team
  readonly inviter: string | null
}

/**
 * Invitations, each good until it is used, withdrawn or out of date, whichever comes first, and while the account of whoever
 * sent it is not disabled; refusals write nothing.
 */
export interface InvitationStore {
  /**
   * In the place of one to the same address, with its letters. `already_member`: whoever has proven the address is in the
   * team. `team_limit_reached`: so many others are open at `createdAt`.
   */
  invite(
    invitation: Invitation & { readonly invitedBy: string },
    allows: Allows,
    most: number,
    because: Because,
    mails: readonly Mail[],
  ): Promise<'invited' | TeamRefusal | 'already_member' | 'team_limit_reached'>
  /** Those that are open, the newest first. */
  list(teamId: string, at: Date): Promise<readonly Invitation[]>
  /** `allows` is asked about the role it offers. */
  withdraw(
    asked: Asked & { readonly id: string },
    allows: AllowsOver,
    because: Because,
  ): Promise<'withdrawn' | TeamRefusal | 'invitation_not_found'>
  /** An open one by its secret; looking uses nothing up. */
  find(secretHash: string, at: Date): Promise<OpenedInvitation | undefined>
  /**
   * Uses it up: however many accept it at once, it makes one member. `team_limit_reached`: they are in `mostTeams`
   * already, or the team has `mostMembers`. Whoever is in the team already leaves it to somebody else.
   */
  accept(
    by: { readonly secretHash: string; readonly accountId: string; readonly at: Date },
    most: { readonly teams: number; readonly members: number },
    because: (invitation: Invitation) => Because,
  ): Promise<Membership | 'invitation_not_found' | 'already_member' | 'team_limit_reached'>
}

/** Everything there is about a team's connection: the sites in the order of their names. */
export type JiraState = {
  readonly integration: StoredJiraIntegration
  readonly sites: readonly JiraSite[]
  /** Whoever consented is disabled here: it is kept, and not used before they are enabled again. */
  readonly connectorDisabled: boolean
}

/** What became of a site since it was last looked at. */
export type JiraDrift = Payload<'jira.drifted'>['change']

/** What a look at the list of sites leaves behind: worked out over the sites known, within the transaction that writes it. */
export type SiteReading = Pick<StoredJiraIntegration, 'lastSyncAt' | 'syncStatus' | 'lastError' | 'nextSyncAt'> & {
  readonly sites: readonly JiraSite[]
  readonly drift: readonly JiraDrift[]
}
export type ReadSites = (known: Pick<JiraState, 'integration' | 'sites'> | undefined) => SiteReading

/** A consent somebody gave for a team, and the session they gave it in. */
export type NewJira = Asked & {
  readonly sessionId: string
  readonly consent: ConsentKey
  readonly subjectName: string | null
  readonly newGrantId: string
  /** Sealed to the row they end up in. */
  readonly tokens: (grantId: string) => NewTokens
  readonly at: Date
}

/**
 * Teams' connections to Jira: one for each team. An integration, its sites and the grant the team holds come and go
 * together, in one transaction, while nobody else changes the same team; refusals write nothing.
 */
export interface JiraStore {
  find(teamId: string): Promise<JiraState | undefined>
  /**
   * Keeps a consent for a team, in place of the one it had: another consent's grant is queued for withdrawal. Only while
   * whoever gave it is still signed in to that session.
   */
  connect(
    jira: NewJira,
    allows: Allows,
    read: ReadSites,
    because: (told: { readonly handedOver: boolean; readonly sites: number }) => Because,
  ): Promise<'connected' | TeamRefusal | 'session_revoked'>
  /** Exactly these are the team's from now on; all of them have to be within reach. */
  choose(
    asked: Asked & { readonly cloudIds: readonly string[]; readonly at: Date },
    allows: Allows,
    because: Because,
  ): Promise<'chosen' | TeamRefusal | 'jira_not_connected' | 'jira_site_not_found'>
  /** Takes the integration, its sites and its grant away, and queues the grant's withdrawal. */
  disconnect(
    asked: Asked & { readonly at: Date },
    allows: Allows,
    because: Because,
  ): Promise<'disconnected' | TeamRefusal | 'jira_not_connected'>
  /**
   * Takes up to `limit` whose list of sites is due for this worker until `until`; two workers never hold the same one.
   * None whose connector left, or is disabled.
   */
  due(limit: number, at: Date, until: Date): Promise<readonly StoredJiraIntegration[]>
  /** Writes what a look at the sites brought; `false` when the team has connected anew, or no longer, since `of` was read. */
  synced(
    of: StoredJiraIntegration,
    read: ReadSites,
    at: Date,
    because: (drift: readonly JiraDrift[]) => Because,
  ): Promise<boolean>
  /** A site does not answer any more: the list is due now. */
  hurry(teamId: string, at: Date): Promise<void>
}
