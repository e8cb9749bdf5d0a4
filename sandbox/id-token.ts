/** Custom id_tokens: signed with the provider's key, an unpublished key, the client secret, or not at all. */
import { decodeJwt, decodeProtectedHeader, importJWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import type { Place } from './look-alike.ts'

export type Forgery = {
  /** Merged over the claims; `null` removes one. */
  claims?: Record<string, unknown>
  alg?: 'none' | 'HS256'
  /** Another key ID. The signing key is not published under it. */
  kid?: string
  /** Additional header members; `crit` can name any of them. */
  header?: Record<string, unknown>
}

type Signer = Pick<Place<unknown, unknown>, 'client' | 'keys' | 'alg'>

export async function sign(
  { client, keys, alg: algOf }: Signer,
  claims: JWTPayload,
  { alg, kid, header = {} }: Forgery = {},
): Promise<string> {
  if (alg === 'none') return new UnsecuredJWT(claims).encode()
  if (alg === 'HS256') {
    const secret = new TextEncoder().encode(client.secret)
    return new SignJWT(claims).setProtectedHeader({ alg, ...(kid !== undefined && { kid }) }).sign(secret)
  }
  const own = algOf()
  const key = await (kid === undefined ? keys.current(own) : keys.unpublished(own))
  return new SignJWT(claims)
    .setProtectedHeader({ alg: own, kid: kid ?? key.kid, typ: 'JWT', ...header })
    .sign(await importJWK(key.private, own), {
      crit: Object.fromEntries([header.crit ?? []].flat().map((name) => [name, true])),
    })
}

export function forge(place: Signer, token: string, forgery: Forgery): Promise<string> {
  const merged = { ...decodeJwt(token), ...forgery.claims }
  const claims = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null))
  return sign(place, claims, forgery)
}

export const isIdToken = (value: unknown): value is string => {
  try {
    return typeof value === 'string' && value.split('.').length === 3 && decodeProtectedHeader(value).alg !== undefined
  } catch {
    return false
  }
}
