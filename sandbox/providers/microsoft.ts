/**
 * Microsoft Entra ID and personal Microsoft accounts: https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc.
 * Each endpoint exists below `common`, `organizations`, `consumers` and every tenant. Claims:
 * https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference. Errors:
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
import { errorPage } from '../consent.ts'
import { type Answer, json } from '../exchange.ts'
import { claimsByScope, type KindAccount, openIdKind } from '../openid-kind.ts'
import { uuid } from '../people.ts'
import { randomText } from '../random.ts'

/** Work or school accounts of two companies, and personal accounts. */
export const TENANTS = {
  contoso: '6c41f1a9-3e58-4b0c-9a67-2f9d1c5be0d4',
  fabrikam: 'b8d0a2c3-74e1-4f2a-8d15-90e7c6ab31f2',
  personal: '9188040d-6c67-4c5b-b112-36a304b66dad',
} as const

type MicrosoftAccount = KindAccount & {
  sub: string
  tid: string
  /** Whether the tenant owns the domain of the email address. Only if the app asks for this optional claim. */
  xms_edov?: boolean | string | number
}
type MicrosoftSwitches = {
  /** The issuer of the tokens that its keys sign. `{issuer}` is the template in its document. */
  keyIssuer: string
}

const tenantIn = (path: string): string => path.split('/')[1] ?? ''
const issuerFor = (url: string, tenant: string): string => {
  const id =
    tenant === 'consumers' ? TENANTS.personal : ['common', 'organizations'].includes(tenant) ? '{tenantid}' : tenant
  return `${url}/${id}/v2.0`
}

/** Whether accounts of this tenant sign in below this segment. */
const isAdmitted = (segment: string, tid: string): boolean =>
  segment === 'common' ||
  segment === tid ||
  (segment === 'organizations' && tid !== TENANTS.personal) ||
  (segment === 'consumers' && tid === TENANTS.personal)

/** Its descriptions have several lines, and identifiers that must not end up in a URL. */
const refused = (status: number, error: string, code: number, description: string): Answer =>
  json(status, {
    error,
    error_description: `AADSTS${code}: ${description}\r\nTrace ID: 0f3e1b7a-52c4-4d69-8b1e-a6d7c9f04e25\r\nTimestamp: 2026-01-09 02:02:12Z`,
    error_codes: [code],
    timestamp: '2026-01-09 02:02:12Z',
    trace_id: '0f3e1b7a-52c4-4d69-8b1e-a6d7c9f04e25',
    error_uri: `https://login.microsoftonline.com/error?code=${code}`,
  })

export const microsoft = openIdKind<MicrosoftAccount, MicrosoftSwitches>({
  label: 'Microsoft (sandbox)',
  client: { id: '3f2504e0-4f89-41d3-9a0c-0305e82c3301', secret: 'sandbox~8Q~T6mQx1WvK9rZc3LnY7pHs5DfGj2Bk' },
  paths: {
    authorize: '/common/oauth2/v2.0/authorize',
    token: '/common/oauth2/v2.0/token',
    userinfo: '/oidc/userinfo',
    jwks: '/common/discovery/v2.0/keys',
    discovery: '/common/v2.0/.well-known/openid-configuration',
  },
  endpoint(path) {
    if (/^\/[^/]+\/oauth2\/v2\.0\/authorize$/.test(path)) return 'authorize'
    if (/^\/[^/]+\/oauth2\/v2\.0\/token$/.test(path)) return 'token'
    if (/^\/[^/]+\/discovery\/v2\.0\/keys$/.test(path)) return 'jwks'
    return /^\/[^/]+\/v2\.0\/\.well-known\/openid-configuration$/.test(path) ? 'discovery' : undefined
  },
  settings: (url) => ({ AUTHORITY: url, TENANTS: 'common' }),
  scope: 'openid email profile offline_access',
  account: ({ key, name, email, verified }) => ({
    sub: `AAAAAAAAAAAAAAAAAAAAA${randomLike(key)}`,
    tid: TENANTS.contoso,
    oid: uuid(`microsoft oid ${key}`),
    name,
    preferred_username: email,
    email,
    ...(verified ? { xms_edov: true } : {}),
  }),
  people: {
    grace: ({ xms_edov: _edov, ...account }) => ({ ...account, tid: TENANTS.personal }),
    // Its administrator wrote somebody else's address into the account.
    mallory: (account) => ({ ...account, tid: TENANTS.fabrikam }),
    linus: ({ email: _email, xms_edov: _edov, ...account }) => ({ ...account, preferred_username: 'linus' }),
  },
  switches: () => ({ keyIssuer: '{issuer}' }),
  metadata(url, path) {
    const tenant = tenantIn(path)
    return {
      issuer: issuerFor(url, tenant),
      authorization_endpoint: `${url}/${tenant}/oauth2/v2.0/authorize`,
      token_endpoint: `${url}/${tenant}/oauth2/v2.0/token`,
      jwks_uri: `${url}/${tenant}/discovery/v2.0/keys`,
      token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
      subject_types_supported: ['pairwise'],
    }
  },
  // Keys name the tenants whose tokens they sign. The key for personal accounts signs none of a company.
  keyMembers: ({ url, switches }) => ({ issuer: switches.keyIssuer.replace('{issuer}', issuerFor(url, 'common')) }),
  barrier({ place, request, account }) {
    if (isAdmitted(tenantIn(request.path), account.tid)) return undefined
    return errorPage(
      400,
      'Sorry, but we’re having trouble signing you in',
      `AADSTS50020: User account does not exist in ${place.label}.`,
    )
  },
  callback: () => ({ session_state: '1c4e8f3a-1c72-4b69-a2d4-7f9b0c6e1a83' }),
  code: () => `1.AQ${randomText(400)}`,
  accessToken: () => `eyJ0eXAi.${randomText(900)}.${randomText(256)}`,
  refreshToken: () => `1.AQ${randomText(600)}`,
  accessSeconds: () => 3599,
  refreshSeconds: 90 * 24 * 3600,
  refreshes: (scopes) => scopes.includes('offline_access'),
  // "The old refresh token isn't revoked": https://learn.microsoft.com/entra/identity-platform/refresh-tokens
  rotation: 'keeps_old',
  idToken: ({ place, account, scopes }) => ({
    ...claims(account, scopes),
    iss: issuerFor(place.url, account.tid),
    tid: account.tid,
    oid: account.oid,
    ...(account.xms_edov === undefined ? {} : { xms_edov: account.xms_edov }),
    ver: '2.0',
    uti: randomText(16),
    rh: `1.${randomText(40)}`,
  }),
  userinfo: ({ account, scopes }) => ({
    ...claims(account, scopes),
    preferred_username: undefined,
    picture: 'https://graph.microsoft.com/v1.0/me/photo/$value',
  }),
  tokenMembers: ({ scopes }) => ({
    ext_expires_in: 3599,
    scope: scopes.filter((scope) => scope !== 'offline_access').join(' '),
  }),
  refuse: {
    client: (problem) =>
      problem === 'unknown' || problem === 'no_id'
        ? refused(400, 'unauthorized_client', 700016, 'Application was not found in the directory.')
        : problem === 'no_secret'
          ? refused(401, 'invalid_client', 7000218, 'The request body must contain client_assertion or client_secret.')
          : refused(401, 'invalid_client', 7000215, 'Invalid client secret provided.'),
    code: () => refused(400, 'invalid_grant', 54005, 'OAuth2 Authorization code was already redeemed.'),
    redirectUri: () => refused(400, 'invalid_grant', 500112, 'The reply address does not match.'),
    verifier: () => refused(400, 'invalid_grant', 501481, 'The Code_Verifier does not match the code_challenge.'),
    refreshToken: () => refused(400, 'invalid_grant', 700082, 'The refresh token has expired due to inactivity.'),
    accessToken: () =>
      json(401, { error: { code: 'InvalidAuthenticationToken', message: 'Access token validation failure.' } }),
  },
})

const claims = ({ tid: _tid, oid: _oid, xms_edov: _edov, ...account }: MicrosoftAccount, scopes: readonly string[]) =>
  claimsByScope(account, scopes)

/** Subjects are pairwise: another for each application. */
function randomLike(key: string): string {
  return uuid(`microsoft ${key}`).replaceAll('-', '').slice(0, 22)
}
