import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { createVisitor, nextOf } from '../visitor.ts'
import { base, control, type Json, sampleApi, sampleApp, short, step } from './steps.ts'
import { signInAs } from './through-provider.ts'

/** A person signs in to the sample app, as its page does it: with a standard client library. */
export async function useApplication(run: string): Promise<void> {
  const me = `app-${run}`
  await control('/identities', {
    key: me,
    name: 'Ann App',
    email: `${me}@example.com`,
    verified: true,
    google: { hd: 'example.com' },
  })
  await signInAs(me)
  const browser = createVisitor()

  let config: client.Configuration | undefined
  const found = (): client.Configuration => config ?? assert.fail('the issuer was not discovered')
  await step(
    'The sample app, declared in demo/applications.json, discovers the service with the issuer and its client ID',
    async () => {
      const settings = (await (await fetch(`${sampleApp}/settings.json`)).json()) as Json
      assert.deepEqual([settings.issuer, settings.api], [base, sampleApi])
      config = await client.discovery(new URL(base), String(settings.clientId), undefined, client.None(), {
        execute: [client.allowInsecureRequests],
      })
      return settings
    },
  )

  /** Sends the browser to the service, and follows it until it returns to the app. */
  async function signIn(): Promise<client.TokenEndpointResponse & client.TokenEndpointResponseHelpers> {
    const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()]
    let next = client.buildAuthorizationUrl(found(), {
      redirect_uri: `${sampleApp}/`,
      scope: 'openid profile email offline_access notes:read',
      resource: sampleApi,
      state,
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    for (let hop = 0; hop < 15 && next.origin !== sampleApp; hop++) {
      const visit = await browser.ask(next)
      // The sign-in page: the person chooses Google, which returns them to where they were going.
      const chosen = () => {
        const returnTo = visit.url.searchParams.get('return_to')
        const query = new URLSearchParams({ return_to: returnTo ?? assert.fail(`stopped at ${visit.url.pathname}`) })
        return new URL(`/auth/google?${query}`, base)
      }
      next = nextOf(visit) ?? chosen()
    }
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce }
    return client.authorizationCodeGrant(found(), next, checks, { resource: sampleApi })
  }
  const notes = async (token: string): Promise<{ status: number; body: Json }> => {
    const response = await fetch(`${sampleApi}/notes`, { headers: { authorization: `Bearer ${token}` } })
    return { status: response.status, body: (await response.json()) as Json }
  }

  let tokens: Awaited<ReturnType<typeof signIn>> | undefined
  await step('A person signs in to the sample app with Google, on the pages of the service', async () => {
    tokens = await signIn()
    const claims = tokens.claims() ?? assert.fail('there is no id_token')
    const { name, email, email_verified, amr } = claims
    assert.equal(email, `${me}@example.com`)
    return { name, email, email_verified, amr, ...tokens }
  })
  await step('The app calls the sample API, which verifies the access token with the published keys', async () => {
    const { status, body } = await notes(tokens?.access_token ?? '')
    assert.deepEqual([status, body.account], [200, tokens?.claims()?.sub], short(body))
    return body
  })
  await step('The access token is for that API only: the service itself refuses it', async () => {
    const response = await fetch(`${base}/me`, { headers: { authorization: `Bearer ${tokens?.access_token}` } })
    assert.equal(response.status, 401)
    return (await response.json()) as Json
  })
  await step('Signing in again shows no page, because the browser is still signed in here', async () => {
    const again = await signIn()
    assert.equal(again.claims()?.sid, tokens?.claims()?.sid)
    return { sid: again.claims()?.sid }
  })
  await step('Ten tabs refresh at once: all get the same new refresh token', async () => {
    const refresh = () => client.refreshTokenGrant(found(), tokens?.refresh_token ?? '', { resource: sampleApi })
    const answers = await Promise.all(Array.from({ length: 10 }, refresh))
    const issued = new Set(answers.map(({ refresh_token }) => refresh_token))
    assert.equal(issued.size, 1)
    tokens = answers[0]
    assert.equal((await notes(tokens?.access_token ?? '')).status, 200)
    return { requests: answers.length, refresh_tokens: issued.size }
  })
  await step('The person signs out everywhere: the app cannot refresh any more', async () => {
    const { status } = await browser.ask(`${base}/auth/logout-all`, {
      method: 'POST',
      headers: { origin: base, 'sec-fetch-site': 'same-origin' },
    })
    assert.ok(status < 300, `POST /auth/logout-all: ${status}`)
    const refused = await client
      .refreshTokenGrant(found(), tokens?.refresh_token ?? '', { resource: sampleApi })
      .catch((error: unknown) => error)
    assert.ok(refused instanceof client.ResponseBodyError, short(refused))
    assert.equal(refused.error, 'invalid_grant')
    return { error: refused.error, error_description: refused.error_description }
  })
}
