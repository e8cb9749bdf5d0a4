import assert from 'node:assert/strict'
import { CLIENTS } from '../../sandbox/providers/index.ts'
import { api, base, control, sandbox, short, step } from './steps.ts'
import { signInAs, throughApp } from './through-provider.ts'

/** An administrator adds a provider while the service runs, tries it, lets people sign in with it, and removes it. */
export async function manageProviders(access: string, run: string): Promise<void> {
  const id = `tour-${run}`
  const at = `/providers/${id}`
  const ask = (method: string, path: string, body?: object) =>
    api(method, path, { token: access, ...(body && { body }) })

  await step('The administrator adds a provider: it is a draft, and its secret is not returned', async () => {
    await control('/redirect-uris', { provider: 'oauth2', uri: `${base}/auth/${id}/callback` })
    const settings = {
      NAME: 'Second Beta',
      CLIENT_ID: CLIENTS.oauth2.id,
      CLIENT_SECRET: CLIENTS.oauth2.secret,
      AUTHORIZE_URL: `${sandbox}/oauth2/authorize`,
      TOKEN_URL: `${sandbox}/oauth2/token`,
      USERINFO_URL: `${sandbox}/oauth2/userinfo`,
      SCOPES: 'read:user',
      USER_ID_PATH: 'data.user.uid',
      USER_EMAIL_PATH: 'data.user.contact.mail',
      USER_EMAIL_VERIFIED_PATH: 'data.user.contact.confirmed',
      USER_NAME_PATH: 'data.user.label',
    }
    const { status, body } = await ask('POST', '/providers', { id, kind: 'oauth2', settings })
    assert.equal(status, 201, short(body))
    assert.ok(!JSON.stringify(body).includes(CLIENTS.oauth2.secret))
    return { id: body.id, enabled: body.enabled, redirect_uris: body.redirect_uris }
  })
  await step('They cannot enable it before they have tried it', async () => {
    const { status, body } = await ask('POST', `${at}/enable`, {})
    assert.deepEqual([status, body.code], [409, 'provider_not_tried'])
    return body
  })
  await step('They try it: the result shows what a sign-in would do, and nothing is created', async () => {
    await signInAs('grace')
    const tried = await throughApp(id, { begin: `${at}/try`, token: access })
    assert.equal(tried.status, 200, short(tried.body))
    const { status, body } = await ask('GET', `${at}/try`)
    assert.equal(status, 200, short(body))
    return { outcome: body.outcome, decision: body.decision }
  })
  await step('They enable it, and a person signs in with it', async () => {
    assert.equal((await ask('POST', `${at}/enable`, {})).status, 200)
    await signInAs('linus')
    const { status, body } = await throughApp(id)
    assert.equal(status, 200, short(body))
    return { action: body.action, provider: body.provider_info }
  })
  await step('They see who could not sign in without it, and delete it', async () => {
    const { status, body } = await ask('GET', `${at}/impact`)
    assert.equal(status, 200, short(body))
    assert.ok(Number(body.affected) >= 1, short(body))
    const deleted = await ask('DELETE', at)
    assert.ok(deleted.status < 300, short(deleted.body))
    assert.equal((await api('POST', `/auth/${id}/authorize`, { body: {} })).status, 404)
    return { affected: body.affected }
  })
}
