import type { Provider, RefreshOutcome, RevocationOutcome } from '../providers/provider.ts'
import type { StoredGrant } from './ports.ts'
import { createRenewal } from './renewal.ts'
import { createRevocation } from './revocation.ts'
import { standingOf } from './standing.ts'
import { createVault } from './vault.ts'

type Tokens = { readonly accessToken: string; readonly refreshToken: string | null }

/** The enabled providers, and the calls to them that grants need. */
type ProviderCalls = {
  get(id: string): Provider | undefined
  list(): readonly Provider[]
  /** Those at which grants can be revoked: also those that are disabled. */
  revocable(): readonly Provider[]
  refresh(provider: Provider, refreshToken: string, of: StoredGrant): Promise<RefreshOutcome>
  revoke(provider: Provider, tokens: Tokens): Promise<RevocationOutcome>
}

type ProviderTokensParts = Omit<Parameters<typeof createVault>[0], 'provider'> &
  Omit<Parameters<typeof createRenewal>[0], 'apps' | 'provider' | 'refresh' | 'revokeUnused' | 'vault'> &
  Omit<Parameters<typeof createRevocation>[0], 'providers' | 'revoke' | 'vault'> & { readonly providers: ProviderCalls }

/**
 * Everything about the tokens of providers: where they are kept, how they are renewed and revoked, and what their users
 * see of them. A token is only ever sent to the issuer it came from. The operator may have disabled a provider or given
 * its ID to another issuer: its grants are then kept, but not used.
 */
export function createProviderTokens({ providers, ...parts }: ProviderTokensParts) {
  const { clock, revocations } = parts
  const vault = createVault({ ...parts, provider: providers.get })

  const renewal = createRenewal({
    ...parts,
    vault,
    provider: providers.get,
    apps: () => providers.list().map(({ id, clientId }) => ({ provider: id, clientId })),
    revokeUnused: async (grant, tokens) => {
      const provider = providers.get(grant.provider)
      if (provider?.speaksFor(grant.issuer) && !(await revocations.stillNeeded(grant)))
        await providers.revoke(provider, tokens)
    },
    refresh: async (grant, refreshToken) => {
      const provider = providers.get(grant.provider)
      if (!provider) return { tag: 'transient', reason: 'provider_not_enabled' }
      if (!provider.speaksFor(grant.issuer)) return { tag: 'transient', reason: 'issuer_changed' }
      return providers.refresh(provider, refreshToken, grant)
    },
  })

  const revocation = createRevocation({
    ...parts,
    vault,
    providers: () => providers.revocable().map(({ id }) => id),
    revoke: async (of, tokens) => {
      const provider = providers.revocable().find(({ id }) => id === of.provider)
      if (!provider) return { tag: 'transient', reason: 'provider_not_enabled' }
      // An administrator may have changed the endpoints: these tokens belong to others.
      if (provider.version !== null && of.clientId !== provider.clientId)
        return { tag: 'transient', reason: 'client_changed' }
      // An older version queued it without an issuer. If the provider's ID is the namespace of its subjects, there is
      // only one.
      const issuer = of.issuer === '' && provider.issuer === provider.id ? provider.issuer : of.issuer
      return provider.speaksFor(issuer)
        ? providers.revoke(provider, tokens)
        : { tag: 'transient', reason: 'issuer_changed' }
    },
  })

  /** What a person granted with an identity, and its state. `scopes` are those of the sign-in itself. */
  const standing = async ({
    provider: id,
    issuer,
    subject,
    scopes,
  }: {
    readonly provider: string
    readonly issuer: string
    readonly subject: string
    readonly scopes: readonly string[]
  }) => {
    const provider = providers.get(id)
    const grant = provider?.speaksFor(issuer)
      ? await vault.find({ provider: id, issuer, clientId: provider.clientId, subject, holder: 'person' })
      : undefined
    return standingOf(grant, provider, scopes, clock())
  }

  return { vault, renewal, revocation, standing }
}
