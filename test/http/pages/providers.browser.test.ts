/** Providers managed at run time in a real browser, without a script: added, tried, enabled, changed and disabled. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inspect } from '../../support/inspect.ts'
import { startWorld, type World } from '../../support/service.ts'
import { giveSession, visitors } from '../../support/visitors.ts'

let world: World
const visit = visitors()
/** What the sandbox issued to this service. */
const acme = () => ({ id: world.sandbox.env.ACME_CLIENT_ID ?? '', secret: world.sandbox.env.ACME_CLIENT_SECRET ?? '' })

beforeAll(async () => {
  // The provider of the sandbox that the environment usually configures. It is on this machine.
  world = await startWorld({
    env: {
      OIDC_PROVIDERS: '',
      OAUTH_ENABLED_PROVIDERS: 'google,github',
      ACME_NAME: '',
      ACME_ISSUER: '',
      ACME_CLIENT_ID: '',
      ACME_CLIENT_SECRET: '',
      ACME_BREAKER: '',
      PROVIDERS_ALLOW_PRIVATE_ADDRESSES: 'true',
    },
  })
})
afterAll(() => world?.stop())

async function newPage(locale = 'en-GB'): Promise<Page> {
  const context = await visit([world.base, world.sandbox.url], {
    baseURL: world.base,
    locale,
    javaScriptEnabled: false,
    reducedMotion: 'reduce',
    viewport: { width: 360, height: 780 },
  })
  return context.newPage()
}
async function administrator(locale?: string): Promise<{ page: Page; who: string }> {
  const who = world.newcomer({ name: 'Bo Ss' })
  const { user } = await world.signIn('google', who)
  await world.vinculum.makeAdministrator(user.id)
  const page = await newPage(locale)
  await giveSession(world, page.context(), who)
  return { page, who }
}
const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor()
const says = (page: Page, words: string) => page.getByRole('status').filter({ hasText: words }).waitFor()
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).click()
/** Opens a question, which says what will happen. */
async function ask(page: Page, name: string, what: string): Promise<void> {
  await page.locator('summary').filter({ hasText: name }).click()
  await page.getByText(what).waitFor()
}
const follow = (page: Page, name: string | RegExp) => page.getByRole('link', { name }).click()

/** Fills the form of a new provider with what the sandbox expects. */
async function fill(page: Page, id: string): Promise<void> {
  await page.getByLabel('ID', { exact: true }).fill(id)
  await page.getByLabel('Client ID').fill(acme().id)
  await page.getByLabel('Client secret', { exact: false }).first().fill(acme().secret)
  await page.getByLabel('Issuer').fill(`${world.sandbox.url}/oidc`)
}

/** A draft of the provider in the sandbox, through its form. */
async function addDraft(page: Page): Promise<void> {
  await page.goto('/admin')
  await follow(page, 'Providers')
  await heading(page, 'Providers')
  await inspect(page, 'providers/list')
  await follow(page, 'Add a provider')
  await heading(page, 'Choose a kind of provider')
  await inspect(page, 'providers/choose')
  await follow(page, 'OpenID Connect')
  await heading(page, 'Add OpenID Connect')
  await inspect(page, 'providers/new')
  await fill(page, 'acme')
  await button(page, 'Save as a draft')
  await says(page, 'The provider was saved as a draft.')
}
/** Whether the sign-in page names this provider. */
const offers = async (name: string): Promise<boolean> => {
  const { status, text } = await world.call('GET', '/login', { headers: { accept: 'text/html' } })
  expect(status).toBe(200)
  return text.includes(name)
}

describe('a provider', () => {
  test('is added on the page, tried, enabled, used, changed, disabled and deleted', async () => {
    const { page, who } = await administrator()
    await addDraft(page)
    await inspect(page, 'providers/draft')
    expect(await page.content()).not.toContain(acme().secret)
    expect(await offers('Acme')).toBe(false)
    await button(page, 'Check the connection')
    await says(page, 'The provider can be reached and accepts the client ID and secret.')

    // Trying creates nothing: a person whose email address belongs to an account is reported as such.
    world.sandbox.as(who)
    await button(page, 'Try it: sign in')
    await page.getByRole('heading', { name: 'What the provider returned' }).waitFor()
    world.sandbox.as('click')
    await page.getByText('ask the person to prove that an existing account is theirs').waitFor()
    await inspect(page, 'providers/tried')
    await ask(page, 'Enable…', 'The sign-in page offers Acme to everyone.')
    await inspect(page, 'providers/enable')
    expect(await offers('Acme')).toBe(false)
    await button(page, /^Yes, enable it/)
    await says(page, 'People can sign in with the provider now.')
    await inspect(page, 'providers/enabled')

    const guest = world.newcomer({ name: 'Only Acme' })
    const visitor = await newPage()
    world.sandbox.as(guest)
    await visitor.goto('/auth/acme')
    await visitor.getByRole('heading', { level: 1, name: 'Your account' }).waitFor()
    world.sandbox.as('click')

    // A change is a draft, and a stored secret goes to no other address.
    await follow(page, 'Edit')
    await inspect(page, 'providers/edit')
    await page.locator('[id="settings.ISSUER"]').fill(`${world.sandbox.url}/elsewhere`)
    await button(page, 'Save as a draft')
    await page
      .getByRole('alert')
      .getByRole('link', { name: /^Client secret: .*Enter the secret again/ })
      .waitFor()
    await inspect(page, 'providers/secret-again')
    await page.locator('[id="settings.ISSUER"]').fill(`${world.sandbox.url}/oidc`)
    await page.locator('details > summary').click()
    await page.locator('[id="settings.NAME"]').fill('Acme staff')
    await button(page, 'Save as a draft')
    await says(page, 'The change was saved.')
    await inspect(page, 'providers/changed')
    expect(await offers('Acme staff')).toBe(false)
    world.sandbox.as(who)
    await button(page, 'Try it: sign in')
    await page.getByRole('heading', { name: 'What the provider returned' }).waitFor()
    world.sandbox.as('click')
    await ask(page, 'Make it live…', 'The draft replaces the settings in use')
    await inspect(page, 'providers/publish')
    expect(await offers('Acme staff')).toBe(false)
    await button(page, /^Yes, make it live/)
    await says(page, 'The draft is live now.')
    expect(await offers('Acme staff')).toBe(true)
    await button(page, /Restore as a draft/)
    await says(page, 'The earlier version is a draft now.')

    await follow(page, /Disable…/)
    await heading(page, 'Disable Acme staff?')
    await page.getByText('Accounts without another sign-in method: 1.').waitFor()
    await page.getByRole('link', { name: 'Only Acme' }).waitFor()
    await inspect(page, 'providers/disable')
    await button(page, 'Yes, disable it')
    await says(page, 'Nobody can sign in with the provider now.')
    expect(await offers('Acme staff')).toBe(false)

    await follow(page, /Delete…/)
    await inspect(page, 'providers/delete')
    await button(page, 'Yes, delete it')
    await says(page, 'The provider was deleted.')
    expect(world.logged.join()).not.toContain(acme().secret)
  }, 240_000)

  test('in Portuguese shows every error next to its field, and never what was typed into a secret', async () => {
    const { page } = await administrator('pt-BR')
    await page.goto('/admin/new-provider/oidc')
    await heading(page, 'Adicionar OpenID Connect')
    await page.locator('[id="settings.CLIENT_SECRET"]').fill('hunter2-hunter2-hunter2')
    await page.locator('[id="settings.ISSUER"]').fill('not a url')
    await button(page, 'Salvar como rascunho')
    for (const name of ['settings.CLIENT_ID', 'settings.ISSUER']) await page.locator(`[id="${name}-error"]`).waitFor()
    await inspect(page, 'providers/invalid-pt')
    expect(await page.content()).not.toContain('hunter2')
    expect(await page.locator('[id="settings.ISSUER"]').inputValue()).toBe('not a url')
  })
})
