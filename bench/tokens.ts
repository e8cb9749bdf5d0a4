/**
 * Signs the service’s two tokens, claim for claim, with node:crypto and keys created once: the cheapest way to sign
 * them.
 */
import {
  createHmac,
  createSecretKey,
  generateKeyPairSync,
  randomBytes,
  sign as signWith,
  timingSafeEqual,
  verify as verifyWith,
} from 'node:crypto'

export type Session = {
  readonly id: string
  readonly account_id: string
  readonly generation: number
  readonly idle_expires_at: number
}
export type Claims = { readonly sub: string; readonly sid: string; readonly exp: number; readonly generation: number }

export const accessTtlSeconds = 1800
export const refreshTtlSeconds = 604_800

const issuer = 'http://localhost:3000'
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const access = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const refresh = createSecretKey(randomBytes(32))
const kid = 'key_0190000000000000000000000000000000000000000a'
const accessHead = encode({ alg: 'ES256', typ: 'at+jwt', kid })
const refreshHead = encode({ alg: 'HS256', typ: 'rt+jwt', kid })

const hmac = (text: string): Buffer => createHmac('sha256', refresh).update(text).digest()

function signAccess(text: string): string {
  const signature = signWith('sha256', Buffer.from(text), { key: access.privateKey, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

/** The response to a refresh or a sign-in. */
export function pair({ id, account_id, generation, idle_expires_at }: Session) {
  const iat = Math.floor(Date.now() / 1000)
  const exp = Math.floor(idle_expires_at / 1000)
  const common = { iss: issuer, aud: issuer, sub: account_id, iat, jti: `${generation}.${id}`, sid: id }
  const accessClaims = {
    ...common,
    exp: iat + accessTtlSeconds,
    type: 'access',
    client_id: issuer,
    scope: '',
    amr: ['fed'],
    auth_time: iat,
  }
  const text = `${refreshHead}.${encode({ ...common, exp, type: 'refresh' })}`
  return {
    access_token: signAccess(`${accessHead}.${encode(accessClaims)}`),
    refresh_token: `${text}.${hmac(text).toString('base64url')}`,
    token_type: 'bearer',
    expires_in: accessTtlSeconds,
    refresh_expires_in: exp - iat,
  }
}

function read(token: string, head: string, genuine: (text: string, signature: Buffer) => boolean): Claims | undefined {
  const end = token.lastIndexOf('.')
  if (!token.startsWith(head) || token[head.length] !== '.' || end <= head.length) return undefined
  if (!genuine(token.slice(0, end), Buffer.from(token.slice(end + 1), 'base64url'))) return undefined
  const claims = JSON.parse(Buffer.from(token.slice(head.length + 1, end), 'base64url').toString())
  if (claims.iss !== issuer || claims.aud !== issuer || claims.exp * 1000 <= Date.now()) return undefined
  return { sub: claims.sub, sid: claims.sid, exp: claims.exp, generation: Number.parseInt(claims.jti, 10) }
}

export const readRefresh = (token: string): Claims | undefined =>
  read(token, refreshHead, (text, signature) => signature.length === 32 && timingSafeEqual(hmac(text), signature))

const remembered = new Map<string, Claims>()

/** Caches verified access tokens: verifying a signature costs far more than a lookup. */
export function readAccess(token: string): Claims | undefined {
  const known = remembered.get(token)
  if (known) return known.exp * 1000 > Date.now() ? known : undefined
  const key = { key: access.publicKey, dsaEncoding: 'ieee-p1363' as const }
  const claims = read(token, accessHead, (text, signature) => verifyWith('sha256', Buffer.from(text), key, signature))
  if (claims) remembered.set(token, claims)
  return claims
}
