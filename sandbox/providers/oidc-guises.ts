/**
 * Variants of the OpenID provider that imitate providers which deviate from the specifications. The certified provider
 * stays unchanged. Its responses are changed only where the real provider differs.
 */

import { decodeJwt } from 'jose'
import { parseUrl } from '../../src/kernel/parse-url.ts'
import { type Answer, json, type ProviderRequest, reader } from '../exchange.ts'
import { forge, isIdToken } from '../id-token.ts'
import type { Place } from '../look-alike.ts'
import type { OpenIdAccount, OpenIdSwitches } from '../openid-server.ts'

export type OidcAccount = OpenIdAccount & {
  /** The tenant of a work account, in the Entra ID variant. Contoso by default. */
  tid?: string
}

export type OidcSwitches = OpenIdSwitches & {
  /** The provider to imitate. */
  like: 'acme' | 'entra' | 'b2c'
  /** In the Entra variant: the issuer of the tokens that its keys sign. `{issuer}` is the template in its document. */
  keyIssuer: string
}

type OidcPlace = Place<OidcAccount, OidcSwitches>

/** Work or school accounts of two companies, and personal Microsoft accounts. */
export const TENANTS = {
  contoso: '6c41f1a9-3e58-4b0c-9a67-2f9d1c5be0d4',
  fabrikam: 'b8d0a2c3-74e1-4f2a-8d15-90e7c6ab31f2',
  personal: '9188040d-6c67-4c5b-b112-36a304b66dad',
} as const

/** The path of each variant's discovery document, below the provider's prefix. */
export const DISCOVERY = {
  entra: '/organizations/v2.0/.well-known/openid-configuration',
  b2c: '/acme.onmicrosoft.com/B2C_1_sign_in/v2.0/.well-known/openid-configuration',
} as const

const B2C_TENANT = '0f3e1b7a-52c4-4d69-8b1e-a6d7c9f04e25'

const issuersBelow = (url: string) => ({ entra: `${url}/{tenantid}/v2.0`, b2c: `${url}/${B2C_TENANT}/v2.0/` })

/** The issuers in the variants' documents, for a sandbox at this URL. */
export const issuersAt = (url: string) => issuersBelow(`${url}/oidc`)

type Navigate = (path: string) => Promise<Answer>
const without = ({ ...body }: Record<string, unknown>, ...names: readonly string[]) => {
  for (const name of names) delete body[name]
  return body
}
const rewritten = (answer: Answer, change: (body: Record<string, unknown>) => Record<string, unknown>): Answer =>
  answer.status === 200 ? { ...answer, body: JSON.stringify(change(JSON.parse(answer.body.toString()))) } : answer

/** Neither Microsoft provider sends its issuer on the callback (RFC 9207). */
function withoutIss(answer: Answer): Answer {
  const { location } = answer.headers
  if (typeof location !== 'string' || parseUrl(location) === undefined) return answer
  const to = new URL(location)
  to.searchParams.delete('iss')
  return { ...answer, headers: { ...answer.headers, location: to.href } }
}

async function resigned(place: OidcPlace, answer: Answer, claims: (sub: string) => Record<string, unknown>) {
  const body: Record<string, unknown> = answer.status === 200 ? JSON.parse(answer.body.toString()) : {}
  if (!isIdToken(body.id_token)) return answer
  const { sub = '' } = decodeJwt(body.id_token)
  return {
    ...answer,
    body: JSON.stringify({ ...body, id_token: await forge(place, body.id_token, { claims: claims(sub) }) }),
  }
}

/**
 * Microsoft Entra ID for any organization: the document contains an issuer template, each token the issuer of its
 * tenant. https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
 */
async function asEntra(place: OidcPlace, request: ProviderRequest, go: Navigate): Promise<Answer> {
  const issuer = issuersBelow(place.url).entra
  switch (request.path) {
    case DISCOVERY.entra:
      return rewritten(await go('/.well-known/openid-configuration'), (body) => ({
        ...without(body, 'revocation_endpoint', 'authorization_response_iss_parameter_supported'),
        issuer,
        token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
        subject_types_supported: ['pairwise'],
      }))
    case '/.well-known/openid-configuration':
      return json(404, { error: 'not_found' })
    case '/jwks':
      // Keys name the tenants whose tokens they sign. The key for personal accounts signs none of a company.
      return rewritten(await go(request.path), ({ keys }) => ({
        keys: [keys].flat().map((key) => ({
          ...Object(key),
          issuer: place.switches.keyIssuer.replace('{issuer}', issuer),
        })),
      }))
    case '/token': {
      const answer = await go(request.path)
      return resigned(place, answer, (sub) => {
        const tid = place.people.bySubject(sub)?.tid ?? TENANTS.contoso
        return { iss: issuer.replace('{tenantid}', tid), tid, oid: `oid-${sub}`, ver: '2.0', email_verified: null }
      })
    }
    case '/me':
      return rewritten(await go(request.path), (body) => without(body, 'email_verified'))
    default:
      return withoutIss(await go(request.path))
  }
}

/**
 * Azure AD B2C: the URL of a user flow's document does not follow from the issuer, and there is no UserInfo.
 * https://learn.microsoft.com/azure/active-directory-b2c/openid-connect
 */
async function asB2c(place: OidcPlace, request: ProviderRequest, go: Navigate): Promise<Answer> {
  const issuer = issuersBelow(place.url).b2c
  switch (request.path) {
    case DISCOVERY.b2c:
      return rewritten(await go('/.well-known/openid-configuration'), (body) => ({
        ...without(body, 'revocation_endpoint', 'userinfo_endpoint', 'authorization_response_iss_parameter_supported'),
        issuer,
        token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
      }))
    case '/.well-known/openid-configuration':
      return json(404, { error: 'not_found' })
    case '/token':
      return resigned(place, await go(request.path), () => ({ iss: issuer, tfp: 'B2C_1_sign_in' }))
    default:
      return withoutIss(await go(request.path))
  }
}

/** LinkedIn rejects a verifier together with a secret, as if the secret were wrong. */
function refusesPkce(place: OidcPlace, request: ProviderRequest): boolean {
  const field = reader(request)
  const secret = field('client_secret') ?? request.headers.authorization
  return place.switches.pkce === 'refused' && field('code_verifier') !== undefined && secret !== undefined
}

/** The response of the current variant. `go` calls the certified provider behind it. */
export async function inGuise(place: OidcPlace, request: ProviderRequest, go: Navigate): Promise<Answer> {
  const { like, nonce, userinfo } = place.switches
  if (request.path === '/token' && refusesPkce(place, request))
    return json(401, { error: 'invalid_client', error_description: 'Client authentication failed' })
  // AD FS has this endpoint, but accepts only tokens for another audience there.
  if (request.path === '/me' && userinfo === 'refused')
    return json(401, { error: 'invalid_token' }, { 'www-authenticate': 'Bearer error="invalid_token"' })
  const answer = await (like === 'entra'
    ? asEntra(place, request, go)
    : like === 'b2c'
      ? asB2c(place, request, go)
      : go(request.path))
  return nonce || request.path !== '/token' ? answer : resigned(place, answer, () => ({ nonce: null }))
}
