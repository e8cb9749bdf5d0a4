import type { Identity, Ways } from './ports.ts'

/** A way into an account, and whether it works at present. */
export type Method =
  | { readonly type: 'provider'; readonly provider: string; readonly identityId: string; readonly usable: boolean }
  | { readonly type: 'password'; readonly usable: boolean }
  | { readonly type: 'passkey'; readonly passkeyId: string; readonly name: string; readonly usable: boolean }

/**
 * Every way in: an identity of a provider that is switched off opens nothing, so it does not count as usable. A link by
 * mail is none of them: it helps somebody back who still has their mailbox, and is not theirs to keep.
 */
export const methodsOf = (
  {
    identities,
    password,
    passkeys,
  }: Omit<Ways, 'identities'> & {
    readonly identities: readonly Pick<Identity, 'id' | 'provider'>[]
  },
  enabled: ReadonlySet<string>,
): readonly Method[] => [
  ...identities.map(
    ({ id, provider }): Method => ({ type: 'provider', provider, identityId: id, usable: enabled.has(provider) }),
  ),
  ...(password ? [{ type: 'password', usable: true } as const] : []),
  ...passkeys.map(({ id, name }): Method => ({ type: 'passkey', passkeyId: id, name, usable: true })),
]

/** Somebody who lost the last of these could never come back. */
export const keepsAWayIn = (methods: readonly Method[]): boolean => methods.some(({ usable }) => usable)
