import { TOTP } from 'otpauth'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inspect } from '../../support/inspect.ts'
import { tabTo } from '../../support/keyboard.ts'
import { startWorld, type World } from '../../support/service.ts'
import { giveSession, visitors } from '../../support/visitors.ts'

let world: World
const visit = visitors()
beforeAll(async () => {
  world = await startWorld()
})
afterAll(async () => {
  await world?.stop()
})

async function pageOf(who: string, locale: string): Promise<Page> {
  const visitor = await visit([world.base, world.sandbox.url], { baseURL: world.base, locale })
  await giveSession(world, visitor, who)
  return visitor.newPage()
}

describe('an administrator', () => {
  const button = (page: Page, name: RegExp) => page.getByRole('button', { name })
  /** Opens the question before an act. */
  const ask = (page: Page, name: RegExp) => page.locator('summary').filter({ hasText: name }).click()
  const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name }).waitFor()

  test('finds an account, gives it a role, disables it and deletes it', async () => {
    const [boss, eve] = [world.newcomer({ name: 'Bo Ss' }), world.newcomer({ name: 'Eve <b>Adams</b>' })]
    const { user } = await world.signIn('google', boss)
    await world.signIn('google', eve)
    expect(await world.vinculum.makeAdministrator(user.id)).toBe('made')
    const page = await pageOf(boss, 'en')
    await page.goto('/account')
    await page.getByRole('link', { name: 'Administration' }).click()
    await heading(page, 'Overview')
    await page.getByRole('link', { name: 'Accounts' }).click()
    await heading(page, 'Accounts')
    await page.getByLabel('Find an account').fill('eve')
    await button(page, /^Find$/).click()
    await page.getByRole('link', { name: 'Eve <b>Adams</b>' }).click()
    await heading(page, 'Eve <b>Adams</b>')

    await ask(page, /^Change role…/)
    await page.getByLabel('Role').selectOption('auditor')
    await button(page, /^Change role/).click()
    await page.getByRole('status').getByText('The role was changed.').waitFor()
    await ask(page, /^Disable…/)
    await button(page, /^Disable/).click()
    await page.getByRole('status').getByText('The account was disabled').waitFor()
    await inspect(page, 'admin-user-disabled')
    await ask(page, /^Enable…/)
    await button(page, /^Enable/).click()
    await page.getByRole('status').getByText('The account was enabled').waitFor()
    await ask(page, /^Sign out everywhere…/)
    await button(page, /^Sign out everywhere/).click()
    await page.getByRole('status').getByText('signed out on every device').waitFor()
    await ask(page, /^Send a password reset…/)
    await button(page, /^Send a password reset/).click()
    await page.getByRole('status').getByText('A link to choose a new password').waitFor()

    await page.getByRole('link', { name: 'All activity' }).click()
    await heading(page, 'Audit log')
    await page.getByText('An administrator sent a link to choose a new password').waitFor()
    await page.goBack()
    await page.getByRole('link', { name: /^Delete/ }).click()
    await button(page, /^Yes, delete/).click()
    await page.getByRole('status').getByText('The account was deleted').waitFor()
  })

  test('can work with the keyboard alone', async () => {
    const [boss, who] = [world.newcomer(), world.newcomer({ name: 'Kay Board' })]
    const { user } = await world.signIn('google', boss)
    const kay = await world.signIn('google', who)
    await world.vinculum.makeAdministrator(user.id)
    const page = await pageOf(boss, 'en')
    await page.goto('/account')
    await tabTo(page, 'Administration')
    await page.keyboard.press('Enter')
    await heading(page, 'Overview')
    await tabTo(page, 'Accounts')
    await page.keyboard.press('Enter')
    await heading(page, 'Accounts')
    await tabTo(page, 'search')
    await page.keyboard.type('kay board')
    await page.keyboard.press('Enter')
    await page.getByText('Results').waitFor()
    await tabTo(page, 'Kay Board')
    await page.keyboard.press('Enter')
    await heading(page, 'Kay Board')
    await tabTo(page, 'Change role…')
    await page.keyboard.press('Enter')
    await tabTo(page, 'role')
    await page.keyboard.type('Aud')
    await tabTo(page, 'Change role')
    await page.keyboard.press('Enter')
    await page.getByRole('status').getByText('The role was changed.').waitFor()
    await tabTo(page, 'Disable…')
    await page.keyboard.press('Enter')
    await tabTo(page, 'Disable')
    await page.keyboard.press('Enter')
    await page.getByRole('status').getByText('The account was disabled').waitFor()
    expect((await world.call('GET', '/me', { token: kay.access_token })).body.code).toBe('user_disabled')
    await tabTo(page, 'Service credentials')
    await page.keyboard.press('Enter')
    await heading(page, 'Service credentials')
    await tabTo(page, 'name')
    await page.keyboard.type('Shop')
    await page.keyboard.press('Enter')
    await heading(page, 'Secret of Shop')
  })

  test('removes a lost second factor, after a reminder to check who asks for it', async () => {
    const boss = world.newcomer()
    const { user } = await world.signIn('google', boss)
    await world.vinculum.makeAdministrator(user.id)
    const who = world.newcomer({ name: 'Eve Adams' })
    const eve = await world.signIn('google', who)
    const page = await pageOf(boss, 'en')
    const remove = button(page, /^Remove the second factor/)
    await page.goto(`/admin/users/${eve.user.id}`)
    await heading(page, 'Eve Adams')
    expect(await remove.count()).toBe(0)
    const { access_token: token } = eve
    const { body } = await world.call('POST', '/me/second-factor/totp', { token, body: {} })
    const code = new TOTP({ secret: String(body.secret) }).generate({ timestamp: world.clock().getTime() })
    expect((await world.call('POST', '/me/second-factor/totp/confirm', { token, body: { code } })).status).toBe(200)
    await page.reload()
    await ask(page, /^Remove the second factor…/)
    await page.getByText('First identify the person').waitFor()
    await inspect(page, 'admin-user-second-factor')
    await remove.click()
    await page.getByRole('status').getByText('The second factor was removed').waitFor()
    expect(await remove.count()).toBe(0)
    await page.getByText('Second factor removed by an administrator').waitFor()
    expect((await world.signIn('google', who)).user.id).toBe(eve.user.id)
  })

  test('creates a credential for a back end, sees the secret once and revokes it, in Portuguese', async () => {
    const boss = world.newcomer()
    const { user } = await world.signIn('google', boss)
    await world.vinculum.makeAdministrator(user.id)
    const page = await pageOf(boss, 'pt-BR')
    await page.goto('/admin/service-credentials')
    await heading(page, 'Credenciais de serviço')
    await page.getByLabel('Nome do serviço').fill('Loja')
    await button(page, /^Criar credencial/).click()
    await heading(page, 'Segredo de Loja')
    await inspect(page, 'admin-secret')
    const [id = '', secret = ''] = await page.locator('dd code').allTextContents()
    const { body } = await world.call('POST', '/auth/introspect', {
      form: { token: 'x' },
      headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    })
    expect(body).toEqual({ active: false })
    const stored = page.getByRole('link', { name: 'Já o guardei' })
    await stored.click()
    await stored.waitFor({ state: 'detached' })
    expect(await page.content()).not.toContain(secret)
    await inspect(page, 'admin-credential')
    await ask(page, /^Novo segredo….*Loja/)
    await button(page, /^Novo segredo.*Loja/).click()
    expect((await page.locator('dd code').allTextContents())[1]).not.toBe(secret)
    await page.goto('/admin/service-credentials')
    await ask(page, /^Revogar….*Loja/)
    await button(page, /^Revogar.*Loja/).click()
    await page.getByRole('status').getByText('A credencial foi revogada.').waitFor()
  })

  test('must sign in again before changing anything, once the sign-in is old', async () => {
    const [boss, eve] = [world.newcomer(), await world.signIn('google', world.newcomer())]
    const { user } = await world.signIn('google', boss)
    await world.vinculum.makeAdministrator(user.id)
    const page = await pageOf(boss, 'en')
    world.turn(601)
    await page.goto(`/admin/users/${eve.user.id}`)
    await page.getByText('For your security, sign in again first.').waitFor()
    expect(await button(page, /^Disable/).count()).toBe(0)
    await inspect(page, 'admin-user-not-recent')
  })
})

describe('the administration pages', () => {
  const pages = [
    '/admin',
    '/admin/users',
    '/admin/service-credentials',
    '/admin/audit',
    '/admin/users/usr_x',
    '/admin/users/usr_x/delete',
  ]

  test('do not exist for other users, whose forms have no effect', async () => {
    const who = world.newcomer()
    const { user } = await world.signIn('google', world.newcomer())
    const visitorOf = world.openBrowser()
    await visitorOf.signIn('google', who)
    for (const path of pages) {
      const answer = await visitorOf.ask(new URL(path, world.base))
      expect([path, answer.status]).toEqual([path, 404])
      expect(answer.text).not.toContain('Administration')
    }
    expect((await visitorOf.ask(new URL('/account', world.base))).text).not.toContain('/admin')
    for (const act of ['disable', 'enable', 'end-sessions', 'password-reset', 'second-factor', 'role', 'delete']) {
      const answer = await visitorOf.json('POST', `/admin/users/${user.id}/${act}`)
      expect([act, answer.status]).toEqual([act, 404])
    }
  })

  test('send visitors to the sign-in page', async () => {
    const answer = await world.openBrowser().ask(new URL('/admin', world.base), { headers: { accept: 'text/html' } })
    expect(answer.headers.get('location')).toBe('/login?return_to=%2Fadmin')
  })

  test('show an auditor the data, without forms that change it', async () => {
    const boss = await world.signIn('google', world.newcomer())
    await world.vinculum.makeAdministrator(boss.user.id)
    const who = world.newcomer()
    const { user } = await world.signIn('google', who)
    await world.call('PUT', `/users/${user.id}`, { token: boss.access_token, body: { role: 'auditor' } })
    const auditor = world.openBrowser()
    await auditor.signIn('google', who)
    const seen = await auditor.ask(new URL(`/admin/users/${boss.user.id}`, world.base))
    expect(seen.status).toBe(200)
    expect(seen.text).not.toContain(`action="/admin/users/${boss.user.id}`)
    expect(seen.text).not.toContain('/admin/service-credentials')
    expect((await auditor.ask(new URL('/admin/audit', world.base))).status).toBe(200)
    expect((await auditor.ask(new URL('/admin/service-credentials', world.base))).status).toBe(404)
  })
})
