import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { createConflicts } from './accounts/conflicts.ts'
import { createLinks } from './accounts/links.ts'
import type { SignInRules } from './accounts/methods.ts'
import { createProfiles } from './accounts/profile.ts'
import { createForecast, createReconcile } from './accounts/reconcile.ts'
import { scopeOf } from './accounts/roles.ts'
import { createUsers } from './accounts/users.ts'
import { createApplicationAccess } from './applications/access.ts'
import { createApplications } from './applications/applications.ts'
import { createLogoutNotices } from './applications/logout-notices.ts'
import { createApplicationSessions } from './applications/sessions.ts'
import { createBrand } from './branding/accent.ts'
import { type CompleteConfig, ConfigError, routeSettings } from './config.ts'
import { createProviderTokens } from './connections/provider-tokens.ts'
import { createCredentials } from './credentials/credentials.ts'
import { trustSeconds } from './credentials/trusted-devices.ts'
import { applyProviders } from './flows/apply-providers.ts'
import { createFlows } from './flows/flows.ts'
import { createReturns } from './flows/return-to.ts'
import { tellDeadGrant } from './flows/tell-dead-grant.ts'
import { openFoundation, type VinculumParts } from './foundation.ts'
import { apiRoutes } from './http/api/index.ts'
import { createApp } from './http/app.ts'
import { networkOf } from './http/limits.ts'
import { errorPage, pageRoutes, staticFiles } from './http/pages/index.ts'
import { authenticateWith } from './http/principal.ts'
import { createServer } from './http/server.ts'
import type { Services } from './http/services.ts'
import { defineJobs } from './jobs/jobs.ts'
import { createScheduler } from './jobs/scheduler.ts'
import { createSweeping, retentionSeconds } from './jobs/sweeping.ts'
import { acceptsDoctorToken } from './kernel/doctor-token.ts'
import { secretToken } from './kernel/ids.ts'
import { createShared } from './kernel/shared.ts'
import { createMail } from './mail/mail.ts'
import { createOAuth } from './oauth.ts'
import { deliverLogoutToken } from './openid/deliver.ts'
import { createOpenid } from './openid/openid.ts'
import { createProviderActivity } from './providers/activity.ts'
import { createManagedProviders } from './providers/managed.ts'
import { createProviders } from './providers/providers.ts'
import { prefix } from './providers/settings.ts'
import { packageRoot } from './root.ts'
import { createReseal } from './sealing/reseal.ts'
import { openRing } from './sealing/ring.ts'
import { createEndSessions } from './sessions/end-sessions.ts'
import { createSessions } from './sessions/sessions.ts'
import { createOverview } from './statistics/overview.ts'
import { createRollUp } from './statistics/roll-up.ts'
import type { Store } from './store/open.ts'
import { createInvitations } from './teams/invitations.ts'
import { createTeams } from './teams/teams.ts'
import { createMetrics } from './telemetry/metrics.ts'

const { version } = JSON.parse(readFileSync(new URL('package.json', packageRoot), 'utf8')) as { version: string }

/** How long requests in progress may take after SIGTERM, in seconds. */
const graceSeconds = 10

/** Builds the service, in order of dependency. */
export async function createVinculum(config: CompleteConfig, parts: Partial<VinculumParts> = {}) {
  const {
    base,
    log,
    droppedLines,
    clockSkewMs,
    store,
    closeStore,
    close: closeFoundation,
  } = await openFoundation(config, parts)
  const { clock, random, events, sealer, onDefect } = base
  try {
    return await assemble(store)
  } catch (error) {
    await closeStore()
    throw error
  }

  async function assemble(stored: Store) {
    const { accounts, audit, grants } = stored
    const { tokens: lifetimes, oauth, recentAuthSeconds, publicUrl } = config
    const providers = createProviders({
      ...base,
      settings: config.providers,
      production: config.production,
      proxy: config.proxy,
      userInfoTtlSeconds: oauth.userInfoTtlSeconds,
      // A code may arrive at the last moment of its round trip, and is then exchanged.
      formerSeconds: oauth.stateTtlSeconds + 60,
    })
    const signInRules: SignInRules = {
      acceptsIdentity: ({ provider, issuer }) => providers.get(provider)?.speaksFor(issuer) === true,
      requireVerifiedEmail: config.requireVerifiedEmail,
    }

    // The encryption keys, before anything is opened or written
    const ring = await openRing({ ...base, store: stored.sealed, ring: config.encryptionKeys })

    // The providers that administrators added, in addition to those from the environment
    const managed = createManagedProviders({
      ...base,
      store: stored.providers,
      providers,
      fixed: config.providers,
      general: {
        production: config.production,
        publicUrl,
        OAUTH_HTTP_TIMEOUT_MS: config.providerTimeoutMs,
        reach: config.providerReach,
      },
    })
    const inBoth = await managed.inBoth()
    if (inBoth.length > 0)
      throw new ConfigError(
        inBoth.map(
          (id) =>
            `${prefix(id)}CLIENT_ID: the provider “${id}” was also added at run time; remove its settings from the environment, or delete it in /admin/providers before you set them`,
        ),
      )
    await managed.load()

    // Credentials
    const credentials = createCredentials({
      ...base,
      stored,
      keysFor: ring.keysFor,
      publicUrl,
      passwordPolicy: config.passwords,
      passkeyOrigins: config.passkeyOrigins,
      networkOf,
      record: audit.record,
    })

    // Sessions and sign-in
    const applications = createApplications({
      ...base,
      applications: stored.applications,
      sessions: stored.applicationSessions,
    })
    const applicationSessions = createApplicationSessions({
      ...base,
      sessions: stored.applicationSessions,
      refreshTtlSeconds: lifetimes.refreshTtlSeconds,
    })
    const returns = createReturns({ allowed: config.returnToAllowed, self: publicUrl })
    const { keys, tokens, devices, signIn, codes } = await createSessions({
      ...base,
      stored,
      settings: lifetimes,
      returns,
      familiarity: credentials.trustedDevices,
      requireVerifiedEmail: config.requireVerifiedEmail,
      accountExists: async (id) => (await accounts.find(id)) !== undefined,
      ofApplication: ({ session }, generation) => applicationSessions.use(session, generation),
      isEnabled: (id) => providers.get(id) !== undefined,
      scopeOf,
    })

    // Who the service is for its users
    const brand = await createBrand(config.brand)

    // Email
    const { letter, allowed, mailbox, mailer } = createMail({
      ...base,
      mails: stored.mails,
      settings: config.mail,
      brand,
      production: config.production,
      publicUrl,
      hit: stored.rateLimits.hit,
      providerName: (id) => providers.get(id)?.name ?? id,
    })
    if (config.mail.tag === 'off')
      log.warn('SMTP_URL is not set: no e-mail is sent, so addresses cannot be verified and passwords not be reset')

    // Accounts
    const reconcile = createReconcile({ ...base, accounts, policy: oauth })
    const forecast = createForecast({ accounts, policy: oauth })
    const links = createLinks({ ...base, accounts, rules: signInRules })
    const conflicts = createConflicts({ ...base, conflicts: stored.conflicts })
    const profiles = createProfiles({ ...base, accounts })
    const users = createUsers({ ...base, users: stored.users, accounts })

    // Provider tokens
    const { vault, renewal, revocation, standing } = createProviderTokens({
      ...base,
      grants,
      revocations: stored.revocations,
      providers,
      concerns: tellDeadGrant({ accounts, teams: stored.teams }),
    })
    const wakeMail = (): void => void scheduler.run('send-mail')
    const wakeRevocation = (): void => {
      revocation.wake()
      void scheduler.run('revoke-at-provider')
    }

    // Teams
    const teams = createTeams({ ...base, teams: stored.teams, wakeRevocation })
    const invitations = createInvitations({ ...base, teams: stored.teams, invitations: stored.invitations })

    // Every verb of the service
    const flows = createFlows({
      ...base,
      // A noun below replaces the store of the same name.
      ...stored,
      stored: stored.passwords,
      store: stored.passkeys,
      providers,
      managed,
      reconcile,
      forecast,
      conflicts,
      links,
      users,
      rules: signInRules,
      returns,
      signIn,
      codes,
      devices,
      applications,
      applicationSessions,
      tokens,
      ...credentials,
      vault,
      renewal,
      invitations,
      letter,
      allowed,
      mail: config.mail.tag !== 'off',
      autoRegister: oauth.autoRegister,
      policy: { stateTtlSeconds: oauth.stateTtlSeconds, returnToAllowed: config.returnToAllowed, publicUrl },
      windows: lifetimes,
      ...lifetimes,
      revokeUnused: async (grant, accountId) => {
        await revocation.revokeUnused(grant, accountId)
        wakeRevocation()
      },
      wakeMail,
      wakeRevocation,
    })

    // Applications that sign people in
    const openid = createOpenid({
      ...base,
      publicUrl,
      ...lifetimes,
      keys,
      tokens,
      states: stored.openidStates,
      consents: stored.consents,
      applications,
      applicationSessions,
      devices,
      claims: flows.readUserClaims,
    })
    const logoutNotices = createLogoutNotices({
      ...base,
      notices: stored.logoutNotices,
      applications: stored.applications,
      deliver: (uri, notice) => deliverLogoutToken(uri, tokens.logout(notice)),
    })

    // Background jobs: on a schedule, or when a flow has queued work
    const sweeping = createSweeping({
      ...base,
      sweeps: stored.sweeps,
      keptSeconds: retentionSeconds({ refusedSignIns: config.refusedSignInTtlSeconds }),
    })
    const scheduler = createScheduler({
      ...base,
      jobs: defineJobs({
        revocation,
        jiraSites: flows.syncJiraSites,
        renewal,
        mailer,
        logoutNotices,
        keys,
        managed,
        manageProviders: flows.manageProviders,
        sweeping,
        rollUp: createRollUp({ statistics: stored.statistics, clock }),
        repairGrants: async () => {
          if ((await vault.repair()) > 0) wakeRevocation()
        },
      }),
      store: stored.jobs,
      ...(parts.timing ? { timing: parts.timing } : {}),
      owner: secretToken(random),
    })

    // HTTP
    let closing = false
    // Probes and strangers call at the same time: one query serves all of them.
    const storeReady = createShared(() => store.ready())
    const metrics = createMetrics(events, {
      breakers: providers.health,
      jobBacklogs: scheduler.backlogs,
      droppedLogLines: droppedLines,
      clockSkewMs,
    })
    const services: Services = {
      flows,
      profiles,
      users,
      personalData: (accountId, origin) =>
        stored.personalData.gather(accountId, [{ name: 'account.exported', accountId, origin, data: {} }]),
      teams,
      invitations,
      links,
      devices,
      codes,
      tokens,
      keys,
      providers,
      providerActivity: createProviderActivity(events, clock),
      serviceCredentials: credentials.serviceCredentials,
      applications,
      applicationAccess: createApplicationAccess({ access: stored.applicationAccess, clock }),
      openid,
      audit,
      overview: createOverview({ statistics: stored.statistics, clock }),
      jobs: scheduler.status,
      standing,
      revocationsOf: revocation.waiting,
      metrics,
      mailbox,
      ready: async () => !closing && (await storeReady()),
      acceptsDoctor: (token) => acceptsDoctorToken(config.encryptionKeys, token, clock()),
      clock,
      settings: {
        ...routeSettings(config),
        deviceCookieSeconds: trustSeconds,
        flowCookieSeconds: oauth.stateTtlSeconds + conflicts.ttlSeconds,
      },
    }
    const { app, refusals } = createApp<Services>({
      routes: [...apiRoutes, ...pageRoutes],
      vinculum: services,
      publicUrl,
      applications: config.returnToAllowed,
      registeredOrigins: applications.origins,
      trustProxyHops: config.trustProxyHops,
      clock,
      random,
      events,
      authenticate: authenticateWith(devices),
      recentAuthSeconds,
      requestMs: config.store.tag === 'postgres' ? config.requestDeadlineMs : null,
      rateLimits: config.rateLimits ? stored.rateLimits : null,
      csrfKey: ring.keysFor('csrf')[0],
      brand,
      errorPage,
      record: audit.record,
      onDefect,
      onWarning: (message) => log.warn(message),
      staticFiles,
      version,
    })
    const server = createServer(app, refusals)

    return {
      app,
      events,
      flows,
      log,
      /** The time that all nodes share. Every stored time is of this clock. */
      now: clock,
      oauth: createOAuth({ flows, links, tokens }),
      rotateSigningKeys: keys.rotate,
      reseal: createReseal({ store: stored.sealed, sealer }),
      makeAdministrator: users.makeAdministrator,
      /** Makes providers as declared, for the command. */
      applyProviders: applyProviders({ managed }),
      listProviders: managed.list,
      endSessions: createEndSessions({ store: stored.endable, clock }),
      runJob: scheduler.run,
      /** The messages that are not sent: outside production, without a mail server. */
      mailbox,
      async listen(): Promise<AddressInfo> {
        const address = await server.listen(config.port, config.host)
        scheduler.start()
        return address
      },
      /** Becomes not ready, lets requests in progress finish, and closes everything in reverse order. */
      async close(): Promise<void> {
        closing = true
        await pause(config.shutdownDrainSeconds * 1000)
        await server.close(graceSeconds)
        mailer.stop()
        logoutNotices.stop()
        renewal.stop()
        revocation.stop()
        sweeping.stop()
        await scheduler.stop()
        mailer.close()
        await providers.close()
        await closeFoundation()
      },
    }
  }
}

export type Vinculum = Awaited<ReturnType<typeof createVinculum>>
