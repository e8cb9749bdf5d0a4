import { sql } from 'drizzle-orm'
import type { Application, ApplicationKeys } from '../applications/ports.ts'
import type { GrantErrorClass, StoredGrant } from '../connections/ports.ts'
import type { TicketPurpose } from '../credentials/ports.ts'
import type { Action } from '../events/catalogue.ts'
import type { JobRecord } from '../jobs/ports.ts'
import { type Account, type AccountMetadata, noMetadata } from '../kernel/account.ts'
import type { Locale } from '../kernel/locale.ts'
import type { Picture } from '../kernel/picture.ts'
import type { Mail } from '../mail/ports.ts'
import type { PendingAuthorization, VersionState } from '../providers/ports.ts'
import type { EndReason, Proof, StoredKey } from '../sessions/ports.ts'
import type { Measure } from '../statistics/ports.ts'
import type { StoredJiraIntegration, TeamRole } from '../teams/ports.ts'
import { beginnings } from './beginnings.ts'
import type { Dialect } from './dialect.sqlite.ts'

/** Every table, declared once for both dialects. */
export function defineTables({ table, text, sealed, time, flag, count, json, index, unique, byteOrder }: Dialect) {
  const accounts = table(
    'accounts',
    {
      id: text('id').primaryKey(),
      email: text('email'),
      /** The form in which `email` is compared, whether verified or not. */
      emailKey: text('email_key'),
      /**
       * The same key, set only once the email address is verified. Unique, so that concurrent changes cannot give one
       * address to two accounts.
       */
      verifiedEmailKey: text('verified_email_key'),
      name: text('name'),
      picture: text('picture'),
      role: text('role').$type<Account['role']>().notNull(),
      locale: text('locale').$type<Locale>(),
      timeZone: text('time_zone'),
      secondFactorAt: time('second_factor_at'),
      metadata: json('metadata').$type<AccountMetadata>().notNull().default(noMetadata),
      disabledAt: time('disabled_at'),
      /** When the person last signed in, in whole hours since 1970 (UTC); 0: never. */
      lastSignInHour: count('last_sign_in_hour').notNull().default(0),
      /**
       * When an administrator added the person, or last sent them an invitation; `null` once the person has proven the
       * email address. Until then the account has no sign-in method.
       */
      invitedAt: time('invited_at'),
      /** When the link of the invitation expires; `null` if none was sent. */
      invitationExpiresAt: time('invitation_expires_at'),
      createdAt: time('created_at').notNull(),
      updatedAt: time('updated_at').notNull(),
    },
    (t) => {
      const begins = beginnings(t, byteOrder)
      return [
        unique('accounts_verified_email_key').on(t.verifiedEmailKey),
        index('accounts_email_key').on(t.emailKey, t.createdAt, t.id),
        // For the lists of administrators: one index for each set of filters, in the order of the list.
        index('accounts_created').on(t.createdAt, t.id),
        index('accounts_role_created').on(t.role, t.createdAt, t.id),
        index('accounts_disabled_created').on(t.createdAt, t.id).where(sql`disabled_at is not null`),
        index('accounts_enabled_created').on(t.createdAt, t.id).where(sql`disabled_at is null`),
        index('accounts_disabled_role_created').on(t.role, t.createdAt, t.id).where(sql`disabled_at is not null`),
        index('accounts_enabled_role_created').on(t.role, t.createdAt, t.id).where(sql`disabled_at is null`),
        index('accounts_invited').on(t.createdAt, t.id).where(sql`invited_at is not null`),
        index('accounts_last_sign_in').on(t.lastSignInHour, t.id),
        // For prefix searches.
        index('accounts_email_begins').on(begins.email, t.id),
        index('accounts_name_begins').on(begins.name, t.id),
      ]
    },
  )

  const identities = table(
    'identities',
    {
      id: text('id').primaryKey(),
      accountId: text('account_id')
        .notNull()
        .references(() => accounts.id, { onDelete: 'cascade' }),
      provider: text('provider').notNull(),
      issuer: text('issuer').notNull(),
      subject: text('subject').notNull(),
      email: text('email'),
      emailVerified: flag('email_verified').notNull(),
      name: text('name'),
      picture: text('picture'),
      scopes: json('scopes').$type<readonly string[]>().notNull(),
      linkedAt: time('linked_at').notNull(),
      lastUsedAt: time('last_used_at').notNull(),
    },
    (t) => [
      unique('identities_issuer_subject').on(t.issuer, t.subject),
      index('identities_account').on(t.accountId, t.linkedAt, t.id),
      index('identities_provider_subject').on(t.provider, t.subject),
      // For the list of accounts with an identity at a provider. IDs begin with the time of creation.
      index('identities_provider_account').on(t.provider, t.accountId),
    ],
  )

  /**
   * One row for the whole lifetime of a device. A rotation writes no indexed column, so PostgreSQL updates the row in
   * place (HOT) and SQLite touches one page. Expiry therefore has no index, and `sweeps.ts` scans the primary key.
   */
  const sessions = table(
    'sessions',
    {
      id: text('id').primaryKey(),
      accountId: text('account_id')
        .notNull()
        .references(() => accounts.id, { onDelete: 'cascade' }),
      /** No foreign key: a session that its person keeps outlives the identity it was started with. */
      identityId: text('identity_id'),
      provider: text('provider'),
      /** The name that the person has given this device. */
      name: text('name'),
      cookieHash: text('cookie_hash'),
      amr: json('amr').$type<readonly string[]>().notNull(),
      scope: text('scope').notNull(),
      authTime: time('auth_time').notNull(),
      createdAt: time('created_at').notNull(),
      lastSeenAt: time('last_seen_at').notNull(),
      ip: text('ip'),
      userAgent: text('user_agent'),
      generation: count('generation').notNull(),
      rotatedAt: time('rotated_at').notNull(),
      usedGeneration: count('used_generation').notNull(),
      idleExpiresAt: time('idle_expires_at').notNull(),
      absoluteExpiresAt: time('absolute_expires_at').notNull(),
      endedAt: time('ended_at'),
      endReason: text('end_reason').$type<EndReason>(),
    },
    (t) => [
      index('sessions_account').on(t.accountId, t.id),
      // Ended sessions stay for a month; this finds an account's open ones without reading them. A rotation does not
      // touch it.
      index('sessions_open').on(t.accountId).where(sql`ended_at is null`),
      unique('sessions_cookie_hash').on(t.cookieHash),
    ],
  )

  /** A sign-in with its first proof, waiting for the second. */
  const pendingSignIns = table(
    'pending_sign_ins',
    {
      id: text('id').primaryKey(),
      ticketHash: text('ticket_hash').notNull(),
      accountId: text('account_id')
        .notNull()
        .references(() => accounts.id, { onDelete: 'cascade' }),
      proof: json('proof').$type<Proof>().notNull(),
      browser: flag('browser').notNull(),
      replaces: text('replaces'),
      returnTo: text('return_to'),
      codeChallenge: text('code_challenge'),
      provenAt: time('proven_at').notNull(),
      expiresAt: time('expires_at').notNull(),
      claimedAt: time('claimed_at'),
    },
    (t) => [
      unique('pending_sign_ins_ticket_hash').on(t.ticketHash),
      index('pending_sign_ins_account').on(t.accountId),
      index('pending_sign_ins_expiry').on(t.expiresAt),
    ],
  )

  /** A password belongs to one email address, and an address has at most one password. */
  const passwords = table(
    'passwords',
    {
      accountId: text('account_id')
        .primaryKey()
        .references(() => accounts.id, { onDelete: 'cascade' }),
      emailKey: text('email_key').notNull(),
      hash: text('hash').notNull(),
      changedAt: time('changed_at').notNull(),
    },
    (t) => [unique('passwords_email_key').on(t.emailKey)],
  )

  const totpFactors = table('totp_factors', {
    accountId: text('account_id')
      .primaryKey()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    secret: sealed('secret').notNull(),
    createdAt: time('created_at').notNull(),
    /** `null` until the first code is confirmed; sign-in does not ask for a code before. */
    confirmedAt: time('confirmed_at'),
    /** The newest time step of an accepted code. Each step is accepted at most once. */
    lastStep: count('last_step').notNull(),
  })

  const recoveryCodes = table(
    'recovery_codes',
    {
      id: text('id').primaryKey(),
      accountId: text('account_id')
        .notNull()
        .references(() => accounts.id, { onDelete: 'cascade' }),
      codeHash: text('code_hash').notNull(),
      createdAt: time('created_at').notNull(),
      usedAt: time('used_at'),
    },
    (t) => [unique('recovery_codes_account_code').on(t.accountId, t.codeHash)],
  )

  const passkeys = table(
    'passkeys',
    {
      id: text('id').primaryKey(),
      accountId: text('account_id')
        .notNull()
        .references(() => accounts.id, { onDelete: 'cascade' }),
      credentialId: text('credential_id').notNull(),
      publicKey: text('public_key').notNull(),
      counter: count('counter').notNull(),
      transports: json('transports').$type<readonly string[]>().notNull(),
      backedUp: flag('backed_up').notNull(),
      aaguid: text('aaguid'),
      name: text('name').notNull(),
      createdAt: time('created_at').notNull(),
      lastUsedAt: time('last_used_at'),
    },
    (t) => [
      unique('passkeys_credential').on(t.credentialId),
      index('passkeys_account').on(t.accountId, t.createdAt, t.id),
    ],
  )

  /** Links, codes and challenges that were sent out and are to be returned. Only their hashes are stored. */
  const tickets = table(
    'tickets',
    {
      id: text('id').primaryKey(),
      purpose: text('purpose').$type<TicketPurpose>().notNull(),
      secretHash: text('secret_hash').notNull(),
      /** Hash of the short code that may be typed instead, in the browser that has the binding. */
      codeHash: text('code_hash'),
      bindingHash: text('binding_hash'),
      accountId: text('account_id').references(() => accounts.id, { onDelete: 'cascade' }),
      email: text('email'),
      data: json('data').$type<Readonly<Record<string, unknown>>>().notNull(),
      attempts: count('attempts').notNull(),
      createdAt: time('created_at').notNull(),
      expiresAt: time('expires_at').notNull(),
      usedAt: time('used_at'),
    },
    (t) => [
      unique('tickets_secret_hash').on(t.secretHash),
      index('tickets_binding').on(t.bindingHash),
      index('tickets_account').on(t.accountId),
      index('tickets_expiry').on(t.expiresAt),
    ],
  )

  /** No foreign key: an email about an account may be sent after the account is deleted. */
  const mails = table(
    'mails',
    {
      id: text('id').primaryKey(),
      to: text('to').notNull(),
      /** Of the address, for the queue. Empty if a version without this column wrote the row. */
      domain: text('domain').notNull().default(''),
      locale: text('locale').$type<Locale>().notNull(),
      template: text('template').$type<Mail['template']>().notNull(),
      params: json('params').$type<Mail['params']>().notNull(),
      secret: sealed('secret'),
      accountId: text('account_id'),
      attempts: count('attempts').notNull(),
      nextAttemptAt: time('next_attempt_at').notNull(),
      lastError: text('last_error'),
      createdAt: time('created_at').notNull(),
    },
    (t) => [
      index('mails_domain_next_attempt').on(t.domain, t.nextAttemptAt, t.id),
      index('mails_account').on(t.accountId),
    ],
  )

  /**
   * A browser in which the person has proven themselves. It may still try passwords after strangers have used up the
   * account's attempts.
   */
  const trustedDevices = table(
    'trusted_devices',
    {
      id: text('id').primaryKey(),
      accountId: text('account_id')
        .notNull()
        .references(() => accounts.id, { onDelete: 'cascade' }),
      secretHash: text('secret_hash').notNull(),
      createdAt: time('created_at').notNull(),
      lastSeenAt: time('last_seen_at').notNull(),
      expiresAt: time('expires_at').notNull(),
    },
    (t) => [
      unique('trusted_devices_secret_hash').on(t.secretHash),
      index('trusted_devices_account').on(t.accountId, t.id),
      index('trusted_devices_expiry').on(t.expiresAt),
    ],
  )

  /** How many wrong guesses there were, by what was guessed and where from. */
  const guesses = table(
    'guesses',
    {
      key: text('key').primaryKey(),
      failures: count('failures').notNull(),
      lastAt: time('last_at').notNull(),
      blockedUntil: time('blocked_until').notNull(),
    },
    (t) => [index('guesses_last').on(t.lastAt)],
  )

  const serviceCredentials = table(
    'service_credentials',
    {
      id: text('id').primaryKey(),
      name: text('name').notNull(),
      secretHash: text('secret_hash').notNull(),
      /** The previous secret, accepted until `previous_until`, so that back ends can switch one by one. */
      previousHash: text('previous_hash'),
      previousUntil: time('previous_until'),
      scopes: json('scopes').$type<readonly string[]>().notNull(),
      createdBy: text('created_by'),
      createdAt: time('created_at').notNull(),
      lastUsedAt: time('last_used_at'),
      revokedAt: time('revoked_at'),
    },
    (t) => [
      index('service_credentials_created').on(t.createdAt, t.id).where(sql`revoked_at is null`),
      index('service_credentials_created_by').on(t.createdBy),
    ],
  )

  const signInCodes = table(
    'sign_in_codes',
    {
      codeHash: text('code_hash').primaryKey(),
      sessionId: text('session_id')
        .notNull()
        .references(() => sessions.id, { onDelete: 'cascade' }),
      accountId: text('account_id').notNull(),
      action: text('action').$type<Action>().notNull(),
      provider: text('provider').notNull(),
      providerUserId: text('provider_user_id').notNull(),
      codeChallenge: text('code_challenge').notNull(),
      expiresAt: time('expires_at').notNull(),
      usedAt: time('used_at'),
    },
    (t) => [
      index('sign_in_codes_session').on(t.sessionId),
      index('sign_in_codes_account').on(t.accountId),
      index('sign_in_codes_expiry').on(t.expiresAt),
    ],
  )

  const signingKeys = table(
    'signing_keys',
    {
      id: text('id').primaryKey(),
      purpose: text('purpose').$type<StoredKey['purpose']>().notNull(),
      sequence: count('sequence').notNull(),
      secret: sealed('secret').notNull(),
      publicJwk: text('public_jwk'),
      createdAt: time('created_at').notNull(),
      activatesAt: time('activates_at').notNull(),
    },
    (t) => [unique('signing_keys_purpose_sequence').on(t.purpose, t.sequence)],
  )

  const teams = table(
    'teams',
    {
      id: text('id').primaryKey(),
      name: text('name').notNull(),
      createdAt: time('created_at').notNull(),
      updatedAt: time('updated_at').notNull(),
    },
    (t) => [index('teams_created').on(t.createdAt, t.id)],
  )

  const teamMembers = table(
    'team_members',
    {
      teamId: text('team_id')
        .notNull()
        .references(() => teams.id, { onDelete: 'cascade' }),
      accountId: text('account_id')
        .notNull()
        .references(() => accounts.id, { onDelete: 'cascade' }),
      role: text('role').$type<TeamRole>().notNull(),
      joinedAt: time('joined_at').notNull(),
    },
    (t) => [
      unique('team_members_team_account').on(t.teamId, t.accountId),
      index('team_members_account').on(t.accountId, t.joinedAt, t.teamId),
      index('team_members_joined').on(t.teamId, t.joinedAt, t.accountId),
    ],
  )

  const teamInvitations = table(
    'team_invitations',
    {
      id: text('id').primaryKey(),
      teamId: text('team_id')
        .notNull()
        .references(() => teams.id, { onDelete: 'cascade' }),
      email: text('email').notNull(),
      emailKey: text('email_key').notNull(),
      role: text('role').$type<TeamRole>().notNull(),
      secretHash: text('secret_hash').notNull(),
      invitedBy: text('invited_by').references(() => accounts.id, { onDelete: 'cascade' }),
      createdAt: time('created_at').notNull(),
      expiresAt: time('expires_at').notNull(),
    },
    (t) => [
      unique('team_invitations_team_email').on(t.teamId, t.emailKey),
      unique('team_invitations_secret_hash').on(t.secretHash),
      index('team_invitations_created').on(t.teamId, t.createdAt, t.id),
      index('team_invitations_invited_by').on(t.invitedBy),
      index('team_invitations_email').on(t.emailKey),
      index('team_invitations_expiry').on(t.expiresAt),
    ],
  )

  /** One for each team. Its tokens are in the grant of (provider, client, subject) whose holder is the team. */
  const jiraIntegrations = table(
    'jira_integrations',
    {
      teamId: text('team_id')
        .primaryKey()
        .references(() => teams.id, { onDelete: 'cascade' }),
      provider: text('provider').notNull(),
      /** Empty in rows written by a version without this column; `grants.ts` fills it in. */
      issuer: text('issuer').notNull().default(''),
      clientId: text('client_id').notNull(),
      subject: text('subject').notNull(),
      /** The name of the consenting account at the provider. */
      subjectName: text('subject_name'),
      connectedBy: text('connected_by').references(() => accounts.id, { onDelete: 'set null' }),
      connectedAt: time('connected_at').notNull(),
      lastSyncAt: time('last_sync_at'),
      syncStatus: text('sync_status').$type<StoredJiraIntegration['syncStatus']>().notNull(),
      lastError: text('last_error').$type<StoredJiraIntegration['lastError']>(),
      nextSyncAt: time('next_sync_at').notNull(),
      updatedAt: time('updated_at').notNull(),
    },
    (t) => [
      index('jira_integrations_connected_by').on(t.connectedBy),
      index('jira_integrations_next_sync').on(t.nextSyncAt),
    ],
  )

  /**
   * Every site that the consent covers, chosen or not. A site that has disappeared stays, so that the page can show
   * that.
   */
  const jiraSites = table(
    'jira_sites',
    {
      teamId: text('team_id')
        .notNull()
        .references(() => jiraIntegrations.teamId, { onDelete: 'cascade' }),
      cloudId: text('cloud_id').notNull(),
      name: text('name').notNull(),
      url: text('url').notNull(),
      scopes: json('scopes').$type<readonly string[]>().notNull(),
      chosen: flag('chosen').notNull(),
      foundAt: time('found_at').notNull(),
      goneAt: time('gone_at'),
    },
    (t) => [
      unique('jira_sites_team_cloud').on(t.teamId, t.cloudId),
      index('jira_sites_name').on(t.teamId, t.name, t.cloudId),
    ],
  )

  /**
   * The providers that administrators added at run time. Their settings are in `provider_versions`. `revision` grows
   * with every change, for optimistic locking and so that other nodes notice it.
   */
  const providers = table(
    'providers',
    {
      id: text('id').primaryKey(),
      kind: text('kind').notNull(),
      enabled: flag('enabled').notNull(),
      position: count('position').notNull(),
      revision: count('revision').notNull(),
      /** The number of the newest version. Numbers are not used again. */
      version: count('version').notNull(),
      createdBy: text('created_by'),
      createdAt: time('created_at').notNull(),
      updatedBy: text('updated_by'),
      updatedAt: time('updated_at').notNull(),
      /** Set while its last grants are revoked at the provider; the row is deleted afterwards. */
      deletedAt: time('deleted_at'),
    },
    (t) => [index('providers_created_by').on(t.createdBy), index('providers_updated_by').on(t.updatedBy)],
  )

  /**
   * The versions of a provider's settings: at most one draft and one that is live, and the former ones. A version is
   * never edited, so a sign-in in progress finds the settings it began with.
   */
  const providerVersions = table(
    'provider_versions',
    {
      id: text('id').primaryKey(),
      provider: text('provider_id')
        .notNull()
        .references(() => providers.id, { onDelete: 'cascade' }),
      version: count('version').notNull(),
      state: text('state').$type<VersionState>().notNull(),
      settings: json('settings').$type<Readonly<Record<string, string>>>().notNull(),
      /** The secret settings as sealed JSON; `null` if there are none. */
      secret: sealed('secret'),
      secretExpiresAt: time('secret_expires_at'),
      /** The last notice about that: how many days before. */
      noticedDays: count('noticed_days'),
      author: text('created_by'),
      createdAt: time('created_at').notNull(),
      liveAt: time('live_at'),
      /** When its author signed in with it. */
      triedAt: time('tried_at'),
      /** What the provider returned then, sealed, for the author to read until `trial_expires_at`. */
      trial: sealed('trial'),
      trialExpiresAt: time('trial_expires_at'),
    },
    (t) => [
      unique('provider_versions_provider_version').on(t.provider, t.version),
      index('provider_versions_created_by').on(t.author),
      index('provider_versions_trial').on(t.trialExpiresAt),
    ],
  )

  /** The brand of the service: one row. `version` grows with every change, so that other nodes notice it. */
  const branding = table('branding', {
    id: text('id').primaryKey(),
    version: count('version').notNull(),
    values: json('fields').$type<Readonly<Record<string, string>>>().notNull(),
    updatedAt: time('updated_at').notNull(),
  })

  /** Pictures that administrators uploaded: of the brand, by its field, and of applications, by their ID. */
  const pictures = table(
    'pictures',
    {
      id: text('id').primaryKey(),
      applicationId: text('application_id').references(() => applications.id, { onDelete: 'cascade' }),
      /** SHA-256 of the picture, under which an application's is served. */
      hash: text('hash').notNull(),
      contentType: text('content_type').$type<Picture['contentType']>().notNull(),
      /** Base64. */
      body: text('body').notNull(),
      updatedAt: time('updated_at').notNull(),
    },
    (t) => [index('pictures_hash').on(t.hash), index('pictures_application').on(t.applicationId)],
  )

  // Its SQL name is older than ours: a node of the version before, which may run next to this one, knows no other.
  const pendingAuthorizations = table(
    'flows',
    {
      id: text('id').primaryKey(),
      stateHash: text('state_hash').notNull(),
      bindingHash: text('binding_hash').notNull(),
      provider: text('provider').notNull(),
      /** `null` in rows written by a version without these columns. */
      issuer: text('issuer'),
      clientId: text('client_id'),
      /** Which version of the provider's settings it began with; `null` for those from the environment. */
      providerVersion: text('provider_version'),
      intent: text('intent').$type<PendingAuthorization['intent']>().notNull(),
      redirectUri: text('redirect_uri').notNull(),
      verifier: sealed('verifier').notNull(),
      nonce: text('nonce'),
      accountId: text('account_id').references(() => accounts.id, { onDelete: 'cascade' }),
      sessionId: text('session_id'),
      teamId: text('team_id').references(() => teams.id, { onDelete: 'cascade' }),
      scopes: json('scopes').$type<readonly string[]>(),
      returnTo: text('return_to'),
      codeChallenge: text('code_challenge'),
      createdAt: time('created_at').notNull(),
      expiresAt: time('expires_at').notNull(),
      claimedAt: time('claimed_at'),
    },
    (t) => [
      unique('flows_state_hash').on(t.stateHash),
      index('flows_account').on(t.accountId),
      index('flows_team').on(t.teamId),
      index('flows_expiry').on(t.expiresAt),
    ],
  )

  const conflicts = table(
    'conflicts',
    {
      id: text('id').primaryKey(),
      ticketHash: text('ticket_hash').notNull(),
      bindingHash: text('binding_hash').notNull(),
      provider: text('provider').notNull(),
      grant: sealed('grant').notNull(),
      returnTo: text('return_to'),
      codeChallenge: text('code_challenge'),
      createdAt: time('created_at').notNull(),
      expiresAt: time('expires_at').notNull(),
      resolvedAt: time('resolved_at'),
    },
    (t) => [unique('conflicts_ticket_hash').on(t.ticketHash), index('conflicts_expiry').on(t.expiresAt)],
  )

  /** Several rows may rest on one consent at a provider: the person's own, and one for each team it was given to. */
  const grants = table(
    'grants',
    {
      id: text('id').primaryKey(),
      provider: text('provider').notNull(),
      /** The issuer of the subject, as in `identities`. Empty in rows written by a version without this column. */
      issuer: text('issuer').notNull().default(''),
      clientId: text('client_id').notNull(),
      subject: text('subject').notNull(),
      /**
       * `person`, or the ID of the team it was given to. No foreign key: a grant waiting for revocation outlives the
       * team.
       */
      holder: text('holder').$type<StoredGrant['holder']>().notNull(),
      accessToken: sealed('access_token'),
      refreshToken: sealed('refresh_token'),
      askedScopes: json('asked_scopes').$type<readonly string[]>().notNull(),
      scopes: json('scopes').$type<readonly string[]>().notNull(),
      expiresAt: time('expires_at'),
      refreshExpiresAt: time('refresh_expires_at'),
      status: text('status').$type<StoredGrant['status']>().notNull(),
      consentedAt: time('consented_at').notNull(),
      refreshedAt: time('refreshed_at'),
      usedAt: time('used_at'),
      dueAt: time('due_at'),
      failures: count('failures').notNull(),
      lastError: text('last_error').$type<GrantErrorClass>(),
      lastErrorAt: time('last_error_at'),
      updatedAt: time('updated_at').notNull(),
      leaseOwner: text('lease_owner'),
      leaseUntil: time('lease_until'),
      fence: count('fence').notNull(),
    },
    (t) => [
      unique('grants_identity_client_holder').on(t.provider, t.subject, t.issuer, t.clientId, t.holder),
      index('grants_holder').on(t.holder),
      index('grants_app_due').on(t.provider, t.clientId, t.dueAt, t.id),
    ],
  )

  /** No foreign key: a pending revocation outlives the account. */
  const revocations = table(
    'revocations',
    {
      id: text('id').primaryKey(),
      /** The account whose activity shows the revocation. It may be deleted. */
      accountId: text('account_id').notNull(),
      /** The team whose connection it was, for the page of the team. */
      teamId: text('team_id'),
      grantId: text('grant_id').notNull(),
      provider: text('provider').notNull(),
      /** Empty if a version without this column wrote the row and its identity is gone. */
      issuer: text('issuer').notNull().default(''),
      clientId: text('client_id').notNull(),
      subject: text('subject').notNull(),
      accessToken: sealed('access_token').notNull(),
      refreshToken: sealed('refresh_token'),
      attempts: count('attempts').notNull(),
      nextAttemptAt: time('next_attempt_at').notNull(),
      lastError: text('last_error'),
      createdAt: time('created_at').notNull(),
    },
    (t) => [
      index('revocations_provider_next_attempt').on(t.provider, t.nextAttemptAt, t.id),
      index('revocations_account').on(t.accountId, t.createdAt, t.id),
      index('revocations_team').on(t.teamId),
    ],
  )

  /** Registered applications: clients of the OpenID provider. */
  const applications = table(
    'applications',
    {
      id: text('id').primaryKey(),
      name: text('name').notNull(),
      kind: text('kind').$type<Application['kind']>().notNull(),
      firstParty: flag('first_party').notNull(),
      redirectUris: json('redirect_uris').$type<readonly string[]>().notNull(),
      postLogoutRedirectUris: json('post_logout_redirect_uris').$type<readonly string[]>().notNull(),
      scopes: json('scopes').$type<readonly string[]>().notNull(),
      resources: json('resources').$type<readonly string[]>().notNull(),
      clientAuth: text('client_auth').$type<Application['clientAuth']>().notNull(),
      secretHash: text('secret_hash'),
      /** The previous secret, accepted until `previous_until`, so that deployments can switch one by one. */
      previousHash: text('previous_hash'),
      previousUntil: time('previous_until'),
      accessTtlSeconds: count('access_ttl_seconds'),
      refreshTtlSeconds: count('refresh_ttl_seconds'),
      backchannelLogoutUri: text('backchannel_logout_uri'),
      corsOrigins: json('cors_origins').$type<readonly string[]>().notNull().default([]),
      logoUri: text('logo_uri'),
      /** The name of the file of its uploaded logo. */
      logo: text('logo'),
      jwks: json('jwks').$type<ApplicationKeys>(),
      jwksUri: text('jwks_uri'),
      requiresDpop: flag('requires_dpop').notNull().default(false),
      subjectType: text('subject_type').$type<Application['subjectType']>().notNull().default('public'),
      sectorIdentifierUri: text('sector_identifier_uri'),
      idTokenAlgorithm: text('id_token_algorithm').$type<Application['idTokenAlgorithm']>().notNull().default('ES256'),
      source: text('source').$type<Application['source']>().notNull().default('administrator'),
      registrationHash: text('registration_hash'),
      documentHash: text('document_hash'),
      documentReadAt: time('document_read_at'),
      /** Nobody can sign in to a disabled application, and its tokens are refused. */
      disabledAt: time('disabled_at'),
      createdBy: text('created_by'),
      createdAt: time('created_at').notNull(),
      updatedAt: time('updated_at').notNull(),
      lastUsedAt: time('last_used_at'),
    },
    (t) => [
      index('applications_created').on(t.createdAt, t.id),
      index('applications_created_by').on(t.createdBy),
      // Counts those of each source, and finds those that nobody uses.
      index('applications_source').on(t.source, t.lastUsedAt, t.createdAt),
    ],
  )

  /** Initial access tokens: with one, an application registers itself (RFC 7591). */
  const registrationTokens = table(
    'registration_tokens',
    {
      id: text('id').primaryKey(),
      name: text('name').notNull(),
      tokenHash: text('token_hash').notNull(),
      usesLeft: count('uses_left').notNull(),
      expiresAt: time('expires_at').notNull(),
      createdBy: text('created_by'),
      createdAt: time('created_at').notNull(),
    },
    (t) => [
      unique('registration_tokens_hash').on(t.tokenHash),
      index('registration_tokens_created').on(t.createdAt, t.id),
      index('registration_tokens_expires').on(t.expiresAt),
      index('registration_tokens_created_by').on(t.createdBy),
    ],
  )

  /** What a person has allowed an application to see. */
  const applicationConsents = table(
    'application_consents',
    {
      id: text('id').primaryKey(),
      accountId: text('account_id')
        .notNull()
        .references(() => accounts.id, { onDelete: 'cascade' }),
      applicationId: text('application_id')
        .notNull()
        .references(() => applications.id, { onDelete: 'cascade' }),
      scopes: json('scopes').$type<readonly string[]>().notNull(),
      resources: json('resources').$type<readonly string[]>().notNull(),
      documentHash: text('document_hash'),
      createdAt: time('created_at').notNull(),
      updatedAt: time('updated_at').notNull(),
    },
    (t) => [
      unique('application_consents_account_application').on(t.accountId, t.applicationId),
      index('application_consents_application').on(t.applicationId),
    ],
  )

  /**
   * One row for each sign-in to an application, for its whole lifetime, as `sessions` has one for a device. A rotation
   * writes no indexed column. There is no foreign key to the session and the account: when they are deleted,
   * `application-endings.ts` queues the notices to the applications from these rows, and then deletes them.
   */
  const applicationSessions = table(
    'application_sessions',
    {
      id: text('id').primaryKey(),
      applicationId: text('application_id')
        .notNull()
        .references(() => applications.id, { onDelete: 'cascade' }),
      sessionId: text('session_id').notNull(),
      accountId: text('account_id').notNull(),
      /** The session ID that the application knows. It stays when another sign-in of the browser replaces the session. */
      sid: text('sid').notNull(),
      scope: text('scope').notNull(),
      resources: json('resources').$type<readonly string[]>().notNull(),
      amr: json('amr').$type<readonly string[]>().notNull(),
      authTime: time('auth_time').notNull(),
      dpopKey: text('dpop_key'),
      createdAt: time('created_at').notNull(),
      generation: count('generation').notNull(),
      rotatedAt: time('rotated_at').notNull(),
      usedGeneration: count('used_generation').notNull(),
      idleExpiresAt: time('idle_expires_at').notNull(),
      absoluteExpiresAt: time('absolute_expires_at').notNull(),
      endedAt: time('ended_at'),
    },
    (t) => [
      index('application_sessions_session').on(t.sessionId, t.applicationId, t.createdAt, t.id),
      index('application_sessions_account').on(t.accountId, t.id),
      // Counts the open ones of an account at each sign-in, and finds the oldest. Not partial: PostgreSQL would prefer such
      // a small index to that of the session.
      index('application_sessions_open').on(t.accountId, t.endedAt, t.createdAt, t.id),
      // Also counts the people who are signed in to an application, and lists them page by page.
      index('application_sessions_application_account').on(t.applicationId, t.accountId, t.id),
    ],
  )

  /** Back-channel logout notices to applications, until they are delivered. */
  const logoutNotices = table(
    'logout_notices',
    {
      id: text('id').primaryKey(),
      applicationId: text('application_id')
        .notNull()
        .references(() => applications.id, { onDelete: 'cascade' }),
      /** No foreign key: an application is also notified when the account was deleted. */
      accountId: text('account_id').notNull(),
      sid: text('sid').notNull(),
      attempts: count('attempts').notNull(),
      nextAttemptAt: time('next_attempt_at').notNull(),
      lastError: text('last_error'),
      createdAt: time('created_at').notNull(),
    },
    (t) => [
      index('logout_notices_application_next_attempt').on(t.applicationId, t.nextAttemptAt, t.id),
      index('logout_notices_account').on(t.accountId, t.id),
    ],
  )

  /** What the engine of the OpenID provider stores between two requests: authorization requests and codes, sealed. */
  const openidStates = table(
    'openid_states',
    {
      id: text('id').primaryKey(),
      kind: text('kind').notNull(),
      payload: sealed('payload').notNull(),
      accountId: text('account_id').references(() => accounts.id, { onDelete: 'cascade' }),
      createdAt: time('created_at').notNull(),
      expiresAt: time('expires_at').notNull(),
      usedAt: time('used_at'),
    },
    (t) => [
      index('openid_states_account').on(t.accountId, t.createdAt, t.id),
      index('openid_states_expiry').on(t.expiresAt),
    ],
  )

  /** No foreign key on `account_id`: the audit log stays when the account is deleted. */
  const audit = table(
    'audit',
    {
      id: text('id').primaryKey(),
      at: time('at').notNull(),
      /** Increases on each node, so that facts of one millisecond keep their order on that node. */
      ordinal: count('ordinal').notNull(),
      event: text('event').notNull(),
      accountId: text('account_id'),
      ip: text('ip'),
      userAgent: text('user_agent'),
      requestId: text('request_id'),
      data: json('data').$type<Readonly<Record<string, unknown>>>().notNull(),
    },
    (t) => [
      // One index for each view of the log, in the order of the list.
      index('audit_at').on(t.at, t.ordinal, t.id),
      index('audit_event_at').on(t.event, t.at, t.ordinal, t.id),
      index('audit_account_at').on(t.accountId, t.at, t.ordinal, t.id),
      index('audit_account_event_at').on(t.accountId, t.event, t.at, t.ordinal, t.id),
      // A busy back end requests tokens all day; this is the index of an account without those rows.
      index('audit_account_no_loan_at')
        .on(t.accountId, t.at, t.ordinal, t.id)
        .where(sql`event <> 'provider_token.lent'`),
      // For sweeps. Most rows stay permanently without an IP address and a user agent, so the index holds only the
      // others.
      index('audit_placed').on(t.at).where(sql`ip is not null or user_agent is not null`),
      index('audit_of_nobody').on(t.at, t.id).where(sql`account_id is null`),
      // `audit_event_at` has its rows too, but PostgreSQL may prefer `audit_at`, which has them in the order of the table.
      index('audit_refused').on(t.at, t.id).where(sql`event = 'authentication.failed'`),
      index('audit_ip').on(t.ip, t.at, t.ordinal, t.id).where(sql`ip is not null`),
      index('audit_request').on(t.requestId, t.at, t.ordinal, t.id),
    ],
  )

  /** What happened in each hour, for the overview of administrators. The ID is made of hour, measure and label. */
  const hourlyCounts = table(
    'hourly_counts',
    {
      id: text('id').primaryKey(),
      hour: time('hour').notNull(),
      measure: text('measure').$type<Measure>().notNull(),
      label: text('label').notNull(),
      count: count('count').notNull(),
    },
    (t) => [index('hourly_counts_hour').on(t.hour, t.id)],
  )

  const leases = table('leases', {
    name: text('name').primaryKey(),
    owner: text('owner').notNull(),
    expiresAt: time('expires_at').notNull(),
  })

  /** When each shared job runs next, and its last result, so that nodes neither repeat nor miss a run. */
  const jobs = table('jobs', {
    name: text('name').primaryKey(),
    dueAt: time('due_at').notNull(),
    startedAt: time('started_at'),
    finishedAt: time('finished_at'),
    milliseconds: count('milliseconds'),
    outcome: text('outcome').$type<JobRecord['outcome']>(),
    runs: count('runs').notNull(),
    failures: count('failures').notNull(),
  })

  /**
   * The encryption keys that encrypt values in this database, each with a text that only this key decrypts. The row
   * `root:` holds the encrypted root secret, which survives key rotation.
   */
  const sealingKeys = table('sealing_keys', {
    id: text('id').primaryKey(),
    proof: sealed('proof').notNull(),
    createdAt: time('created_at').notNull(),
  })

  const rateLimits = table(
    'rate_limits',
    {
      key: text('key').primaryKey(),
      hits: count('hits').notNull(),
      resetsAt: time('resets_at').notNull(),
    },
    (t) => [index('rate_limits_reset').on(t.resetsAt)],
  )

  return {
    accounts,
    identities,
    sessions,
    pendingSignIns,
    passwords,
    totpFactors,
    recoveryCodes,
    passkeys,
    tickets,
    mails,
    trustedDevices,
    guesses,
    serviceCredentials,
    signInCodes,
    signingKeys,
    teams,
    teamMembers,
    teamInvitations,
    jiraIntegrations,
    jiraSites,
    providers,
    providerVersions,
    branding,
    pictures,
    pendingAuthorizations,
    conflicts,
    grants,
    revocations,
    applications,
    registrationTokens,
    applicationConsents,
    applicationSessions,
    logoutNotices,
    openidStates,
    audit,
    hourlyCounts,
    leases,
    jobs,
    sealingKeys,
    rateLimits,
  }
}
export type Tables = ReturnType<typeof defineTables>
