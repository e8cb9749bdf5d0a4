import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { createVisitor, type Visit } from '../visitor.ts'
import { api, base, control, type Json, sampleApp, short, step } from './steps.ts'
import { signInAs, throughApp } from './through-provider.ts'

const app = `${sampleApp}/signed-in`

const landedOn = (visit: Visit, path: string): void =>
  assert.equal(`${visit.status} ${visit.url.pathname}`, `200 ${path}`)

/** Sign-in with providers: one account, its tokens, its identities, and its deletion. */
export async function useProviders(run: string): Promise<void> {
  const me = `tour-${run}`
  const email = `${me}@example.com`

  await step('The service is ready', async () => {
    const { status, body } = await api('GET', '/health/ready')
    assert.equal(status, 200)
    return body
  })
  await step('Anyone can list the providers', async () => {
    const { body } = await api('GET', '/auth/providers')
    assert.ok(Array.isArray(body))
    return body
  })
  await control('/identities', { key: me, name: 'Tova Tour', email, verified: true, google: { hd: 'example.com' } })
  await signInAs(me)

  let access = ''
  let refresh = ''
  await step('An app signs in a new user with Google, who gets an account', async () => {
    const { status, body } = await throughApp('google')
    assert.equal(status, 200, short(body))
    assert.equal(body.action, 'created_new_user')
    access = String(body.access_token)
    refresh = String(body.refresh_token)
    return body
  })
  await step('The access token identifies the user', async () => {
    const { status, body } = await api('GET', '/me', { token: access })
    assert.equal(status, 200)
    assert.equal(body.email, email)
    return body
  })
  await step('A back end verifies the token with only the published keys', async () => {
    const { payload, protectedHeader } = await jwtVerify(
      access,
      createRemoteJWKSet(new URL('/.well-known/jwks.json', base)),
      { issuer: base, audience: base, typ: 'at+jwt' },
    )
    return { alg: protectedHeader.alg, sub: payload.sub, amr: payload.amr }
  })
  await step('The refresh token returns a new pair', async () => {
    const { status, body } = await api('POST', '/auth/refresh', { token: refresh })
    assert.equal(status, 200, short(body))
    const again = await api('POST', '/auth/refresh', { token: refresh })
    assert.equal(again.body.refresh_token, body.refresh_token, 'a repeated request returns the same generation')
    access = String(body.access_token)
    refresh = String(body.refresh_token)
    return body
  })
  await step('An access token is not accepted as refresh token; the error is in Portuguese on request', async () => {
    const { status, body } = await api('POST', '/auth/refresh', {
      token: access,
      headers: { 'accept-language': 'pt-BR' },
    })
    assert.deepEqual(
      [status, body.code, body.detail],
      [401, 'token_wrong_type', 'Token inválido: esperado tipo refresh'],
    )
    return body
  })

  const browser = createVisitor()
  await step('A browser signs in with GitHub: the same verified email address, so the same account', async () => {
    const visit = await browser.go(`${base}/auth/github`)
    landedOn(visit, '/account')
    const { body } = await api('GET', '/me/identities', { token: access })
    assert.deepEqual(
      (body as unknown as { provider: string }[]).map(({ provider }) => provider),
      ['google', 'github'],
    )
    return body
  })
  await step('On their page of sign-in methods they link Atlassian', async () => {
    const account = await browser.ask(`${base}/account/sign-in`)
    const visit = await browser.submit(account, '/auth/atlassian/link')
    landedOn(visit, '/account/sign-in')
    const { body } = await api('GET', '/me/identities', { token: access })
    assert.equal((body as unknown as object[]).length, 3)
    return (body as unknown as Json[]).map(({ provider, scopes, token_status }) => ({ provider, scopes, token_status }))
  })
  await step('Their current profile at Google', async () => {
    const { body: identities } = await api('GET', '/me/identities', { token: access })
    const google = (identities as unknown as { id: string; provider: string }[]).find(
      ({ provider }) => provider === 'google',
    )
    const { status, body } = await api('GET', `/me/identities/${google?.id}/profile`, { token: access })
    assert.equal(status, 200, short(body))
    return body
  })

  await step(
    'Acme ID is not trusted to verify email addresses: the user is asked before anything is linked',
    async () => {
      const visit = await createVisitor().go(`${base}/auth/acme`)
      assert.match(visit.url.pathname, /^\/auth\/conflicts\//)
      return { status: visit.status, page: visit.url.pathname.replace(/[^/]+$/, '…') }
    },
  )
  await step('They sign in to the account to prove that it is theirs, and link it', async () => {
    const asked = await throughApp('acme')
    assert.equal(asked.body.code, 'account_conflict', short(asked.body))
    const ticket = String(asked.body.conflict_ticket)
    const unproven = await api('POST', `/auth/conflicts/${ticket}`, {
      body: { action: 'link', flow_token: asked.flowToken },
    })
    assert.equal(unproven.status, 401, short(unproven.body))
    const fresh = await throughApp('google')
    const { status, body } = await api('POST', `/auth/conflicts/${ticket}`, {
      body: { action: 'link', flow_token: asked.flowToken },
      token: String(fresh.body.access_token),
    })
    assert.deepEqual([status, body.action], [200, 'linked_existing'], short(body))
    return body
  })

  await step('They unlink GitHub', async () => {
    const { body } = await api('GET', '/me/identities', { token: access })
    const github = (body as unknown as { id: string; provider: string }[]).find(({ provider }) => provider === 'github')
    const { status } = await api('DELETE', `/me/identities/${github?.id}`, { token: access })
    assert.equal(status, 204)
    return { status }
  })
  await step('Their devices', async () => {
    const { body } = await api('GET', '/me/sessions', { token: access })
    return (body as unknown as Json[]).map(({ provider, ip, current }) => ({ provider, ip, current }))
  })
  await step('The audit log of their account', async () => {
    const { body } = await api('GET', '/me/activity', { token: access })
    return (body as unknown as { items: { event: string }[] }).items.map(({ event }) => event)
  })

  await step('An app on another origin gets a code in the URL, never a token', async () => {
    const verifier = randomBytes(32).toString('base64url')
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const visitor = createVisitor()
    let visit = await visitor.ask(
      `${base}/auth/google?return_to=${encodeURIComponent(app)}&code_challenge=${challenge}&code_challenge_method=S256`,
    )
    while (!visit.headers.get('location')?.startsWith(app))
      visit = await visitor.ask(new URL(visit.headers.get('location') ?? assert.fail('no redirect'), visit.url))
    const code = new URL(visit.headers.get('location') ?? '').searchParams.get('code')
    const { status, body } = await api('POST', '/auth/token', {
      body: { grant_type: 'authorization_code', code, code_verifier: verifier },
    })
    assert.equal(status, 200, short(body))
    return body
  })

  await step('Signing out ends the session: its tokens are rejected at once', async () => {
    assert.equal((await api('POST', '/auth/logout', { token: access })).status, 204)
    const { status, body } = await api('POST', '/auth/refresh', { token: refresh })
    assert.deepEqual([status, body.code], [401, 'session_revoked'])
    assert.equal((await api('GET', '/me', { token: access })).status, 401)
    return body
  })
  await step('They sign in again and delete the account', async () => {
    const { body } = await throughApp('google')
    assert.equal(body.action, 'login_existing')
    assert.equal((await api('DELETE', '/me', { token: String(body.access_token) })).status, 204)
    assert.equal((await api('GET', '/me', { token: String(body.access_token) })).status, 401)
    return { erased: true }
  })
}
