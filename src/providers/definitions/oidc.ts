import { UserinfoStrategy } from '../passport/userinfo-strategy.ts'
import { firstText, readAddress, readPicture, readSubject } from '../profile-text.ts'
import { defineProvider } from '../provider.ts'

/** Any OpenID provider by its issuer; every endpoint is discovered (`discovery.ts`). */
export const oidc = defineProvider({
  kind: 'oidc',
  scopes: ['openid', 'email', 'profile'],
  emailTrust: 'never',
  openid: {
    issuers: ({ issuer }) => (issuer === undefined ? [] : [issuer]),
    namespace: ({ id, issuer }) => issuer ?? id,
    required: true,
  },
  revocation: 'rfc7009',
  endpoints: () => ({}),
  strategy: (parts, verify) => new UserinfoStrategy(parts, verify),

  claims({ _json }, { tenants }) {
    const subject = typeof _json.sub === 'string' ? readSubject(_json.sub) : null
    if (subject === null) return { unreadable: 'no_subject' }
    const email = readAddress(_json.email)
    return {
      subject,
      email,
      // Some servers write the boolean as text (OpenID Connect Core §5.1 says boolean); nothing else is a yes.
      // In a tenant of their own anybody gives themselves any address, and may have a claim say that it is verified.
      emailVerified:
        tenants === undefined && email !== null && (_json.email_verified === true || _json.email_verified === 'true'),
      emailAuthoritative: false,
      name: firstText(_json.name, _json.preferred_username, _json.nickname),
      picture: readPicture(_json.picture),
    }
  },
})
