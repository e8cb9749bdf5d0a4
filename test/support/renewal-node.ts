/** One node that renews provider tokens, as a separate process, controlled by the process that started it. */

import { readConfig } from '../../src/config.ts'
import { createRenewal } from '../../src/connections/renewal.ts'
import { createVault } from '../../src/connections/vault.ts'
import { internalOrigin } from '../../src/events/catalogue.ts'
import { secondsAfter } from '../../src/kernel/clock.ts'
import { createSealer } from '../../src/kernel/crypto.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { createProviders } from '../../src/providers/providers.ts'
import { openedStore } from './opened-store.ts'

export type NodeGiven = {
  readonly url: string
  readonly env: Readonly<Record<string, string>>
  /** Base64. */
  readonly key: string
  /** How far its clock is ahead of the system's, in seconds. */
  readonly ahead: number
  /** The account that owns all grants. */
  readonly accountId: string
}
/** Advances the clock by so many seconds, then renews until no free grant is due. */
export type NodeAsked = { readonly turn: number }
export type NodeAnswer = { readonly renewed: number; readonly rounds: number } | { readonly ready: true }

const { url, env, key, accountId, ...given } = JSON.parse(process.argv[2] ?? '{}') as NodeGiven
let { ahead } = given
const clock = () => secondsAfter(new Date(), ahead)
const random = systemRandom
const { store, events, ids } = await openedStore({ tag: 'postgres', url }, clock)
const { grants } = store
const sealer = createSealer([{ id: 'k1', key: Buffer.from(key, 'base64') }], random)
const providers = createProviders({
  settings: readConfig(env).providers,
  events,
  clock,
  random,
  production: false,
  userInfoTtlSeconds: 60,
})
const apps = providers.list().map(({ id, clientId }) => ({ provider: id, clientId }))
const vault = createVault({ grants, sealer, clock, ids, random, provider: providers.get })
const renewal = createRenewal({
  grants,
  vault,
  clock,
  random,
  events,
  onDefect: (error) => {
    throw error
  },
  provider: providers.get,
  apps: () => apps,
  concerns: async ({ provider }) => [
    { name: 'provider_token.needs_reauthorization', accountId, origin: internalOrigin, data: { provider } },
  ],
  refresh: async (grant, refreshToken) => {
    const provider = providers.get(grant.provider)
    if (!provider) throw new Error(`${grant.provider} is not enabled`)
    return providers.refresh(provider, refreshToken, grant)
  },
})

const isDone = async (): Promise<boolean> =>
  (await Promise.all(apps.map((app) => grants.due(app, clock(), 1)))).every((due) => due.length === 0)

process.on('message', async ({ turn }: NodeAsked) => {
  ahead += turn
  let [renewed, rounds] = [0, 0]
  while (!(await isDone())) {
    renewed += await renewal.renewDue()
    rounds++
  }
  process.send?.({ renewed, rounds } satisfies NodeAnswer)
})
process.send?.({ ready: true } satisfies NodeAnswer)
