/** "Acme ID": any OpenID provider, and its variants (`oidc-guises.ts`). */
import type { Behavior, LookAlike, Place } from '../look-alike.ts'
import { createOpenIdServer, isDiscovery, OPENID_PATHS } from '../openid-server.ts'
import { digest } from '../people.ts'
import { inGuise, type OidcAccount, type OidcSwitches } from './oidc-guises.ts'

function createOidc(place: Place<OidcAccount, OidcSwitches>): Behavior {
  const { answer, ...server } = createOpenIdServer(place)
  return { ...server, answer: (request) => inGuise(place, request, (path) => answer(request, path)) }
}

export const oidc: LookAlike<OidcAccount, OidcSwitches> = {
  label: 'Acme ID',
  id: 'acme',
  listedIn: 'OIDC_PROVIDERS',
  // Basic authentication requires form-encoding of both parts. ':', '+' and '%' reveal clients that omit it.
  client: { id: 'acme:vinculum', secret: 'acme+s3cret:with%25percent/Jm4Kq8Zt2Xw6Rv0Lp' },
  paths: OPENID_PATHS,
  isDiscovered: true,
  endpoint: (_method, path) => (isDiscovery(path) ? 'discovery' : undefined),
  settings: (url) => ({ NAME: 'Acme ID', ISSUER: url }),
  authorizeParams: { scope: 'openid email profile' },
  account: ({ key, name, email, verified }) => ({
    sub: `acme|${digest(`oidc ${key}`).slice(0, 24)}`,
    name,
    preferred_username: key,
    picture: `https://lh3.googleusercontent.com/a/sandbox-${key}=s96-c`,
    email,
    email_verified: verified,
  }),
  people: { linus: ({ email: _email, email_verified: _verified, ...account }) => account },
  subject: ({ sub }) => sub,
  hints: ({ email }) => [email],
  switches: () => ({
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
  }),
  alg: ({ alg }) => alg,
  create: createOidc,
}
