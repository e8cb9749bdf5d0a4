/**
 * What people have allowed (person × application) and the tokens that came of it. Lifetimes, rotation and what dies with
 * what are decided by each provider; this file remembers, on the sandbox's clock.
 */
import type { ProviderId } from './exchange.ts'

export type Grant = {
  readonly provider: ProviderId
  readonly clientId: string
  readonly person: string
  scopes: string[]
  /** A refresh token has been handed out under this consent. */
  offline: boolean
}

export type Token = {
  readonly value: string
  readonly kind: 'access' | 'refresh'
  readonly grant: Grant
  readonly scopes: readonly string[]
  /** The sign-in this token descends from; rotation keeps it. */
  readonly family: string
  readonly issuedAt: number
  /** From when on it is refused; moved forward when something cuts it off early. */
  expiresAt: number
  usedAt: number
  /** When its successor was issued. */
  replacedAt?: number
  dead?: boolean
}

export type NewToken = {
  value: string
  kind: Token['kind']
  grant: Grant
  scopes: readonly string[]
  family: string
  seconds?: number | undefined
}

export function createGrants(now: () => Date) {
  const grants = new Map<string, Grant>()
  const tokens = new Map<string, Token>()
  const families = new Map<string, Token[]>()
  const key = (provider: ProviderId, clientId: string, who: string) => `${provider} ${clientId} ${who}`

  const select = (matches: (token: Token) => boolean) => [...tokens.values()].filter(matches)

  const kill = (matches: (token: Token) => boolean): number => {
    const doomed = select((token) => token.dead !== true && matches(token))
    for (const token of doomed) token.dead = true
    return doomed.length
  }

  return {
    find: (provider: ProviderId, clientId: string, who: string) => grants.get(key(provider, clientId, who)),
    allow(provider: ProviderId, clientId: string, who: string, scopes: string[]): Grant {
      const grant = grants.get(key(provider, clientId, who)) ?? {
        provider,
        clientId,
        person: who,
        scopes,
        offline: false,
      }
      grant.scopes = scopes
      grants.set(key(provider, clientId, who), grant)
      return grant
    },
    issue({ seconds, ...token }: NewToken): string {
      const at = now().getTime()
      const expiresAt = seconds === undefined ? Number.POSITIVE_INFINITY : at + seconds * 1000
      const issued = { ...token, issuedAt: at, usedAt: at, expiresAt }
      tokens.set(token.value, issued)
      families.set(token.family, [...(families.get(token.family) ?? []), issued])
      return token.value
    },
    /** A token as it was issued, dead or alive. */
    known(provider: ProviderId, kind: Token['kind'], value: string | undefined): Token | undefined {
      const token = value === undefined ? undefined : tokens.get(value)
      return token?.kind === kind && token.grant.provider === provider ? token : undefined
    },
    alive: (token: Token | undefined): token is Token =>
      token !== undefined && token.dead !== true && now().getTime() < token.expiresAt,
    select,
    /** Every token of one sign-in, dead or alive. */
    ofFamily: (family: string): readonly Token[] => families.get(family) ?? [],
    kill,
    /** Everybody's tokens of one kind at a provider, or one person's. */
    killAll: (provider: ProviderId, kind: Token['kind'], who?: string) =>
      kill(
        (token) =>
          token.kind === kind && token.grant.provider === provider && [undefined, token.grant.person].includes(who),
      ),
    /** The person, or a revocation, takes the whole consent back: the next sign-in asks again. */
    withdraw(matches: (grant: Grant) => boolean) {
      for (const [id, grant] of grants) if (matches(grant)) grants.delete(id)
      for (const token of tokens.values()) if (matches(token.grant)) token.dead = true
    },
    reset() {
      grants.clear()
      tokens.clear()
      families.clear()
    },
  }
}
export type Grants = ReturnType<typeof createGrants>
