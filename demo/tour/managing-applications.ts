import assert from 'node:assert/strict'
import { api, base, type Json, short, step } from './steps.ts'

/** An administrator sees who uses the sample app, and registers an application of their own. */
export async function manageApplications(access: string, run: string): Promise<void> {
  const ask = (method: string, path: string, body?: object) =>
    api(method, path, { token: access, ...(body && { body }) })

  await step(
    'The administrator lists the applications: the demo declares three in demo/applications.json',
    async () => {
      const { status, body } = await ask('GET', '/applications')
      assert.equal(status, 200, short(body))
      const ids = (body as unknown as Json[]).map(({ id }) => String(id))
      for (const id of ['app_sample', 'app_browser', 'app_server']) assert.ok(ids.includes(id), `${id} is missing`)
      return ids
    },
  )
  await step('They see who signed in to the sample app, and whether they still are signed in', async () => {
    const { status, body } = await ask('GET', '/applications/app_sample/users')
    assert.equal(status, 200, short(body))
    const { items } = body as unknown as { items: Json[] }
    const user = items.find(({ email }) => String(email) === `app-${run}@example.com`)
    assert.equal(user?.signed_in, false, short(body))
    return user
  })

  let made: Json | undefined
  const tokenError = async (secret: string) => {
    const basic = Buffer.from(`${made?.id}:${secret}`).toString('base64')
    const { body } = await api('POST', '/oauth/token', {
      form: { grant_type: 'authorization_code', code: 'none', redirect_uri: `${base}/` },
      headers: { authorization: `Basic ${basic}` },
    })
    return body.error
  }
  await step('They register a web app: its secret is shown only now', async () => {
    const { status, body } = await ask('POST', '/applications', {
      name: `Tour ${run}`,
      kind: 'server',
      redirect_uris: ['http://localhost:8082/callback'],
      post_logout_redirect_uris: ['http://localhost:8082/'],
    })
    assert.equal(status, 201, short(body))
    made = body
    const again = await ask('GET', `/applications/${made.id}`)
    assert.ok(!('secret' in again.body), short(again.body))
    return body
  })
  await step('They rotate the secret: the previous one stays valid for a day', async () => {
    const { status, body } = await ask('POST', `/applications/${made?.id}/secret`, {})
    assert.equal(status, 200, short(body))
    // Both secrets are accepted; only the code is wrong.
    const answers = [await tokenError(String(made?.secret)), await tokenError(String(body.secret))]
    assert.deepEqual(answers, ['invalid_grant', 'invalid_grant'])
    return { previous_secret_until: body.previous_secret_until, errors: answers }
  })
  await step('They disable it, and delete it', async () => {
    const { status, body } = await ask('POST', `/applications/${made?.id}/disable`, {})
    assert.equal(status, 200, short(body))
    assert.equal(await tokenError(String(made?.secret)), 'invalid_client')
    assert.equal((await ask('DELETE', `/applications/${made?.id}`)).status, 204)
    return { disabled_at: body.disabled_at }
  })
}
