import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { createConflicts } from './accounts/conflicts.ts'
import { createLinks } from './accounts/links.ts'
import type { SignInRules } from './accounts/methods.ts'
import { createProfiles } from './accounts/profile.ts'
import { createReconcile } from './accounts/reconcile.ts'
import { scopeOf } from './accounts/roles.ts'
import { createUsers } from './accounts/users.ts'
import type { Config } from './config.ts'
import { createRenewal } from './connections/renewal.ts'
import { createRevocation } from './connections/revocation.ts'
import { standingOf } from './connections/standing.ts'
import { createVault } from './connections/vault.ts'
import { createEmailAccessRule } from './credentials/email-access.ts'
import { createPasskeys } from './credentials/passkeys.ts'
import { createPasswords } from './credentials/passwords.ts'
import { createRecoveryCodes } from './credentials/recovery-codes.ts'
import { createServiceCredentials } from './credentials/service-credentials.ts'
import { createThrottle } from './credentials/throttle.ts'
import { createTickets } from './credentials/tickets.ts'
import { createTotp } from './credentials/totp.ts'
import { createTrustedDevices, trustSeconds } from './credentials/trusted-devices.ts'
import { createBus } from './events/bus.ts'
import { arriveFromProvider } from './flows/arrive-from-provider.ts'
import { askForMore, stillOffers } from './flows/ask-for-more.ts'
import { askJira } from './flows/ask-jira.ts'
import { beginWithProvider } from './flows/begin-with-provider.ts'
import { changeEmail } from './flows/change-email.ts'
import { changePassword } from './flows/change-password.ts'
import { connectJira } from './flows/connect-jira.ts'
import { deleteAccount } from './flows/delete-account.ts'
import type { Flows } from './flows/flows.ts'
import { introspectToken } from './flows/introspect-token.ts'
import { inviteToTeam } from './flows/invite-to-team.ts'
import { keepJira } from './flows/keep-jira.ts'
import { lendToken } from './flows/lend-token.ts'
import { keepPasskeys } from './flows/passkeys.ts'
import { proveSecondFactor } from './flows/prove-second-factor.ts'
import { readAsAdministrator } from './flows/read-as-administrator.ts'
import { readQueues } from './flows/read-queues.ts'
import { readUserInfo } from './flows/read-userinfo.ts'
import { redeemCode } from './flows/redeem-code.ts'
import { refreshTokens } from './flows/refresh-tokens.ts'
import { register } from './flows/register.ts'
import { resetPassword } from './flows/reset-password.ts'
import { resolveConflict } from './flows/resolve-conflict.ts'
import { createReturns } from './flows/return-to.ts'
import { secondFactor } from './flows/second-factor.ts'
import { sendReset } from './flows/send-reset.ts'
import { signInByEmail } from './flows/sign-in-by-email.ts'
import { signInWithPasskey } from './flows/sign-in-with-passkey.ts'
import { signInWithPassword } from './flows/sign-in-with-password.ts'
import { signInWithProvider } from './flows/sign-in-with-provider.ts'
import { signOut } from './flows/sign-out.ts'
import { syncJiraSites } from './flows/sync-jira-sites.ts'
import { tellDeadGrant } from './flows/tell-dead-grant.ts'
import { unlinkProvider } from './flows/unlink-provider.ts'
import { type MailParts, verifyEmail } from './flows/verify-email.ts'
import { withdrawGrants } from './flows/withdraw-grants.ts'
import { apiRoutes } from './http/api/index.ts'
import { createApp } from './http/app.ts'
import { networkOf } from './http/limits.ts'
import { errorPage, pageRoutes, staticFiles } from './http/pages/index.ts'
import type { Principal } from './http/route.ts'
import { createServer } from './http/server.ts'
import type { Services } from './http/services.ts'
import { defineJobs } from './jobs/jobs.ts'
import { createScheduler } from './jobs/scheduler.ts'
import { createSweeping, retentionSeconds } from './jobs/sweeping.ts'
import type { Timing } from './jobs/timing.ts'
import { BusyError } from './kernel/busy.ts'
import { type Clock, steadyClock, systemClock } from './kernel/clock.ts'
import { createSealer, type KeyRing } from './kernel/crypto.ts'
import { acceptsDoctorToken } from './kernel/doctor-token.ts'
import { createFollowedClock } from './kernel/followed-clock.ts'
import { createIds, type Random, secretToken, systemRandom } from './kernel/ids.ts'
import { ok } from './kernel/result.ts'
import { createShared } from './kernel/shared.ts'
import { createAllowance } from './mail/allowance.ts'
import { createMailComposer } from './mail/compose.ts'
import { createMailer } from './mail/mailer.ts'
import { createMailbox, noTransport, smtpTransport } from './mail/transport.ts'
import { createOAuth } from './oauth.ts'
import { createProviders } from './providers/providers.ts'
import { packageRoot } from './root.ts'
import { createReseal } from './sealing/reseal.ts'
import { openRing } from './sealing/ring.ts'
import { createSignInCodes } from './sessions/codes.ts'
import { createDevices } from './sessions/devices.ts'
import { createEndSessions } from './sessions/end-sessions.ts'
import { createKeys } from './sessions/keys.ts'
import { createSignIn } from './sessions/sign-in.ts'
import { createTokens } from './sessions/tokens.ts'
import { openStore, type Store } from './store/open.ts'
import { createInvitations } from './teams/invitations.ts'
import { createTeams } from './teams/teams.ts'
import { createProcessLog, logEvents, logHealth, logSkew } from './telemetry/log.ts'
import { createMetrics } from './telemetry/metrics.ts'
import { logRequests } from './telemetry/request-log.ts'

/** What a test, or an embedding program, may bring of its own. */
export type VinculumParts = {
  readonly clock: Clock
  /** Whether that clock is corrected by the database's, as the machine's own is; or what to ask in its place. */
  readonly followDatabase: boolean | NonNullable<Store['time']>
  readonly random: Random
  readonly log: Logger
  /** How many lines of that log could not be written. */
  readonly droppedLogLines: () => number
  /** What tells the jobs that their time has come. */
  readonly timing: Timing
}

const { version } = JSON.parse(readFileSync(new URL('package.json', packageRoot), 'utf8')) as { version: string }

/** How long requests under way may take to finish after SIGTERM, in seconds. */
const graceSeconds = 10
/** How long the log may take to write its last lines, in milliseconds. */
const lastFlushMs = 1000

/** A configuration whose keys are there: generated ones included (see `secrets.ts`). */
export type CompleteConfig = Omit<Config, 'encryptionKeys'> & { readonly encryptionKeys: KeyRing }

/** Everything, built in the order it depends on. */
export async function createVinculum(config: CompleteConfig, parts: Partial<VinculumParts> = {}) {
  const { followDatabase = parts.clock === undefined } = parts
  let time: Store['time']
  // SQLite is on this machine, whose clock it is. A clock that was brought along is right by definition.
  const followed =
    config.store.tag === 'postgres' && followDatabase !== false
      ? createFollowedClock({
          own: parts.clock ?? steadyClock,
          machine: parts.clock ?? systemClock,
          ask: () => (time ? time() : Promise.reject(new Error('the database is not open yet'))),
          report: (skew) => logSkew(log)(skew),
        })
      : undefined
  const clock = followed?.now ?? parts.clock ?? systemClock
  const random = parts.random ?? systemRandom
  const { log, droppedLines } = parts.log
    ? { log: parts.log, droppedLines: parts.droppedLogLines ?? (() => 0) }
    : createProcessLog(config.logLevel)
  const ids = createIds(clock, random)
  const sealer = createSealer(config.encryptionKeys, random)
  const onDefect = (error: unknown, context?: string): void => {
    // What is merely not possible now is no defect, and its cause is logged where it began: once, not for each request.
    if (error instanceof BusyError && error.cause === undefined) return
    log.error({ err: error, request_id: context }, 'defect')
  }

  const events = createBus(clock)
  logEvents(events, log)
  if (config.requestLog !== null) logRequests(events, log, config.requestLog)
  const store = await openStore(
    config.store,
    { clock, ids, publish: events.publish },
    { requestMs: config.requestDeadlineMs, report: logHealth(log), warn: (message) => log.warn(message) },
  )
  time = typeof followDatabase === 'function' ? followDatabase : store.time
  try {
    await followed?.start()
    return await assemble(store)
  } catch (error) {
    followed?.stop()
    await store.close()
    throw error
  }

  async function assemble({
    accounts,
    sessions,
    pendingSignIns,
    flows: pending,
    grants,
    revocations,
    audit,
    jobs,
    rateLimits,
    ...stored
  }: Store) {
    const { tokens: lifetimes, oauth, recentAuthSeconds, publicUrl } = config
    const providers = createProviders({
      settings: config.providers,
      events,
      clock,
      random,
      production: config.production,
      proxy: config.proxy,
      userInfoTtlSeconds: oauth.userInfoTtlSeconds,
    })
    const signInRules: SignInRules = {
      acceptsIdentity: ({ provider, issuer }) => providers.get(provider)?.speaksFor(issuer) === true,
      requireVerifiedEmail: config.requireVerifiedEmail,
    }

    // What everything is sealed with, before anything is opened or written
    const ring = await openRing({ store: stored.sealed, ring: config.encryptionKeys, sealer, clock, random })

    // Signing in
    const keys = await createKeys({
      keys: stored.keys,
      sealer,
      clock,
      ids,
      random,
      accessTtlSeconds: lifetimes.accessTtlSeconds,
      refreshTtlSeconds: lifetimes.refreshTtlSeconds,
    })
    const tokens = createTokens({ keys, clock, ...lifetimes })
    const devices = createDevices({
      sessions,
      tokens,
      clock,
      refreshTtlSeconds: lifetimes.refreshTtlSeconds,
      onDefect,
      accountExists: async (id) => (await accounts.find(id)) !== undefined,
    })
    const returns = createReturns({ allowed: config.returnToAllowed, self: publicUrl })
    const trustedDevices = createTrustedDevices({ devices: stored.trustedDevices, clock, ids, random })
    const signIn = createSignIn({
      sessions,
      pendingSignIns,
      clock,
      ids,
      random,
      lifetimes,
      familiarity: trustedDevices,
      requireVerifiedEmail: config.requireVerifiedEmail,
      mayReturn: returns.stillAllowed,
      isEnabled: (id) => providers.get(id) !== undefined,
      scopeOf,
    })
    const codes = createSignInCodes({ codes: stored.codes, clock, random, returns })

    // What people know or hold, and what is written to them
    const tickets = createTickets({ tickets: stored.tickets, clock, ids, random, key: ring.keysFor('ticket codes')[0] })
    const letter = createMailComposer({ ids, clock, sealer })
    const passwords = createPasswords({
      policy: config.passwords,
      random,
      words: ['vinculum', publicUrl.hostname],
    })
    const totp = createTotp({ sealer, clock, random, issuer: publicUrl.hostname })
    const recoveryCodes = createRecoveryCodes({ ids, random, keys: ring.keysFor('recovery codes') })
    const passkeys = createPasskeys({
      passkeys: stored.passkeys,
      tickets,
      clock,
      ids,
      random,
      publicUrl,
      origins: config.passkeyOrigins,
    })
    const mailbox = config.mail.tag === 'mailbox' ? createMailbox(clock) : null
    const mailer = createMailer({
      mails: stored.mails,
      sealer,
      clock,
      random,
      events,
      publicUrl,
      transport: mailbox ?? (config.mail.tag === 'smtp' ? smtpTransport(config.mail, config) : noTransport),
      providerName: (id) => providers.get(id)?.name ?? id,
      onDefect,
    })
    if (config.mail.tag === 'off')
      log.warn('SMTP_URL is not set: no e-mail is sent, so addresses cannot be verified and passwords not be reset')
    const throttle = createThrottle({ guesses: stored.guesses, clock, networkOf })
    const serviceCredentials = createServiceCredentials({
      credentials: stored.serviceCredentials,
      throttle,
      clock,
      ids,
      random,
      networkOf,
      record: audit.record,
      onDefect,
    })

    // Whose account it is
    const reconcile = createReconcile({ accounts, events, clock, ids, policy: oauth })
    const links = createLinks({ accounts, clock, rules: signInRules })
    const conflicts = createConflicts({ conflicts: stored.conflicts, clock, ids, random, sealer })
    const profiles = createProfiles({ accounts, clock })
    const users = createUsers({ users: stored.users, accounts, clock })

    // What providers lent us
    const vault = createVault({ grants, sealer, clock, ids, random, provider: providers.get })
    const renewal = createRenewal({
      grants,
      vault,
      clock,
      random,
      events,
      provider: providers.get,
      apps: () => providers.list().map(({ id, clientId }) => ({ provider: id, clientId })),
      discard: async (grant, tokens) => {
        const provider = providers.get(grant.provider)
        if (provider?.speaksFor(grant.issuer) && !(await revocations.stillNeeded(grant)))
          await providers.revoke(provider, tokens)
      },
      concerns: tellDeadGrant({ accounts, teams: stored.teams }),
      refresh: async (grant, refreshToken) => {
        const provider = providers.get(grant.provider)
        if (!provider) return { tag: 'transient', reason: 'provider_not_enabled' }
        if (!provider.speaksFor(grant.issuer)) return { tag: 'transient', reason: 'issuer_changed' }
        return providers.refresh(provider, refreshToken, grant)
      },
    })
    const revocation = createRevocation({
      revocations,
      vault,
      clock,
      ids,
      random,
      providers: () => providers.list().map(({ id }) => id),
      revoke: async (of, given) => {
        const provider = providers.get(of.provider)
        if (!provider) return { tag: 'transient', reason: 'provider_not_enabled' }
        // A node of a version before queued it without an issuer. Where subjects go by the provider's id, there is no other.
        const issuer = of.issuer === '' && provider.issuer === provider.id ? provider.issuer : of.issuer
        return provider.speaksFor(issuer)
          ? providers.revoke(provider, given)
          : { tag: 'transient', reason: 'issuer_changed' }
      },
    })
    const ask = askJira(renewal)
    const sync = syncJiraSites({ jira: stored.jira, providers, ask, clock, random })
    const sweeping = createSweeping({
      sweeps: stored.sweeps,
      keptSeconds: retentionSeconds({ refusedSignIns: config.refusedSignInTtlSeconds }),
      clock,
      events,
      onDefect,
    })
    const scheduler = createScheduler({
      jobs: defineJobs({
        revocation,
        jiraSites: sync,
        renewal,
        mailer,
        keys,
        sweeping,
        repairGrants: async () => {
          if ((await vault.repair()) > 0) wakeRevocation()
        },
      }),
      store: jobs,
      clock,
      ...(parts.timing ? { timing: parts.timing } : {}),
      events,
      owner: secretToken(random),
      onDefect,
    })
    const wakeMail = (): void => void scheduler.run('send-mail')
    const wakeRevocation = (): void => {
      revocation.wake()
      void scheduler.run('revoke-at-provider')
    }
    const drop: typeof revocation.drop = async (grant, accountId) => {
      await revocation.drop(grant, accountId)
      wakeRevocation()
    }

    // Who works together
    const teams = createTeams({ teams: stored.teams, clock, ids, wakeRevocation })
    const invitations = createInvitations({ teams: stored.teams, invitations: stored.invitations, clock, ids, random })

    // The verbs
    const second = proveSecondFactor({
      signIn,
      accounts,
      secondFactors: stored.secondFactors,
      totp,
      recoveryCodes,
      passkeys,
      throttle,
      trustedDevices,
      audit,
      clock,
    })
    const byMail: MailParts = {
      addresses: stored.addresses,
      tickets,
      letter,
      clock,
      wakeMail,
      allowed: createAllowance({ clock, hit: rateLimits.hit }),
      mail: config.mail.tag !== 'off',
    }
    const verification = verifyEmail(byMail)
    const opening = { opens: createEmailAccessRule({ autoRegister: oauth.autoRegister }), ids }
    const resets = resetPassword({ ...byMail, ...opening, passwords, trustedDevices, audit })
    const arrive = arriveFromProvider({ providers, flows: pending, events, clock, sealer })
    const withdrawal = withdrawGrants({ accounts, providers, clock, wakeRevocation })
    const begin = beginWithProvider({
      providers,
      flows: pending,
      audit,
      events,
      clock,
      ids,
      random,
      sealer,
      policy: { stateTtlSeconds: oauth.stateTtlSeconds, returnToAllowed: config.returnToAllowed, publicUrl },
    })
    const ofTeams = { teams: stored.teams, jira: stored.jira, providers, clock, wakeRevocation }
    const connect = connectJira({ ...ofTeams, arrive, begin, vault, ids, random, drop })
    const keep = keepJira({ ...ofTeams, vault, sync })
    const mailSignIn = signInByEmail({
      ...byMail,
      ...opening,
      signIn,
      throttle,
      trustedDevices,
      audit,
      random,
      mayReturn: returns.stillAllowed,
    })
    const flows: Flows = {
      begin,
      askForMore: askForMore({ accounts, grants, providers, begin }),
      connectJira: connect,
      jira: keep,
      readQueues: readQueues({ ...ofTeams, keep, ask }),
      recordRefusedTarget: (origin) =>
        audit.record({
          name: 'authentication.failed',
          accountId: null,
          origin,
          data: { provider: 'none', code: 'return_to_not_allowed', intent: 'login' },
        }),
      enter: signInWithProvider({
        providers,
        arrive,
        reconcile,
        conflicts,
        accounts,
        vault,
        signIn,
        audit,
        events,
        sessionLives: async (id) => (await devices.find(id))?.endedAt === null,
        connect: connect.finish,
        drop,
        mayReturn: returns.stillAllowed,
        stillOffers: stillOffers({ grants }),
      }),
      register: register({
        accounts,
        stored: stored.passwords,
        passwords,
        tickets,
        letter,
        throttle,
        clock,
        ids,
        autoRegister: oauth.autoRegister,
        wakeMail,
      }),
      signInWithPassword: signInWithPassword({
        stored: stored.passwords,
        addresses: stored.addresses,
        passwords,
        throttle,
        trustedDevices,
        signIn,
        audit,
        prove: second.prove,
        verifyEmail: verification,
      }),
      password: changePassword({
        stored: stored.passwords,
        passwords,
        throttle,
        trustedDevices,
        accounts,
        audit,
        clock,
        rules: signInRules,
      }),
      resolveConflict: resolveConflict({
        conflicts,
        accounts,
        rules: signInRules,
        opensByMail: async (emailKey) => {
          const opened = opening.opens(await stored.addresses.holders(emailKey))
          return opened !== undefined && opened.tag !== 'fresh'
        },
        sendSignIn: mailSignIn.begin,
        mail: byMail.mail,
        providers,
        reconcile,
        vault,
        signIn,
        audit,
        drop,
        autoRegister: oauth.autoRegister,
        mayReturn: returns.stillAllowed,
      }),
      refreshTokens: refreshTokens({
        sessions,
        accounts,
        tokens,
        events,
        clock,
        windows: lifetimes,
        refreshTtlSeconds: lifetimes.refreshTtlSeconds,
      }),
      redeemCode: redeemCode({ codes, devices, tokens }),
      signOut: signOut({ devices, tokens, trustedDevices, withdrawal }),
      unlink: unlinkProvider({ links, providers, audit, wakeRevocation }),
      readUserInfo: readUserInfo({ accounts, providers, renewal, events }),
      deleteAccount: deleteAccount({ accounts, providers, clock, wakeRevocation }),
      secondFactor: secondFactor({ secondFactors: stored.secondFactors, totp, recoveryCodes, clock }),
      proveSecondFactor: second,
      passkeys: keepPasskeys({ passkeys, store: stored.passkeys, links, clock }),
      signInWithPasskey: signInWithPasskey({ passkeys, accounts, signIn, throttle, trustedDevices, audit }),
      verifyEmail: verification,
      changeEmail: changeEmail(byMail),
      resetPassword: resets,
      signInByEmail: mailSignIn,
      sendReset: sendReset({ users, resets }),
      readAsAdministrator: readAsAdministrator({ audit, devices }),
      withdraw: withdrawal,
      lend: lendToken({ accounts, providers, grants, renewal, jira: stored.jira, clock }),
      introspect: introspectToken({ devices, tokens, clock, issuer: lifetimes.issuer, audience: lifetimes.audience }),
      inviteToTeam: inviteToTeam({ ...byMail, invitations }),
    }

    // The way in from outside
    let closing = false
    // Probes and strangers ask at once: one query serves all of them.
    const storeReady = createShared(() => store.ready())
    const metrics = createMetrics(events, {
      breakers: providers.health,
      jobBacklogs: scheduler.backlogs,
      droppedLogLines: droppedLines,
      clockSkewMs: followed?.skewMs,
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
      serviceCredentials,
      audit,
      jobs: scheduler.status,
      standing: async ({ provider: id, issuer, subject, scopes }) => {
        const provider = providers.get(id)
        const grant = provider?.speaksFor(issuer)
          ? await vault.find({ provider: id, issuer, clientId: provider.clientId, subject, holder: 'person' })
          : undefined
        return standingOf(grant, provider, scopes, clock())
      },
      revocationsOf: revocation.waiting,
      metrics,
      mailbox,
      ready: async () => !closing && (await storeReady()),
      acceptsDoctor: (token) => acceptsDoctorToken(config.encryptionKeys, token, clock()),
      clock,
      settings: {
        publicUrl,
        returnToAllowed: config.returnToAllowed,
        passkeyOrigins: config.passkeyOrigins,
        issuer: lifetimes.issuer,
        recentAuthSeconds,
        canRegister: oauth.autoRegister,
        passwordLeastLength: config.passwords.leastLength,
        sessionCookieSeconds: lifetimes.refreshAbsoluteTtlSeconds,
        deviceCookieSeconds: trustSeconds,
        flowCookieSeconds: oauth.stateTtlSeconds + conflicts.ttlSeconds,
        production: config.production,
        mail: config.mail.tag !== 'off',
        metricsToken: config.metricsToken,
        trustProxyHops: config.trustProxyHops,
      },
    }
    const principalOf = (found: Awaited<ReturnType<typeof devices.byAccessToken>>, via: Principal['via']) =>
      found.ok
        ? ok<Principal>({
            account: found.value.session.account,
            accountId: found.value.session.accountId,
            sessionId: found.value.session.id,
            generation: found.value.generation,
            amr: found.value.session.amr,
            authTime: found.value.session.authTime,
            scopes: found.value.session.scope === '' ? [] : found.value.session.scope.split(' '),
            via,
          })
        : found
    const { app, refusals } = createApp<Services>({
      routes: [...apiRoutes, ...pageRoutes],
      vinculum: services,
      publicUrl,
      applications: config.returnToAllowed,
      trustProxyHops: config.trustProxyHops,
      clock,
      random,
      events,
      authenticate: {
        bearer: async (token) => principalOf(await devices.byAccessToken(token), 'bearer'),
        cookie: async (value) => principalOf(await devices.byCookie(value), 'cookie'),
      },
      recentAuthSeconds,
      requestMs: config.store.tag === 'postgres' ? config.requestDeadlineMs : null,
      rateLimits: config.rateLimits ? rateLimits : null,
      csrfKey: ring.keysFor('csrf')[0],
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
      /** The time that all nodes share: every stored time is of this clock. */
      now: clock,
      oauth: createOAuth({ flows, links, tokens }),
      rotateSigningKeys: keys.rotate,
      reseal: createReseal({ store: stored.sealed, sealer }),
      makeAdministrator: users.makeAdministrator,
      endSessions: createEndSessions({ store: stored.endable, clock }),
      runJob: scheduler.run,
      /** What would have been sent, where nothing is: outside production, without a mail server. */
      mailbox,
      async listen(): Promise<AddressInfo> {
        const address = await server.listen(config.port, config.host)
        scheduler.start()
        return address
      },
      /** Not ready at once; requests under way finish; then everything is let go in reverse order. */
      async close(): Promise<void> {
        closing = true
        await pause(config.shutdownDrainSeconds * 1000)
        await server.close(graceSeconds)
        mailer.stop()
        renewal.stop()
        revocation.stop()
        sweeping.stop()
        await scheduler.stop()
        mailer.close()
        await providers.close()
        followed?.stop()
        await store.close()
        await flushed(log)
      },
    }
  }
}
/** The log's last lines are waited for, but a sink that stands still does not keep the process from ending. */
const flushed = (log: Logger): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, lastFlushMs)
    log.flush(() => {
      clearTimeout(timer)
      resolve()
    })
  })

export type Vinculum = Awaited<ReturnType<typeof createVinculum>>
