import { refreshTokens } from '../../src/flows/refresh-tokens.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import type { Sealer } from '../../src/kernel/crypto.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { createDevices } from '../../src/sessions/devices.ts'
import { createKeys } from '../../src/sessions/keys.ts'
import type { Windows } from '../../src/sessions/rotation.ts'
import { createSignIn } from '../../src/sessions/sign-in.ts'
import { createTokens } from '../../src/sessions/tokens.ts'
import type { StoreConfig } from '../../src/store/open.ts'
import { everywhereKnown } from './familiarity.ts'
import { openedStore } from './opened-store.ts'
import { anAccount, anIdentity, from } from './people.ts'
import { newSealer } from './sealers.ts'

export const issuer = 'https://id.example.com'
export const windows: Windows = { concurrencySeconds: 10, lostResponseSeconds: 3600 }

type Given = {
  readonly clock: Clock
  readonly sealer?: Sealer
  readonly accessTtlSeconds?: number
  readonly refreshTtlSeconds?: number
  readonly refreshAbsoluteTtlSeconds?: number
}

/** The part of the service that signs devices in and renews their sessions, over its own store or a shared one. */
export async function deviceSessions(
  config: StoreConfig,
  {
    clock,
    sealer = newSealer(),
    accessTtlSeconds = 1800,
    refreshTtlSeconds = 604_800,
    refreshAbsoluteTtlSeconds = 7_776_000,
  }: Given,
) {
  const opened = await openedStore(config, clock)
  const { accounts, sessions, pendingSignIns, keys: stored } = opened.store
  const { ids, events } = opened
  const random = systemRandom
  const defects: unknown[] = []
  const keys = await createKeys({ keys: stored, sealer, clock, ids, random, accessTtlSeconds, refreshTtlSeconds })
  const tokens = createTokens({ keys, clock, issuer, audience: issuer, accessTtlSeconds })
  const devices = createDevices({
    sessions,
    tokens,
    clock,
    refreshTtlSeconds,
    onDefect: (error) => defects.push(error),
  })
  const signIn = createSignIn({
    sessions,
    pendingSignIns,
    requireVerifiedEmail: false,
    mayReturn: () => true,
    isEnabled: () => true,
    familiarity: everywhereKnown,
    clock,
    ids,
    random,
    lifetimes: { refreshTtlSeconds, refreshAbsoluteTtlSeconds },
  })
  const refresh = refreshTokens({ sessions, accounts, tokens, events, clock, windows, refreshTtlSeconds })

  return {
    ...opened,
    keys,
    tokens,
    devices,
    refresh,
    defects,

    async newAccount(given: Parameters<typeof anAccount>[0] = {}): Promise<string> {
      const account = anAccount(given)
      if (!(await accounts.create(account, anIdentity(account.id), { separate: true }, [])))
        throw new Error('the account was refused')
      return account.id
    },

    /** A new session with its first pair; in a browser with its cookie as well. */
    async newDevice(accountId: string, browser = false) {
      const [identity] = await accounts.identitiesOf(accountId)
      if (!identity) throw new Error('nobody signs in without an identity')
      const started = await signIn.proceed(
        anAccount({ id: accountId }),
        {
          opener: { tag: 'identity', id: identity.id },
          provider: 'github',
          providerUserId: '42',
          action: 'login_existing',
          amr: ['fed'],
        },
        { origin: from, browser: browser, replaces: null, returnTo: null, codeChallenge: null },
      )
      if (!started.ok) throw new Error('the sign-in was refused')
      const { session, cookie } = started.value
      return { session, cookie: cookie ?? '', pair: tokens.pair(session) }
    },
  }
}
export type DeviceSessions = Awaited<ReturnType<typeof deviceSessions>>
