/**
 * Two nodes, each a process with twenty workers, renew the same due grants on one PostgreSQL database, at a provider
 * whose refresh tokens work once; on request, one of them is killed halfway.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { readConfig } from '../../src/config.ts'
import type { StoredGrant } from '../../src/connections/ports.ts'
import { createVault } from '../../src/connections/vault.ts'
import { secondsAfter } from '../../src/kernel/clock.ts'
import { createSealer } from '../../src/kernel/crypto.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { createProviders } from '../../src/providers/providers.ts'
import { endWithWorker } from './children.ts'
import { openedStore } from './opened-store.ts'
import { anAccount, anIdentity } from './people.ts'
import type { NodeAnswer, NodeAsked, NodeGiven } from './renewal-node.ts'
import { takeDue } from './take-due.ts'

const hour = 3600
/** Slightly longer than a lease. */
const leased = 95

type Asked = {
  /** A new, empty PostgreSQL database. */
  readonly url: string
  readonly grants: number
  /** Whether a spent refresh token ends its family at once, or Atlassian's grace period of ten minutes applies. */
  readonly strict: boolean
  /** Whether one node is killed (SIGKILL) after half of the calls. */
  readonly kill: boolean
  /** The built program of a node, which starts faster than its source. */
  readonly program?: string
}
export type Figures = {
  /** Refreshes the provider received until all were done, and those it refused. */
  readonly calls: number
  readonly refused: number
  /** Leases left by the killed node. */
  readonly inFlight: number
  readonly healthy: number
  readonly needsReauthorization: number
  /** Grants whose access token the provider's API accepted. */
  readonly live: number
  /** Messages to the user, one for each grant that needs a new consent. */
  readonly notices: number
  /**
   * An hour later, and again one after that: how many calls the provider received, and how many grants were renewed.
   */
  readonly laterCalls: readonly number[]
  readonly laterRenewed: readonly number[]
  readonly seconds: number
}

export async function raceToRenew({ url, grants: many, strict, kill, program }: Asked): Promise<Figures> {
  const sandbox = await startSandbox({ as: 'ada' })
  const children: ChildProcess[] = []
  const key = randomBytes(32)
  let ahead = 0
  const clock = () => secondsAfter(new Date(), ahead)
  const { store, ids, events } = await openedStore({ tag: 'postgres', url }, clock)
  try {
    sandbox.switches.atlassian.strict = strict
    // With strict refresh tokens, a call that times out loses its grant.
    const patient = { ATLASSIAN_BREAKER: 'timeout_ms=30000,volume=1000' }
    const env = { ...sandbox.env, ...patient, OAUTH_ENABLED_PROVIDERS: 'atlassian' }
    const { providers: settings } = readConfig(env)
    const providers = createProviders({
      settings,
      events,
      clock,
      random: systemRandom,
      production: false,
      userInfoTtlSeconds: 60,
    })
    const provider = providers.list().find(({ id }) => id === 'atlassian')
    if (!provider) throw new Error('Atlassian is not there')
    const sealer = createSealer([{ id: 'k1', key }], systemRandom)
    const vault = createVault({
      grants: store.grants,
      sealer,
      clock,
      ids,
      random: systemRandom,
      provider: providers.get,
    })
    const account = anAccount({ email: 'ada@example.com', emailVerified: true })
    await store.accounts.create(account, anIdentity(account.id), { separate: true }, [])

    const keyOf = (n: number) => ({
      provider: provider.id,
      issuer: provider.issuer,
      clientId: provider.clientId,
      subject: `s${n}`,
      holder: 'person',
    })
    const consent = async (n: number): Promise<void> => {
      const redirectUri = provider.redirectUris.default ?? ''
      const begun = await providers.begin(provider, { redirectUri, intent: 'login' })
      if (!begun.ok) throw new Error(begun.error.code)
      const back = await fetch(begun.value.url, { redirect: 'manual' })
      const code = new URL(back.headers.get('location') ?? '').searchParams.get('code') ?? ''
      const { state, verifier, nonce } = begun.value
      const exchanged = await providers.exchange(provider, { code, state }, { redirectUri, verifier, nonce })
      if (!exchanged.ok) throw new Error(exchanged.error.code)
      const person = anAccount()
      const theirs = anIdentity(person.id, { provider: provider.id, issuer: provider.issuer, subject: `s${n}` })
      await store.accounts.create(person, theirs, { separate: true }, [])
      const claims = { subject: `s${n}`, email: null, emailVerified: false, emailAuthoritative: false }
      await vault.keep({
        provider: provider.id,
        issuer: provider.issuer,
        clientId: provider.clientId,
        asked: provider.scopes,
        claims: { ...claims, name: null, picture: null },
        tokens: exchanged.value.tokens,
      })
    }
    const all = Array.from({ length: many }, (_, n) => n)
    await each(all, consent)
    const turn = (seconds: number): void => {
      ahead += seconds
      sandbox.clock.advance(seconds)
    }
    const refreshes = () =>
      sandbox.journal.calls('atlassian', 'token').filter(({ body }) => body.grant_type === 'refresh_token')

    turn(hour)
    // The latency of a remote provider.
    sandbox.fault({ provider: 'atlassian', endpoint: 'token' }, { kind: 'slow', ms: 20 })
    const given: NodeGiven = { url, env, key: key.toString('base64'), ahead, accountId: account.id }
    children.push(...(await Promise.all([started(given, program), started(given, program)])))
    const [first, second] = children as [ChildProcess, ChildProcess]
    const begun = performance.now()
    const [here, there] = [asked(first, { turn: 0 }), asked(second, { turn: 0 })]
    if (kill) {
      while (refreshes().length < many / 2) await pause(20)
      first.kill('SIGKILL')
    }
    await Promise.all([here, there])
    const seconds = (performance.now() - begun) / 1000
    const stored = async (): Promise<StoredGrant[]> => {
      const found: StoredGrant[] = []
      await each(all, async (n) => {
        const grant = await store.grants.find(keyOf(n))
        if (!grant) throw new Error(`grant ${n} is gone`)
        found.push(grant)
      })
      return found
    }
    const inFlight = (await stored()).filter(({ leaseUntil }) => leaseUntil !== null).length
    // The killed node's grants are free when its leases end.
    turn(leased)
    await asked(second, { turn: leased })
    const calls = refreshes()

    const after = await stored()
    const healthy = after.filter(({ status }) => status === 'healthy')
    let live = 0
    await each(healthy, async (grant) => {
      const { accessToken } = vault.open(grant.id, grant)
      const said = await fetch(`${sandbox.url}/atlassian/me`, { headers: { Authorization: `Bearer ${accessToken}` } })
      if (said.status === 200) live++
    })
    let notices = 0
    for (let taken = -1; taken !== 0; notices += taken)
      taken = (await takeDue(store.mails, 100, clock(), secondsAfter(clock(), hour))).length

    const [laterCalls, laterRenewed]: [number[], number[]] = [[], []]
    for (let n = 0; n < 2; n++) {
      const before = refreshes().length
      turn(hour)
      laterRenewed.push((await asked(second, { turn: hour })).renewed)
      laterCalls.push(refreshes().length - before)
    }
    await providers.close()
    return {
      calls: calls.length,
      refused: calls.filter(({ status }) => status >= 400).length,
      inFlight,
      healthy: healthy.length,
      live,
      notices,
      laterCalls,
      laterRenewed,
      seconds,
      needsReauthorization: after.filter(({ status }) => status === 'needs_reauthorization').length,
    }
  } finally {
    for (const child of children) child.kill('SIGKILL')
    await store.close()
    await sandbox.close()
  }
}

async function started(given: NodeGiven, program: string | undefined): Promise<ChildProcess> {
  const source = fileURLToPath(new URL('renewal-node.ts', import.meta.url))
  const execArgv = program === undefined ? ['--import', 'tsx'] : []
  const child = endWithWorker(fork(program ?? source, [JSON.stringify(given)], { execArgv }))
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the node did not start')))
  await Promise.race([once(child, 'message'), ended])
  ended.catch(() => {})
  return child
}

/** The report of a node, or nothing when it was killed in the meantime. */
async function asked(child: ChildProcess, what: NodeAsked): Promise<{ renewed: number; rounds: number }> {
  const ended = once(child, 'exit').then(() => [{ renewed: 0, rounds: 0 }])
  child.send(what)
  const [answer] = (await Promise.race([once(child, 'message'), ended])) as [NodeAnswer]
  return 'ready' in answer ? { renewed: 0, rounds: 0 } : answer
}

/** A few at a time. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items]
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: 16 }, worker))
}
