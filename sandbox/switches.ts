/**
 * Everything about a look-alike that can be set to either of two true behaviours: what an operator configures at the
 * real provider, and what observers of the real provider disagree about.
 */
export type Switches = {
  google: {
    /** Scopes the person leaves unticked on the consent page, e.g. `email`. */
    unticked: string[]
    /** Whether the callback carries RFC 9207's `iss`. */
    iss: boolean
    /** Both spellings are documented for the id_token. https://developers.google.com/identity/openid-connect/openid-connect */
    issuer: string
    /** Whether a token response to `openid` holds an id_token; Google's always does, a proxy's or an emulator's may not. */
    idToken: boolean
    /** Profile and e-mail claims in the id_token; under load Google leaves them out. */
    idTokenProfile: boolean
  }
  github: {
    /** An OAuth app's tokens do not expire; a GitHub App's do, and rotate. */
    app: 'oauth-app' | 'github-app'
    /** Whether an OAuth app has expiring tokens switched on. */
    expiringTokens: boolean
    /** Whether a GitHub App has the permission "Email addresses: read". */
    emailPermission: boolean
    /** Whether a GitHub App has the permission "Members: read" in every organization. */
    membersPermission: boolean
    unticked: string[]
    suspended: boolean
    /** How a revoked or unknown token is refused at `/applications/…/token`. */
    unknownToken: 404 | 422
  }
  atlassian: {
    /** No leeway: a spent refresh token ends its family at once. */
    strict: boolean
    deadRefresh: 'observed' | 'documented'
    deadCode: 'current' | 'legacy'
    wrongSecret: 'access_denied' | 'invalid_client'
    revoke: 404 | 200
    /** The 365 days announced in 2021 and absent from today's documents. */
    absoluteLifetime: boolean
    /** How many a page holds at most, whatever is asked for: one may be shorter than its limit without being the last. */
    pageSize: number
  }
  oidc: {
    alg: 'RS256' | 'PS256' | 'ES256' | 'EdDSA'
    /**
     * `crowded`: beside its keys there are others under the same ids, for encryption, of unknown types, incomplete, and
     * entries that are no keys, as real issuers publish them (RFC 7517 §5).
     */
    keySet: 'plain' | 'crowded'
    refresh: 'always' | 'offline_access'
    rotate: boolean
    /** How the application is registered to prove itself; `none` is one without a secret. */
    tokenAuth: 'client_secret_basic' | 'client_secret_post' | 'none'
    /** What UserInfo answers: JSON, a signed or an encrypted JWT, or a refusal whatever the token (AD FS). */
    userinfo: 'json' | 'signed' | 'encrypted' | 'refused'
    /** Whether the id_token repeats the nonce (LinkedIn's does not). */
    nonce: boolean
    /** `refused`: a code verifier beside a secret is an error (LinkedIn). */
    pkce: 'required' | 'refused'
    /** Whose oddities it has: see `guises.ts`. */
    like: 'acme' | 'entra' | 'b2c'
    /** In the guise of Entra: whose tokens its keys sign; `{issuer}` is the template of its document. */
    keyIssuer: string
  }
  oauth2: {
    refresh: 'static' | 'rotate' | 'none'
    revoke: 200 | 404 | 503
    /** How an application must prove itself: X, Reddit and Zoom accept nothing but Basic, others only the body. */
    tokenAuth: 'any' | 'basic' | 'post'
  }
}

export const switchesAtStart = (): Switches => ({
  google: { unticked: [], iss: true, issuer: 'https://accounts.google.com', idToken: true, idTokenProfile: true },
  github: {
    app: 'oauth-app',
    expiringTokens: false,
    emailPermission: true,
    membersPermission: true,
    unticked: [],
    suspended: false,
    unknownToken: 404,
  },
  atlassian: {
    strict: false,
    deadRefresh: 'observed',
    deadCode: 'current',
    wrongSecret: 'access_denied',
    revoke: 404,
    absoluteLifetime: false,
    pageSize: 50,
  },
  oidc: {
    alg: 'RS256',
    keySet: 'plain',
    refresh: 'always',
    rotate: true,
    tokenAuth: 'client_secret_basic',
    userinfo: 'json',
    nonce: true,
    pkce: 'required',
    like: 'acme',
    keyIssuer: '{issuer}',
  },
  oauth2: { refresh: 'static', revoke: 200, tokenAuth: 'any' },
})
