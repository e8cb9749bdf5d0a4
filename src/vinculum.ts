import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { createAccounts } from './accounts/accounts.ts'
import type { SignInRules } from './accounts/methods.ts'
import { scopeOf } from './accounts/roles.ts'
import { applicationLimits } from './applications/policy.ts'
import { createBranding } from './branding/branding.ts'
import { type CompleteConfig, refuseProvidersInBoth } from './config.ts'
import { createProviderTokens } from './connections/provider-tokens.ts'
import { createCredentials } from './credentials/credentials.ts'
import { applyApplications } from './flows/apply-applications.ts'
import { applyProviders } from './flows/apply-providers.ts'
import { createFlows } from './flows/flows.ts'
import { createReturns } from './flows/return-to.ts'
import { tellDeadGrant } from './flows/tell-dead-grant.ts'
import { type Foundation, openFoundation, type VinculumParts } from './foundation.ts'
import { networkOf } from './http/limits.ts'
import { createBackground } from './jobs/background.ts'
import { retentionSeconds } from './jobs/sweeping.ts'
import { atMost } from './kernel/at-most.ts'
import { secretToken } from './kernel/ids.ts'
import { createMail } from './mail/mail.ts'
import { createOAuth } from './oauth.ts'
import { createOpenidProvider } from './openid-provider.ts'
import { createIdentityProviders } from './providers/identity-providers.ts'
import { createReseal } from './sealing/reseal.ts'
import { openRing } from './sealing/ring.ts'
import { createEndSessions } from './sessions/end-sessions.ts'
import { createSessions } from './sessions/sessions.ts'
import { createRollUp } from './statistics/roll-up.ts'
import { createInvitations } from './teams/invitations.ts'
import { createTeams } from './teams/teams.ts'
import { createWeb } from './web.ts'

/** How long requests in progress may take after SIGTERM, in seconds. */
const graceSeconds = 10
/**
 * How long jobs in progress may take to end after that, in milliseconds. What they leave behind is due again: the next
 * start, or another node, continues.
 */
const backgroundMs = 15_000

/** Builds the service, in order of dependency. */
export async function createVinculum(config: CompleteConfig, parts: Partial<VinculumParts> = {}) {
  const foundation = await openFoundation(config, parts)
  try {
    return await assemble(config, foundation, parts)
  } catch (error) {
    await foundation.closeStore()
    throw error
  }
}

async function assemble(config: CompleteConfig, foundation: Foundation, parts: Partial<VinculumParts>) {
  const { base, log, store: stored } = foundation
  const { clock, random, events, sealer } = base
  const { accounts, audit, grants } = stored
  const { tokens: lifetimes, oauth, publicUrl } = config

  // The encryption keys, before anything is opened or written
  const ring = await openRing({ ...base, store: stored.sealed, ring: config.encryptionKeys })

  // Identity providers
  const { providers, managed } = createIdentityProviders({
    ...base,
    store: stored.providers,
    settings: config.providers,
    production: config.production,
    proxy: config.proxy,
    publicUrl,
    timeoutMs: config.providerTimeoutMs,
    reach: config.providerReach,
    userInfoTtlSeconds: oauth.userInfoTtlSeconds,
    // A code may arrive at the last moment of its round trip, and is then exchanged.
    formerSeconds: oauth.stateTtlSeconds + 60,
  })
  refuseProvidersInBoth(await managed.inBoth())
  await managed.load()
  const signInRules: SignInRules = {
    acceptsIdentity: ({ provider, issuer }) => providers.get(provider)?.speaksFor(issuer) === true,
    requireVerifiedEmail: config.requireVerifiedEmail,
  }

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
  const clients = createOpenidProvider({
    config,
    foundation,
    subjectKey: ring.keysFor('pairwise subjects')[0],
    nonceKey: ring.keysFor('dpop nonces')[0],
    throttle: credentials.throttle,
    logoutToken: (notice) => tokens.logout(notice),
    prepareRs256: () => keys.prepareRs256(),
  })
  const { applications, applicationAccess, applicationSessions, subjects } = clients
  const returns = createReturns({ allowed: config.returnToAllowed, self: publicUrl })
  const { keys, tokens, devices, signIn, codes } = await createSessions({
    ...base,
    stored,
    settings: lifetimes,
    longestAccessSeconds: applicationLimits.accessSeconds.most,
    returns,
    familiarity: credentials.trustedDevices,
    requireVerifiedEmail: config.requireVerifiedEmail,
    accountExists: async (id) => (await accounts.find(id)) !== undefined,
    ofApplication: ({ session }, generation) => applicationSessions.use(session, generation),
    isEnabled: (id) => providers.get(id) !== undefined,
    scopeOf,
  })

  // Who the service is for its users
  const branding = await createBranding({ ...base, store: stored.branding, defaults: config.brand })

  // Email
  const { letter, allowed, mailbox, mailer } = createMail({
    ...base,
    mails: stored.mails,
    settings: config.mail,
    brand: branding.current,
    production: config.production,
    publicUrl,
    hit: stored.rateLimits.hit,
    providerName: (id) => providers.get(id)?.name ?? id,
  })
  if (config.mail.tag === 'off')
    log.warn('SMTP_URL is not set: no email is sent, so addresses cannot be verified and passwords cannot be reset')

  // Accounts
  const { profiles, ...people } = createAccounts({ ...base, stored, policy: oauth, rules: signInRules })
  const { conflicts, links, users } = people

  // Provider tokens
  const { vault, renewal, revocation, standing } = createProviderTokens({
    ...base,
    grants,
    revocations: stored.revocations,
    providers,
    concerns: tellDeadGrant({ accounts, teams: stored.teams }),
  })
  const wakeMail = (): void => {
    mailer.wake()
    void scheduler.run('send-mail')
  }
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
    ...people,
    rules: signInRules,
    returns,
    signIn,
    codes,
    devices,
    applications,
    applicationSessions,
    subjects,
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

  const background = createBackground({
    ...base,
    stored,
    keptSeconds: retentionSeconds({ refusedSignIns: config.refusedSignInTtlSeconds }),
    work: {
      revocation,
      jiraSites: flows.syncJiraSites,
      renewal,
      mailer,
      logoutNotices: clients.logoutNotices,
      keys,
      managed,
      branding,
      manageProviders: flows.manageProviders,
      rollUp: createRollUp({ statistics: stored.statistics, clock }),
      repairGrants: async () => {
        if ((await vault.repair()) > 0) wakeRevocation()
      },
    },
    ...(parts.timing ? { timing: parts.timing } : {}),
    owner: secretToken(random),
  })
  const { scheduler } = background

  const { app, server, drain } = createWeb({
    config,
    foundation,
    dpopKey: clients.dpopKey,
    nouns: {
      flows,
      profiles,
      users,
      teams,
      invitations,
      links,
      devices,
      codes,
      tokens,
      keys,
      providers,
      serviceCredentials: credentials.serviceCredentials,
      applications,
      registrations: clients.registrations,
      documents: clients.documents,
      applicationAccess,
      subjects,
      branding,
      openid: clients.createEngine({ tokens, devices, claims: flows.readUserClaims }),
      standing,
      revocationsOf: revocation.waiting,
      mailbox,
    },
    scheduler,
    csrfKey: ring.keysFor('csrf')[0],
    flowCookieSeconds: oauth.stateTtlSeconds + conflicts.ttlSeconds,
  })

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
    /** Makes applications as declared, for the command. */
    applyApplications: applyApplications({ applications }),
    listApplications: applications.list,
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
      drain()
      await pause(config.shutdownDrainSeconds * 1000)
      await server.close(graceSeconds)
      const sent = mailer.stop()
      clients.logoutNotices.stop()
      revocation.stop()
      await atMost(backgroundMs, Promise.all([sent, renewal.stop(), background.stop()]), undefined)
      mailer.close()
      await providers.close()
      await clients.close()
      await foundation.close()
    },
  }
}

export type Vinculum = Awaited<ReturnType<typeof createVinculum>>
