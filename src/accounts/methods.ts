import type { Identity } from './ports.ts'

/** A way into an account, and whether it works at present. */
export type Method = {
  readonly type: 'provider'
  readonly provider: string
  readonly identityId: string
  readonly usable: boolean
}

/** Every way in: an identity of a provider that is switched off opens nothing, so it does not count as usable. */
export const methodsOf = (identities: readonly Identity[], enabled: ReadonlySet<string>): readonly Method[] =>
  identities.map(({ id, provider }) => ({ type: 'provider', provider, identityId: id, usable: enabled.has(provider) }))

/** Somebody who lost the last of these could never come back. */
export const keepsAWayIn = (methods: readonly Method[]): boolean => methods.some(({ usable }) => usable)
