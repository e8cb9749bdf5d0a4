/** Providers of the product in front of their sandboxes, over real HTTP, on a clock that tests control. */
import { afterAll, afterEach, beforeAll } from 'vitest'
import { callback } from '../../sandbox/exchange.ts'
import { readFormPost } from '../../sandbox/form-post.ts'
import { CALLBACK_NAME } from '../../sandbox/providers/index.ts'
import { type ProviderId, type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { readConfig } from '../../src/config.ts'
import { createBus } from '../../src/events/bus.ts'
import type { Event } from '../../src/events/catalogue.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import type { CodeExchange } from '../../src/providers/live/authorization.ts'
import type { BreakerSettings, Provider, ProviderSettings } from '../../src/providers/provider.ts'
import { createProviders, type Providers } from '../../src/providers/providers.ts'
import { receive } from '../support/http.ts'
import { recordEvents } from '../support/recorded-events.ts'

/** Long enough for a busy machine; tests that need an open breaker lower it. */
const breaker: BreakerSettings = { timeoutMs: 30_000, errorThresholdPercent: 50, volume: 100, resetMs: 60_000 }

type Changes = { breaker?: Partial<BreakerSettings>; userInfoTtlSeconds?: number; production?: boolean }
type Changed = (settings: ProviderSettings) => ProviderSettings

/** One instance of the product's providers, as `settings` describe them. */
export function openProviders(
  settings: readonly ProviderSettings[],
  clock: () => Date,
  { breaker: changed, userInfoTtlSeconds = 3600, production = false }: Changes = {},
) {
  const events = createBus(clock)
  const heard = recordEvents(events)
  const providers = createProviders({
    settings: settings.map((one) => ({ ...one, breaker: { ...breaker, ...changed } })),
    events,
    clock,
    random: systemRandom,
    production,
    userInfoTtlSeconds,
  })
  return {
    providers,
    events,
    /** The payloads of this event, in order. */
    heard: (name: Event['name']) => heard.filter((event) => event.name === name).map(({ data }) => data),
  }
}
export type Opened = ReturnType<typeof openProviders>

export async function startWorld() {
  let ahead = 0
  const clock = () => new Date(Date.now() + ahead * 1000)
  const sandbox = await startSandbox({ port: 0, clock, as: 'ada' })
  const settings = readConfig({ NODE_ENV: 'test', ...sandbox.env }).providers
  const opened: Providers[] = []

  return {
    sandbox,
    clock,
    turn: (seconds: number) => {
      ahead += seconds
    },
    open(changes: Changes = {}, change: Changed = (one) => one) {
      const one = openProviders(settings.map(change), clock, changes)
      opened.push(one.providers)
      return one
    },
    /** Creates keys and loads the OpenID provider, which takes longer than the short deadlines of some tests. */
    async warm(kind: ProviderId) {
      const { providers } = this.open()
      await enter(sandbox, providers, named(providers, kind))
      sandbox.reset()
    },
    async reset() {
      ahead = 0
      sandbox.reset()
      await Promise.all(opened.splice(0).map((providers) => providers.close()))
    },
    async close() {
      await this.reset()
      await sandbox.close()
    },
  }
}
export type TestWorld = Awaited<ReturnType<typeof startWorld>>

/** A world for the tests of one provider. It starts before them and is reset after each. */
export function worldOf(kind: ProviderId) {
  let world: TestWorld
  beforeAll(async () => {
    world = await startWorld()
  })
  afterEach(() => world.reset())
  afterAll(() => world.close())
  return {
    get sandbox() {
      return world.sandbox
    },
    clock: () => world.clock(),
    /** The product's providers, with changed settings of this one. */
    open(change: Partial<ProviderSettings> = {}) {
      const opened = world.open({}, (one) => (one.kind === kind ? { ...one, ...change } : one))
      return { ...opened, provider: named(opened.providers, kind) }
    },
  }
}

/** The product's ID for this sandbox provider. */
export function named(providers: Providers, kind: ProviderId): Provider {
  const provider = providers.get(CALLBACK_NAME[kind])
  if (!provider) throw new Error(`${kind} is not configured`)
  return provider
}

/** The value of `ok`; an error fails the test with its code. */
export function value<T>(result: { ok: true; value: T } | { ok: false; error: { code: string; cause?: unknown } }): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${JSON.stringify(result.error.cause)}`)
  return result.value
}

/** Goes to the provider as a browser does, and returns with its callback. */
export async function visit(providers: Providers, provider: Provider) {
  const redirectUri = String(provider.redirectUris.default)
  const begun = value(await providers.begin(provider, { redirectUri, intent: 'login' }))
  const there = await receive(begun.url, { redirect: 'manual' })
  const form = readFormPost(there.text)
  const back = form
    ? callback(form.action.href, form.fields)
    : new URL(there.headers.get('location') ?? 'http://nowhere.invalid')
  const { code = '', state = '', iss } = Object.fromEntries(back.searchParams)
  return {
    ...begun,
    callback: { code, state, iss },
    flow: { redirectUri, verifier: begun.verifier, nonce: begun.nonce },
  }
}

/** The whole sign-in, up to the claims of the user. */
export async function enter(sandbox: Sandbox, providers: Providers, provider: Provider, identity = 'ada') {
  sandbox.as(identity)
  const { callback, flow } = await visit(providers, provider)
  const exchanged: CodeExchange = value(await providers.exchange(provider, callback, flow))
  return { exchanged, claims: value(await providers.identify(provider, exchanged)) }
}
