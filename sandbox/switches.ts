/**
 * Switches between behaviors that are all real: what an operator configures at the real provider, and where reports
 * about it differ.
 */
export type Switches = {
  google: {
    /** Scopes that the user unticks on the consent page, e.g. `email`. */
    unticked: string[]
    /** Whether the callback contains `iss` (RFC 9207). */
    iss: boolean
    /**
     * The issuer in the id_token; both spellings are documented.
     * https://developers.google.com/identity/openid-connect/openid-connect
     */
    issuer: string
    /**
     * Whether the token response contains an id_token for the scope `openid`. Google's always does; that of a proxy or
     * emulator may not.
     */
    idToken: boolean
    /** Whether the id_token contains profile and email claims. Under load Google omits them. */
    idTokenProfile: boolean
  }
  github: {
    /** Tokens of an OAuth app do not expire. Those of a GitHub App do, and rotate. */
    app: 'oauth-app' | 'github-app'
    /** Whether an OAuth app has expiring tokens turned on. */
    expiringTokens: boolean
    /** Whether a GitHub App has the permission "Email addresses: read". */
    emailPermission: boolean
    /** Whether a GitHub App has the permission "Members: read" in every organization. */
    membersPermission: boolean
    unticked: string[]
    suspended: boolean
    /** How `/applications/…/token` rejects a revoked or unknown token. */
    unknownToken: 404 | 422
  }
  atlassian: {
    /** No leeway: reuse of a refresh token revokes its family at once. */
    strict: boolean
    deadRefresh: 'observed' | 'documented'
    deadCode: 'current' | 'legacy'
    wrongSecret: 'access_denied' | 'invalid_client'
    revoke: 404 | 200
    /** The limit of 365 days, announced in 2021 but missing from today's documentation. */
    absoluteLifetime: boolean
    /** The maximum page size, whatever is requested. A page can be shorter than its limit without being the last. */
    pageSize: number
  }
  oidc: {
    alg: 'RS256' | 'PS256' | 'ES256' | 'EdDSA'
    /**
     * `crowded`: the key set also contains keys with the same IDs, for encryption, of unknown types or incomplete, and
     * invalid entries, as real issuers publish them (RFC 7517 §5).
     */
    keySet: 'plain' | 'crowded'
    refresh: 'always' | 'offline_access'
    rotate: boolean
    /** The registered client authentication method; `none` for a client without a secret. */
    tokenAuth: 'client_secret_basic' | 'client_secret_post' | 'none'
    /** The UserInfo response: JSON, a signed or encrypted JWT, or a refusal for every token (AD FS). */
    userinfo: 'json' | 'signed' | 'encrypted' | 'refused'
    /** Whether the id_token repeats the nonce (LinkedIn's does not). */
    nonce: boolean
    /** `refused`: a code verifier together with a secret is an error (LinkedIn). */
    pkce: 'required' | 'refused'
    /** The provider to imitate: see `guises.ts`. */
    like: 'acme' | 'entra' | 'b2c'
    /**
     * In the Entra variant: the issuer of the tokens that its keys sign. `{issuer}` is the template in its document.
     */
    keyIssuer: string
  }
  oauth2: {
    refresh: 'static' | 'rotate' | 'none'
    revoke: 200 | 404 | 503
    /** The accepted client authentication. X, Reddit and Zoom accept only Basic, others only the body. */
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
