import { passwordMaySignIn } from '../kernel/account.ts'
import type { Identity, SignInMethods } from './ports.ts'

/** A sign-in method of an account, and whether it can sign in at present. */
export type SignInMethod =
  | { readonly type: 'provider'; readonly provider: string; readonly identityId: string; readonly usable: boolean }
  | { readonly type: 'password'; readonly usable: boolean }
  | { readonly type: 'passkey'; readonly passkeyId: string; readonly name: string; readonly usable: boolean }

/** What the operator's settings say about who may sign in. */
export type SignInRules = {
  /** The provider is enabled, and still the issuer that knows this subject. */
  readonly acceptsIdentity: (of: Pick<Identity, 'provider' | 'issuer'>) => boolean
  /** `REQUIRE_VERIFIED_EMAIL`. */
  readonly requireVerifiedEmail: boolean
}

/** Every sign-in method. A link by mail is none: it helps somebody back who has their mailbox, and is not theirs to keep. */
export const methodsOf = (
  {
    identities,
    password,
    passkeys,
  }: Omit<SignInMethods, 'identities'> & {
    readonly identities: readonly Pick<Identity, 'id' | 'provider' | 'issuer'>[]
  },
  rules: SignInRules,
): readonly SignInMethod[] => [
  ...identities.map((identity): SignInMethod => {
    const { id, provider } = identity
    return { type: 'provider', provider, identityId: id, usable: rules.acceptsIdentity(identity) }
  }),
  ...(password ? [{ type: 'password', usable: passwordMaySignIn(rules, password.emailVerified) } as const] : []),
  ...passkeys.map(({ id, name }): SignInMethod => ({ type: 'passkey', passkeyId: id, name, usable: true })),
]

/** Somebody who lost the last of these could never come back. */
export const keepsAWayIn = (methods: readonly SignInMethod[]): boolean => methods.some(({ usable }) => usable)
