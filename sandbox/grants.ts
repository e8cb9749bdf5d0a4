/**
 * Consents (user and application) at one provider and their tokens, on the sandbox's clock. Each provider decides about
 * lifetimes, rotation and which tokens end together.
 */
export type Grant = {
  readonly clientId: string
  readonly person: string
  scopes: string[]
  /** Whether a refresh token has been issued for this consent. */
  offline: boolean
}

export type Token = {
  readonly value: string
  readonly kind: 'access' | 'refresh'
  readonly grant: Grant
  readonly scopes: readonly string[]
  /** The sign-in that this token comes from. Rotation keeps it. */
  readonly family: string
  readonly issuedAt: number
  /** When it expires. Set to an earlier time if something ends it. */
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
  const key = (clientId: string, who: string) => `${clientId} ${who}`

  const select = (matches: (token: Token) => boolean) => [...tokens.values()].filter(matches)

  const kill = (matches: (token: Token) => boolean): number => {
    const ended = select((token) => token.dead !== true && matches(token))
    for (const token of ended) token.dead = true
    return ended.length
  }

  return {
    find: (clientId: string, who: string) => grants.get(key(clientId, who)),
    allow(clientId: string, who: string, scopes: string[]): Grant {
      const grant = grants.get(key(clientId, who)) ?? { clientId, person: who, scopes, offline: false }
      grant.scopes = scopes
      grants.set(key(clientId, who), grant)
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
    /** Finds an issued token, valid or not. */
    known(kind: Token['kind'], value: string | undefined): Token | undefined {
      const token = value === undefined ? undefined : tokens.get(value)
      return token?.kind === kind ? token : undefined
    },
    alive: (token: Token | undefined): token is Token =>
      token !== undefined && token.dead !== true && now().getTime() < token.expiresAt,
    select,
    /** All tokens of one sign-in, valid or not. */
    ofFamily: (family: string): readonly Token[] => families.get(family) ?? [],
    kill,
    /** All tokens of one kind, or only those of one user. */
    killAll: (kind: Token['kind'], who?: string) =>
      kill((token) => token.kind === kind && [undefined, token.grant.person].includes(who)),
    /** The user, or a revocation, withdraws the whole consent: the next sign-in asks again. */
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
