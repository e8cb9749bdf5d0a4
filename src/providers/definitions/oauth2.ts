import { UserinfoStrategy } from '../passport/userinfo-strategy.ts'
import { firstText, isRecord, readAddress, readSubject } from '../profile-text.ts'
import { defineProvider } from '../provider.ts'

/** Any OAuth 2.0 server. The operator sets dotted paths into its userinfo response. */
export const oauth2 = defineProvider({
  kind: 'oauth2',
  scopes: [],
  emailTrust: 'never',
  revocation: 'rfc7009',
  endpoints: () => ({}),
  strategy: (parts, verify) => new UserinfoStrategy(parts, verify),

  claims({ _json }, { paths }) {
    const subject = paths ? readSubject(at(_json, paths.id)) : null
    if (!paths || subject === null) return { unreadable: 'no_subject' }
    const email = readAddress(at(_json, paths.email))
    const verified = at(_json, paths.emailVerified)
    return {
      subject,
      email,
      emailVerified: email !== null && (verified === true || verified === 'true'),
      emailAuthoritative: false,
      name: firstText(at(_json, paths.name)),
      picture: null,
    }
  },
})

/**
 * Resolves a path such as `data.user.id`. It reads own properties only, so that no path reaches `constructor`. Array
 * positions are numbers in the path.
 */
function at(json: unknown, path: string | undefined): unknown {
  if (path === undefined) return undefined
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        (isRecord(value) || Array.isArray(value)) && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined,
      json,
    )
}
