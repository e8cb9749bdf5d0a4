import { ok } from '../../src/kernel/result.ts'
import type { CodeExchange } from '../../src/providers/live/authorization.ts'
import { neutralMark } from '../../src/providers/mark.ts'
import type { Claims, Provider } from '../../src/providers/provider.ts'
import type { Providers } from '../../src/providers/providers.ts'
import { theClaims } from './people.ts'

const provider = (id: string): Provider => ({
  id,
  version: null,
  name: id.charAt(0).toUpperCase() + id.slice(1),
  permissionsUrl: null,
  issuer: id,
  speaksFor: (issuer) => issuer === id,
  clientId: `${id}-client`,
  redirectUris: { default: `https://id.example.com/auth/${id}/callback`, mobile: 'com.example.app:/cb' },
  mark: neutralMark,
  scopes: ['openid'],
  scopeText: () => null,
  optionalScopes: [],
  formPost: null,
  jiraScopes: null,
  lifetime: {},
  missingScopes: () => [],
  emailTrust: 'verified',
  secondFactor: 'ask',
  authorizeOrigin: () => `https://${id}.example`,
  alsoVisited: [],
  revokes: true,
})

/** Providers with configured responses that record their calls: flows can be tested without a network. */
export function providerStandIn(ids: readonly string[]) {
  const known = new Map(ids.map((id) => [id, provider(id)]))
  const versions = new Map<string, Provider>()
  const exchanged: { provider: string; code: string; verifier: string; redirectUri: string }[] = []
  const forgotten: string[] = []
  let begun = 0
  let claims: Claims = theClaims()
  let failure: Awaited<ReturnType<Providers['exchange']>> | undefined
  let unavailable: Awaited<ReturnType<Providers['begin']>> | undefined

  const standIn = {
    list: () => [...known.values()],
    get: (id) => known.get(id),
    begin: async (one, { redirectUri }) => {
      if (unavailable) return unavailable
      const state = `state-${++begun}`
      const url = new URL(
        `https://${one.id}.example/authorize?state=${state}&redirect_uri=${encodeURIComponent(redirectUri)}`,
      )
      return ok({ url, state, verifier: `verifier-${begun}`, nonce: null })
    },
    exchange: async (one, { code }, { verifier, redirectUri }) => {
      exchanged.push({ provider: one.id, code, verifier, redirectUri })
      const tokens = {
        accessToken: 'at',
        refreshToken: 'rt',
        idToken: null,
        scopes: null,
        expiresAt: null,
        refreshExpiresAt: null,
      }
      return failure ?? ok<CodeExchange>({ tokens, idToken: null, issuer: one.issuer })
    },
    identify: async () => ok(claims),
    trusts: ({ emailTrust }, { emailVerified }) => emailTrust !== 'never' && emailVerified,
    admits: () => ok(undefined),
    eraseProfile: (one, { subject }) => void forgotten.push(`${one.id}:${subject}`),
  } satisfies Partial<Providers>

  return {
    providers: standIn as unknown as Providers,
    exchanged,
    /** Changes the live settings of a provider: those before stay open under their version. */
    becomes: (id: string, given: Partial<Provider> & { version: string }): void => {
      const changed = { ...provider(id), ...given }
      known.set(id, changed)
      versions.set(given.version, changed)
    },
    openVersion: async (_id: string, version: string) => versions.get(version),
    /** The profiles to request again, in order. */
    forgotten,
    /** Sets the user of the next callbacks. */
    says: (given: Partial<Claims>): void => {
      claims = theClaims(given)
    },
    cannotBegin: (answer: Awaited<ReturnType<Providers['begin']>>): void => {
      unavailable = answer
    },
    refusesCodes: (answer: Awaited<ReturnType<Providers['exchange']>>): void => {
      failure = answer
    },
  }
}
