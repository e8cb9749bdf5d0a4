import { readFileSync } from 'node:fs'
import { type CompleteConfig, routeSettings } from './config.ts'
import { trustSeconds } from './credentials/trusted-devices.ts'
import type { Foundation } from './foundation.ts'
import { apiRoutes } from './http/api/index.ts'
import { createApp } from './http/app.ts'
import { errorPage, pageRoutes, staticFiles } from './http/pages/index.ts'
import { type Authenticate, authenticateWith } from './http/principal.ts'
import { createServer } from './http/server.ts'
import type { Services } from './http/services.ts'
import type { Scheduler } from './jobs/scheduler.ts'
import { acceptsDoctorToken } from './kernel/doctor-token.ts'
import { createShared } from './kernel/shared.ts'
import { createProviderActivity } from './providers/activity.ts'
import { packageRoot } from './root.ts'
import { createOverview } from './statistics/overview.ts'
import { createMetrics } from './telemetry/metrics.ts'

const { version } = JSON.parse(readFileSync(new URL('package.json', packageRoot), 'utf8')) as { version: string }

/** What routes call, except for what is made here of the foundation and the configuration. */
type Nouns = Omit<
  Services,
  | 'personalData'
  | 'providerActivity'
  | 'audit'
  | 'overview'
  | 'jobs'
  | 'metrics'
  | 'ready'
  | 'acceptsDoctor'
  | 'clock'
  | 'settings'
>

type WebParts = {
  readonly config: CompleteConfig
  readonly foundation: Pick<Foundation, 'base' | 'log' | 'droppedLines' | 'clockSkewMs' | 'store'>
  readonly dpopKey: Authenticate['dpopKey']
  readonly nouns: Nouns
  readonly scheduler: Pick<Scheduler, 'status' | 'backlogs'>
  readonly csrfKey: Buffer
  /** How long a browser keeps the cookie of a sign-in in progress. */
  readonly flowCookieSeconds: number
}

/** The service over HTTP: every route, the services that routes call, and the server. */
export function createWeb({ config, foundation, dpopKey, nouns, scheduler, csrfKey, flowCookieSeconds }: WebParts) {
  const { base, log, droppedLines, clockSkewMs, store } = foundation
  const { clock, events } = base
  let closing = false
  // Probes and strangers call at the same time: one query serves all of them.
  const storeReady = createShared(() => store.ready())

  const services: Services = {
    ...nouns,
    personalData: (accountId, origin) =>
      store.personalData.gather(accountId, [{ name: 'account.exported', accountId, origin, data: {} }]),
    providerActivity: createProviderActivity(events, clock),
    audit: store.audit,
    overview: createOverview({ statistics: store.statistics, clock }),
    jobs: scheduler.status,
    metrics: createMetrics(events, {
      breakers: nouns.providers.health,
      jobBacklogs: scheduler.backlogs,
      droppedLogLines: droppedLines,
      clockSkewMs,
    }),
    ready: async () => !closing && (await storeReady()),
    acceptsDoctor: (token) => acceptsDoctorToken(config.encryptionKeys, token, clock()),
    clock,
    settings: { ...routeSettings(config), deviceCookieSeconds: trustSeconds, flowCookieSeconds },
  }
  const { app, refusals } = createApp<Services>({
    ...base,
    routes: [...apiRoutes, ...pageRoutes],
    vinculum: services,
    publicUrl: config.publicUrl,
    applications: config.returnToAllowed,
    registeredOrigins: nouns.applications.origins,
    trustProxyHops: config.trustProxyHops,
    authenticate: authenticateWith(nouns.devices, dpopKey),
    recentAuthSeconds: config.recentAuthSeconds,
    requestMs: config.store.tag === 'postgres' ? config.requestDeadlineMs : null,
    rateLimits: config.rateLimits ? store.rateLimits : null,
    csrfKey,
    branding: nouns.branding,
    applicationLogo: nouns.applications.logo,
    errorPage,
    record: store.audit.record,
    onWarning: (message) => log.warn(message),
    staticFiles,
    version,
  })
  return {
    app,
    server: createServer(app, refusals),
    /** From now on the service reports that it is not ready. Requests are still answered. */
    drain(): void {
      closing = true
    },
  }
}
