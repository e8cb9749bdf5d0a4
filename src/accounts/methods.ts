import { passwordMaySignIn } from '../kernel/account.ts'
import type { Identity, SignInMethods } from './ports.ts'

/** A sign-in method of an account, and whether it can sign in at present. */
export type SignInMethod =
  | { readonly type: 'provider'; readonly provider: string; readonly identityId: string; readonly usable: boolean }
  | { readonly type: 'password'; readonly usable: boolean }
  | { readonly type: 'passkey'; readonly passkeyId: string; readonly name: string; readonly usable: boolean }

/** The operator's settings about who can sign in. */
export type SignInRules = {
  /** The provider is enabled, and has the issuer of this subject. */
  readonly acceptsIdentity: (of: Pick<Identity, 'provider' | 'issuer'>) => boolean
  /** `REQUIRE_VERIFIED_EMAIL`. */
  readonly requireVerifiedEmail: boolean
}

/**
 * All sign-in methods. An emailed link is none: it lets a user with access to the mailbox back in, and cannot be
 * removed.
 */
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

/** Without any of these, a user could never sign in again. */
export const keepsAWayIn = (methods: readonly SignInMethod[]): boolean => methods.some(({ usable }) => usable)
