import { UserinfoStrategy } from '../passport/userinfo-strategy.ts'
import { firstText, readAddress, readPicture, readSubject } from '../profile-text.ts'
import { defineProvider } from '../provider.ts'

/** Any OpenID provider, configured by its issuer. All endpoints are discovered (`discovery.ts`). */
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
      // Some servers send the boolean as text (OpenID Connect Core §5.1 requires a boolean). No other value counts.
      // With many tenants, the administrator of any tenant can assign any email address and mark it as verified.
      emailVerified:
        tenants === undefined && email !== null && (_json.email_verified === true || _json.email_verified === 'true'),
      emailAuthoritative: false,
      name: firstText(_json.name, _json.preferred_username, _json.nickname),
      picture: readPicture(_json.picture),
    }
  },
})
