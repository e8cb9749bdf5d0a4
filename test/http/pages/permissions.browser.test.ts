import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { inspect } from '../../support/inspect.ts'
import { startWorld, type World } from '../../support/service.ts'
import { giveSession, visitors } from '../../support/visitors.ts'

const files = 'https://www.googleapis.com/auth/drive.readonly'
const calendar = 'https://www.googleapis.com/auth/calendar.readonly'

let world: World
const visit = visitors()
beforeAll(async () => {
  world = await startWorld({ env: { GOOGLE_OPTIONAL_SCOPES: `${files} ${calendar}` } })
})
afterEach(async () => {
  world.calm()
  world.sandbox.switches.google.unticked = []
})
afterAll(async () => {
  await world?.stop()
})

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })
const link = (page: Page, name: string | RegExp) => page.getByRole('link', { name })
const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { name }).waitFor()

/** A new user, signed in with Google, on the page of that identity. */
async function newcomer(locale = 'en-GB'): Promise<{ page: Page; who: string }> {
  const visitor = await visit([world.base, world.sandbox.url], {
    baseURL: world.base,
    javaScriptEnabled: false,
    reducedMotion: 'reduce',
    locale,
  })
  const page = await visitor.newPage()
  const who = world.newcomer()
  await giveSession(world, page.context(), who)
  await page.goto('/account/sign-in')
  await link(page, /Manage Google|Gerenciar Google/).click()
  return { page, who }
}
const fact = (page: Page, name: string) =>
  page.locator('dl.facts > div', { has: page.locator('dt', { hasText: name }) })

describe('the page of an identity', () => {
  test('requests more permissions at the provider, and shows which were granted', async () => {
    const { page } = await newcomer()
    await heading(page, 'Your Google sign-in')
    await inspect(page, 'permission')
    expect(await fact(page, 'Permission').first().innerText()).toContain('works')
    await button(page, 'Go to Google to allow it').click()
    await page.getByText('You chose nothing, so nothing was requested.').waitFor()

    world.sandbox.switches.google.unticked = [calendar]
    await page.getByRole('checkbox', { name: /drive\.readonly/ }).check()
    await page.getByRole('checkbox', { name: /calendar\.readonly/ }).check()
    await button(page, 'Go to Google to allow it').click()
    await page.getByText('You are back.').waitFor()
    expect(await fact(page, 'You allowed').innerText()).toContain(files)
    expect(await fact(page, 'Not allowed').innerText()).toContain(calendar)
    await inspect(page, 'permission-missing')
    // A granted permission is not offered again.
    expect(await page.getByRole('checkbox').count()).toBe(1)
  })

  test('is unchanged when the user denies consent', async () => {
    const { page } = await newcomer()
    world.sandbox.deny(true)
    await page.getByRole('checkbox').first().check()
    await button(page, 'Go to Google to allow it').click()
    await heading(page, 'Declined at the provider')
    world.sandbox.deny(false)
    await page.goto('/account/sign-in')
    await link(page, 'Manage Google').click()
    expect(await fact(page, 'You allowed').innerText()).not.toContain(files)
  })

  test('withdraws permissions after a confirmation, and signing in grants them again', async () => {
    const { page, who } = await newcomer()
    await link(page, 'Withdraw…').click()
    await heading(page, 'Withdraw what you allowed at Google?')
    await inspect(page, 'withdraw')
    await link(page, 'Cancel').click()
    world.sandbox.fault({ provider: 'google', endpoint: 'revoke' }, { kind: 'status', status: 503 })
    await link(page, 'Withdraw…').click()
    await button(page, 'Yes, withdraw it').click()
    await page.getByText('The permissions were withdrawn.').waitFor()
    expect(await fact(page, 'Permission').first().innerText()).toContain('withdrawn by you')
    await inspect(page, 'permission-revoked')

    await expect
      .poll(async () => {
        await page.goto('/account/permissions')
        return page.getByRole('heading', { name: 'Still to be revoked' }).count()
      })
      .toBe(1)
    await inspect(page, 'account-revocations')
    world.sandbox.clearFaults()
    world.turn(60)
    await world.vinculum.runJob('revoke-at-provider')
    await page.goto('/account/permissions')
    expect(await page.getByRole('heading', { name: 'Still to be revoked' }).count()).toBe(0)

    world.sandbox.as(who)
    await link(page, /^Details Google/).click()
    await link(page, 'Sign in with Google again to allow what sign-in needs').click()
    await heading(page, 'Your Google sign-in')
    expect(await fact(page, 'Permission').first().innerText()).toContain('works')
  })

  test('shows the same steps in Portuguese', async () => {
    const { page } = await newcomer('pt-BR')
    await heading(page, 'Google: o seu login')
    await heading(page, 'O que você permitiu')
    await heading(page, 'Permitir mais')
    await link(page, 'Retirar…').click()
    await heading(page, 'Retirar o que você permitiu em Google?')
    await button(page, 'Sim, retirar').click()
    await page.getByText('As permissões foram retiradas.').waitFor()
    await inspect(page, 'permissao')
  })
})
