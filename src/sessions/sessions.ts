import type { Clock } from '../kernel/clock.ts'
import type { Sealer } from '../kernel/crypto.ts'
import type { Ids, Random } from '../kernel/ids.ts'
import { createSignInCodes } from './codes.ts'
import { createDevices } from './devices.ts'
import { createKeys } from './keys.ts'
import type { KeyStore, PendingSignInStore, SessionStore, SignInCodeStore } from './ports.ts'
import { createSignIn, type Lifetimes } from './sign-in.ts'
import { createTokens } from './tokens.ts'

type SessionsParts = Pick<
  Parameters<typeof createSignIn>[0],
  'familiarity' | 'isEnabled' | 'requireVerifiedEmail' | 'scopeOf'
> &
  Pick<Parameters<typeof createDevices>[0], 'accountExists' | 'ofApplication'> & {
    readonly clock: Clock
    readonly ids: Ids
    readonly random: Random
    readonly sealer: Sealer
    readonly onDefect: (error: unknown) => void
    readonly stored: {
      readonly sessions: SessionStore
      readonly pendingSignIns: PendingSignInStore
      readonly keys: KeyStore
      readonly codes: SignInCodeStore
    }
    /** The lifetimes of tokens and sessions, in seconds, and who issues tokens for whom. */
    readonly settings: Lifetimes & {
      readonly accessTtlSeconds: number
      readonly issuer: string
      readonly audience: string
    }
    /** The longest lifetime that an application may choose for its access tokens. */
    readonly longestAccessSeconds: number
    /** Where a sign-in may end. */
    readonly returns: Parameters<typeof createSignInCodes>[0]['returns'] & {
      readonly stillAllowed: Parameters<typeof createSignIn>[0]['mayReturn']
    }
  }

/** Sessions, their tokens and the keys that sign them. The keys are read from the store, or created by the first node. */
export async function createSessions({ stored, settings, returns, longestAccessSeconds, ...parts }: SessionsParts) {
  const { refreshTtlSeconds, refreshAbsoluteTtlSeconds } = settings
  const keys = await createKeys({
    ...parts,
    keys: stored.keys,
    // A key stays until the last token that it signed has expired, whichever application has it.
    accessTtlSeconds: Math.max(settings.accessTtlSeconds, longestAccessSeconds),
    // Applications choose longer ones than ours. None outlives the absolute end of the session that it belongs to.
    refreshTtlSeconds: Math.max(refreshTtlSeconds, refreshAbsoluteTtlSeconds),
  })
  const tokens = createTokens({ ...parts, ...settings, keys })
  return {
    keys,
    tokens,
    devices: createDevices({ ...parts, sessions: stored.sessions, tokens, refreshTtlSeconds }),
    signIn: createSignIn({ ...parts, ...stored, lifetimes: settings, mayReturn: returns.stillAllowed }),
    codes: createSignInCodes({ ...parts, codes: stored.codes, returns }),
  }
}
