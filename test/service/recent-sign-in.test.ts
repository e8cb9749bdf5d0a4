import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiRoutes } from '../../src/http/api/index.ts'
import { pageRoutes } from '../../src/http/pages/index.ts'
import { aboveStore, type Browser, listIn, refusalOf, startWorld, type Visit, type World } from '../support/service.ts'

const routes = [...apiRoutes, ...pageRoutes]
const named = ({ method, path }: { readonly method: string; readonly path: string }): string =>
  `${method.toUpperCase()} ${path}`

/**
 * What a session may change without a recent sign-in, and why: none of these routes removes a sign-in method, a factor
 * or a grant. Every other route that changes something requires one. A new route is in neither list until someone
 * decides.
 */
const needsNone: Readonly<Record<string, readonly string[]>> = {
  'signs somebody in, and what it proves is in the request': [
    'POST /auth/:provider/callback',
    'POST /auth/conflicts/:ticket',
    'POST /forgot-password',
    'POST /login/email',
    'POST /login/email/code',
    'POST /login/email/link',
    'POST /login/passkey',
    'POST /login/password',
    'POST /login/second-factor',
    'POST /register',
    'POST /reset-password',
    'POST /accept-invitation',
    'POST /accept-invitation/without-password',
  ],
  'the handler asks, where the body says so': [
    'POST /auth/:provider/authorize',
    'POST /auth/logout',
    'POST /auth/logout-all',
  ],
  'the current password is proof enough, and without one the flow asks': ['PUT /me/password', 'POST /account/password'],
  'a link that was mailed is used by the account that asked for it': [
    'POST /auth/email/change',
    'POST /auth/email/verify',
    'POST /change-email',
    'POST /invitation',
    'POST /invitations/accept',
    'POST /invitations/lookup',
    'POST /verify-email',
    'POST /account/email/verify',
    'POST /me/email/verify',
  ],
  'only ends sessions': [
    'DELETE /me/sessions',
    'DELETE /me/sessions/:id',
    'POST /account/sessions/:id/end',
    'POST /account/sessions/end-others',
    'POST /account/sign-out',
    'POST /oauth/logout/confirm',
    'POST /device',
  ],
  'only reads': ['POST /oauth/userinfo', 'POST /branding/preview'],
  'allows an application what it asks for, and the application says with `max_age` how recent the sign-in must be': [
    'POST /oauth/interaction/:uid',
  ],
  'only changes a name, a picture or the language': [
    'POST /language',
    'PATCH /me',
    'PATCH /me/passkeys/:id',
    'PATCH /me/sessions/:id',
    'POST /account/profile',
    'POST /account/passkeys/:id/name',
    'POST /account/sessions/:id/name',
  ],
  'who is in a team, and what it is called; a grant ends with a membership only because nobody is left to answer for it':
    [
      'POST /teams',
      'PATCH /teams/:id',
      'PATCH /teams/:id/members/:user_id',
      'DELETE /teams/:id/members/:user_id',
      'POST /teams/:id/invitations',
      'DELETE /teams/:id/invitations/:invitation_id',
      'POST /account/teams',
      'POST /account/teams/:id/name',
      'POST /account/teams/:id/members/:user_id/role',
      'POST /account/teams/:id/members/:user_id/remove',
      'POST /account/teams/:id/invitations',
      'POST /account/teams/:id/invitations/:invitation_id/withdraw',
    ],
  'uses a team’s grant, and leaves it as it is': [
    'PUT /teams/:id/integrations/jira/sites',
    'POST /teams/:id/integrations/jira/sync',
    'POST /account/teams/:id/integrations/jira/sites',
    'POST /account/teams/:id/integrations/jira/sync',
  ],
}

/** The routes that change something for a signed-in user; a route without credentials changes nothing of theirs. */
const changes = routes.filter(({ method, auth }) => method !== 'get' && auth !== 'none')
const asking = changes.filter(({ auth }) => auth === 'recent')

test('every route that changes something requires a recent sign-in, or the reason why not is stated', () => {
  const others = changes.filter(({ auth }) => auth !== 'recent').map(named)
  expect(others.sort()).toEqual(Object.values(needsNone).flat().sort())
})

test('every route that removes a sign-in method, a factor or a grant requires a recent sign-in', () => {
  expect(asking.map(named)).toEqual(
    expect.arrayContaining([
      'DELETE /me',
      'DELETE /me/applications/:id',
      'DELETE /me/identities/:id',
      'DELETE /me/identities/:id/grant',
      'DELETE /me/passkeys/:id',
      'DELETE /me/password',
      'DELETE /me/second-factor',
      'DELETE /me/second-factor/totp',
      'POST /me/recovery-codes',
      'DELETE /teams/:id',
      'DELETE /teams/:id/integrations/jira',
      'DELETE /users/:id/second-factor',
      'POST /account/delete',
      'POST /account/permissions/applications/:id/end',
      'POST /account/identities/:id/unlink',
      'POST /account/identities/:id/withdraw',
      'POST /account/passkeys/:id/remove',
      'POST /account/password/remove',
      'POST /account/second-factor/recovery-codes',
      'POST /account/second-factor/stop',
      'POST /account/second-factor/totp/remove',
      'POST /account/teams/:id/delete',
      'POST /account/teams/:id/integrations/jira/disconnect',
      'POST /admin/users/:id/second-factor',
    ]),
  )
})

describe.each(aboveStore('PostgreSQL'))('a session signed in eleven minutes ago, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterAll(() => world.stop())

  /** An administrator, so that no request fails for a missing scope. */
  async function stale() {
    const who = world.newcomer()
    const { user, access_token: token } = await world.signIn('google', who)
    await world.vinculum.makeAdministrator(user.id)
    world.turn(660)
    return { who, id: user.id, token }
  }

  test('cannot use any route that requires a recent sign-in', async () => {
    const { token } = await stale()
    for (const { method, path } of asking) {
      const answer = await world.call(method.toUpperCase(), path.replace(/:\w+/g, 'some_1'), { token })
      expect(refusalOf(answer), named({ method, path })).toEqual([403, 'reauthentication_required'])
    }
  })

  test('can sign out, but not withdraw all permissions with it', async () => {
    for (const path of ['/auth/logout', '/auth/logout-all']) {
      const { token, who } = await stale()
      const refused = await world.call('POST', path, { token, body: { revoke_provider_tokens: true } })
      expect(refusalOf(refused)).toEqual([403, 'reauthentication_required'])
      const [identity] = listIn(await world.call('GET', '/me/identities', { token }))
      expect(identity?.token_status).toBe('healthy')
      expect((await world.call('POST', path, { token })).status).toBe(204)
      const { access_token: again } = await world.signIn('google', who)
      expect((await world.call('POST', path, { token: again, body: { revoke_provider_tokens: true } })).status).toBe(
        204,
      )
    }
  })

  /** The pages that ask for confirmation, each with its form. */
  const pagesThatAsk = (identity: string, team: string): readonly (readonly [page: string, form: string])[] => [
    [`/account/identities/${identity}/withdraw`, `/account/identities/${identity}/withdraw`],
    [`/account/identities/${identity}/unlink`, `/account/identities/${identity}/unlink`],
    ['/account/password', '/account/password/remove'],
    [`/account/teams/${team}/delete`, `/account/teams/${team}/delete`],
  ]
  const hasForm = ({ text }: Visit, action: string): boolean => text.includes(`action="${action}"`)
  const loginFor = (page: string): string => `href="/login?return_to=${encodeURIComponent(page)}"`
  /** As a browser does when it follows the link to sign in again. */
  const signInAgain = async (browser: Browser, who: string, page: string): Promise<Visit> => {
    const back = await browser.signIn('google', who, { return_to: page })
    expect(back.headers.get('location')).toBe(page)
    return browser.ask(`${world.base}${page}`)
  }

  test('leads the user through the sign-in page and back, whether it is too old at the page or at the form', async () => {
    const who = world.newcomer()
    const browser = world.openBrowser()
    await browser.signIn('google', who)
    const { access_token: token } = await world.signIn('google', who)
    await world.enter('github', who, { intent: 'link', token })
    const password = { new_password: 'correct horse battery staple' }
    expect((await world.call('PUT', '/me/password', { token, body: password })).status).toBe(204)
    await signInAgain(browser, who, '/account')
    const identity = listIn(await browser.json('GET', '/me/identities')).find(({ provider }) => provider === 'github')
    const { body: team } = await browser.json('POST', '/teams', { body: { name: 'Ours' } })
    for (const [page, form] of pagesThatAsk(String(identity?.id), String(team.id))) {
      const fresh = await browser.ask(`${world.base}${page}`)
      expect(hasForm(fresh, form), page).toBe(true)
      world.turn(660)
      const late = await browser.ask(`${world.base}${page}`)
      expect([late.status, hasForm(late, form), late.text.includes(loginFor(page))], page).toEqual([200, false, true])
      const refused = await browser.submit(fresh, form)
      expect([refused.status, refused.text.includes(loginFor(page))], form).toEqual([403, true])
      const again = await signInAgain(browser, who, page)
      const done = await browser.submit(again, form)
      expect([done.status, done.url.searchParams.has('done')], `${form} ${done.text}`).toEqual([200, true])
    }
    expect(listIn(await browser.json('GET', '/me/identities'))).toHaveLength(1)
    expect(listIn(await browser.json('GET', '/teams'))).toEqual([])
  })
})
