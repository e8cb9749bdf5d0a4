import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { CLIENTS } from '../../sandbox/providers/index.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { walker } from './walk.ts'

let sandbox: Sandbox
let walk: ReturnType<typeof walker>
beforeAll(async () => {
  sandbox = await startSandbox({ as: 'ada' })
  walk = walker(sandbox, 'oidc')
})
beforeEach(() => sandbox.reset())
afterAll(() => sandbox.close())

const issuer = () => `${sandbox.url}/oidc`
const verified = (token: unknown) =>
  jwtVerify(String(token), createRemoteJWKSet(new URL(`${issuer()}/jwks`)), {
    issuer: issuer(),
    audience: CLIENTS.oidc.id,
  })

it('is discovered under exactly its issuer', async () => {
  const found = await (await fetch(`${issuer()}/.well-known/openid-configuration`)).json()
  expect(found).toMatchObject({
    issuer: issuer(),
    token_endpoint: `${issuer()}/token`,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  })
})

it('signs id_tokens with the requested nonce, with either algorithm', async () => {
  const first = await verified((await walk.signIn({ nonce: 'n-1' })).id_token)
  expect(first.protectedHeader.alg).toBe('RS256')
  expect(first.payload).toMatchObject({ nonce: 'n-1', email: 'ada@example.com', email_verified: true })
  sandbox.switches.oidc.alg = 'ES256'
  const second = await verified((await walk.signIn({ nonce: 'n-2' })).id_token)
  expect(second.protectedHeader.alg).toBe('ES256')
})

it('sends iss in the callback', async () => {
  expect((await walk.authorize()).location?.searchParams.get('iss')).toBe(issuer())
})

it('accepts Basic authentication only when both parts were form-encoded', async () => {
  const { id, secret } = CLIENTS.oidc
  const ask = async (joined: string) => {
    const fields = { client_id: undefined, client_secret: undefined }
    return (await walk.trade(await walk.code(), fields, { authorization: `Basic ${btoa(joined)}` })).status
  }
  expect(await ask(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)).toBe(200)
  expect(await ask(`${id}:${secret}`)).not.toBe(200)
})

it('requires PKCE', async () => {
  const { location } = await walk.authorize({ code_challenge: undefined, code_challenge_method: undefined })
  expect(location?.searchParams.get('error')).toBe('invalid_request')
})

it('signs with a new key after a rotation, and publishes it', async () => {
  const before = decodeProtectedHeader(String((await walk.signIn()).id_token)).kid
  sandbox.rotateKeys('oidc')
  const { id_token } = await walk.signIn()
  expect(decodeProtectedHeader(String(id_token)).kid).not.toBe(before)
  await verified(id_token)
})

it('revokes tokens', async () => {
  const { access_token } = await walk.signIn()
  const { id: client_id, secret: client_secret } = CLIENTS.oidc
  const body = new URLSearchParams({ token: String(access_token), client_id, client_secret })
  expect((await fetch(`${issuer()}/token/revocation`, { method: 'POST', body })).status).toBe(200)
  expect((await walk.profile(access_token)).status).toBe(401)
})
