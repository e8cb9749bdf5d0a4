import type { Identity } from '../../src/accounts/ports.ts'
import type { GrantStore } from '../../src/connections/ports.ts'
import { createRenewal } from '../../src/connections/renewal.ts'
import { createRevocation } from '../../src/connections/revocation.ts'
import { createVault, type Terms } from '../../src/connections/vault.ts'
import { internalOrigin } from '../../src/events/catalogue.ts'
import { type Clock, secondsAfter } from '../../src/kernel/clock.ts'
import type { Sealer } from '../../src/kernel/crypto.ts'
import type { Random } from '../../src/kernel/ids.ts'
import type { GrantLifetime, RefreshOutcome, RevocationOutcome, TokenGrant } from '../../src/providers/provider.ts'
import { missingScopes } from '../../src/providers/scopes.ts'
import type { StoreConfig } from '../../src/store/open.ts'
import { openedStore } from './opened-store.ts'
import { aGrant, anAccount, anIdentity } from './people.ts'

/** Constant and in the middle, so that delays are predictable. */
export const evenRandom: Random = (bytes) => Buffer.alloc(bytes, 0x80)

/** The configured providers, and how long their grants live. */
const lifetimes: Readonly<Record<string, GrantLifetime>> = {
  atlassian: { idleDays: 90, absoluteDays: 365 },
  google: { idleDays: 180 },
}

type Given = {
  readonly clock: Clock
  readonly sealer: Sealer
  readonly refresh?: (provider: string, refreshToken: string, subject: string) => Promise<RefreshOutcome>
  readonly revoke?: (
    provider: string,
    tokens: { accessToken: string; refreshToken: string | null },
  ) => Promise<RevocationOutcome>
  readonly pause?: (ms: number) => Promise<void>
  readonly random?: Random
  /** Replaces the store's own. */
  readonly grants?: GrantStore
}

/** The part of the service that stores, renews and returns provider tokens, over a store. */
export async function lentTokens(
  config: StoreConfig,
  { clock, sealer, refresh, revoke, pause, random = evenRandom, ...given }: Given,
) {
  const opened = await openedStore(config, clock)
  const { revocations } = opened.store
  const grants = given.grants ?? opened.store.grants
  const provider = (id: string): Terms | undefined => {
    const lifetime = lifetimes[id]
    return (
      lifetime && {
        name: id,
        clientId: `${id}-client`,
        lifetime,
        missingScopes,
        speaksFor: (issuer) => issuer === id || issuer === `https://${id}.example`,
      }
    )
  }
  const vault = createVault({ grants, sealer, clock, ids: opened.ids, random, provider })
  const unexpected = async (): Promise<never> => {
    throw new Error('the provider was not to be asked')
  }
  const discarded: string[] = []
  const defects: unknown[] = []
  const renewal = createRenewal({
    grants,
    vault,
    clock,
    random,
    events: opened.events,
    provider,
    onDefect: (error) => defects.push(error),
    apps: () => ['atlassian', 'google'].map((id) => ({ provider: id, clientId: `${id}-client` })),
    revokeUnused: async (_, { accessToken }) => void discarded.push(accessToken),
    concerns: async (grant) => [
      {
        name: 'provider_token.needs_reauthorization',
        accountId: 'usr_1',
        origin: internalOrigin,
        data: { provider: grant.provider },
      },
    ],
    refresh: (grant, refreshToken) => (refresh ?? unexpected)(grant.provider, refreshToken, grant.subject),
    // The clock is stopped, so waiting only lets other work run; a busy machine needs a moment for that.
    pause: pause ?? (() => new Promise((resolve) => setTimeout(resolve, 20))),
  })
  const revocation = createRevocation({
    revocations,
    vault,
    clock,
    ids: opened.ids,
    random: evenRandom,
    providers: () => Object.keys(lifetimes),
    revoke: (of, tokens) => (revoke ?? unexpected)(of.provider, tokens),
  })
  const keyOf = ({ provider, issuer, clientId, claims: { subject } }: TokenGrant) => ({
    provider,
    issuer,
    clientId,
    subject,
    holder: 'person',
  })

  /** Creates the identity of a grant: without one no grant is stored. */
  const identified = async (
    { provider: id, issuer, claims: { subject } }: TokenGrant,
    account = anAccount(),
  ): Promise<Identity> => {
    const identity = anIdentity(account.id, { provider: id, issuer, subject })
    await opened.store.accounts.create(account, identity, { separate: true }, [])
    return identity
  }

  return {
    ...opened,
    vault,
    renewal,
    identified,
    /** Access tokens of renewals whose grant was withdrawn in the meantime. */
    discarded,
    /** Errors of renewals that nobody waited for. */
    defects,
    revocation,
    keyOf,
    /** A grant in the vault whose access token has so many seconds left. */
    async lent(
      secondsLeft: number,
      tokens: Partial<TokenGrant['tokens']> = {},
      provider = 'atlassian',
    ): Promise<TokenGrant> {
      const grant = aGrant(provider, {}, { expiresAt: secondsAfter(clock(), secondsLeft), ...tokens })
      await identified(grant)
      await vault.keep(grant)
      return grant
    },
    async open(grant: TokenGrant) {
      const stored = await vault.find(keyOf(grant))
      if (!stored) throw new Error('there is no such grant')
      return { ...stored, ...vault.open(stored.id, stored) }
    },
  }
}
export type LentTokens = Awaited<ReturnType<typeof lentTokens>>
