/** Teams in a real browser, without a script: created, joined through an email, managed, left and deleted. */
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

async function newPage(locale = 'en-GB'): Promise<Page> {
  const context = await visit([world.base, world.sandbox.url], {
    baseURL: world.base,
    locale,
    javaScriptEnabled: false,
    reducedMotion: 'reduce',
  })
  return context.newPage()
}
/** A new user, signed in with a separate browser. */
async function somebody(locale?: string): Promise<{ page: Page; email: string }> {
  const who = world.newcomer()
  const page = await newPage(locale)
  await giveSession(world, page.context(), who)
  return { page, email: world.emailOf(who) }
}
const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor()
/** The notice on the page after an action. */
const says = (page: Page, words: string) => page.getByRole('status').filter({ hasText: words }).waitFor()
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).click()
const follow = (page: Page, name: string | RegExp) => page.getByRole('link', { name }).click()
/** What is rarely needed is folded. */
const openSettings = (page: Page) => page.locator('summary').filter({ hasText: 'Settings' }).click()
/** The list item of the member or invitation with this name. */
const entry = (page: Page, name: string) =>
  page.getByRole('listitem').filter({ has: page.getByRole('heading', { level: 3, name }) })

async function linkTo(email: string): Promise<string> {
  const [message] = await world.mailTo(email)
  return /http\S+\/invitation\?ticket=\S+/.exec(message?.text ?? '')?.[0] ?? ''
}
async function invite(page: Page, email: string, role = 'Member'): Promise<string> {
  const section = page.getByRole('region', { name: 'Invite someone' })
  await section.getByLabel('Email address').fill(email)
  await section.getByLabel('Role').selectOption(role)
  await section.getByRole('button').click()
  await says(page, 'The invitation was sent.')
  return linkTo(email)
}
/** A new team of the user, with its page open. The first test creates one through the form. */
async function newTeam(page: Page, name: string): Promise<void> {
  const headers = { origin: world.base, 'sec-fetch-site': 'same-origin' }
  const made = await page.request.post('/teams', { data: { name }, headers })
  expect(made.status(), await made.text()).toBe(201)
  await page.goto(`/account/teams/${(await made.json()).id}`)
  await heading(page, name)
}

describe('a team', () => {
  test('is created and joined with the keyboard alone', async () => {
    const { page } = await somebody()
    await page.goto('/account')
    await tabTo(page, 'Teams')
    await page.keyboard.press('Enter')
    await heading(page, 'Teams')
    await tabTo(page, 'name')
    await page.keyboard.type('Analytical Engine')
    await page.keyboard.press('Enter')
    await heading(page, 'Analytical Engine')
    await says(page, 'The team was created. Invite the others now.')
    const guest = await somebody('pt-BR')
    await tabTo(page, 'email')
    await page.keyboard.type(guest.email)
    await tabTo(page, 'role')
    await page.keyboard.press('ArrowUp')
    await tabTo(page, 'Send invitation')
    await page.keyboard.press('Enter')
    await says(page, 'The invitation was sent.')
    await inspect(page, 'team-with-an-invitation')

    await guest.page.goto(await linkTo(guest.email))
    await heading(guest.page, 'Entrar em Analytical Engine?')
    await guest.page.getByText('Administrador(a)').waitFor()
    await inspect(guest.page, 'team-invitation')
    await tabTo(guest.page, 'Entrar na equipe')
    await guest.page.keyboard.press('Enter')
    await heading(guest.page, 'Analytical Engine')
    await says(guest.page, 'Agora você faz parte da equipe.')
  })

  test('is joined by a user who creates an account first, and the ticket of the link is in no later URL', async () => {
    const { page } = await somebody()
    await newTeam(page, 'Newcomers')
    const link = await invite(page, 'newcomer@example.com')
    const guest = await newPage()
    const addresses: string[] = []
    guest.on('framenavigated', (frame) => void addresses.push(frame.url()))
    await guest.goto(link)
    // The link says who invites to what before it asks to sign in.
    await heading(guest, 'Join Newcomers?')
    await guest.getByText('sign in or create an account. You come back to this page.').waitFor()
    await inspect(guest, 'team-invitation-visitor')
    await follow(guest, 'Create an account')
    await guest.getByLabel('Email address').fill('another.address@example.com')
    await guest.getByLabel(/^Name/).fill('Newt')
    await guest.getByLabel('Password').fill('a bar over letters that belong together')
    await button(guest, 'Create account')
    expect(await guest.getByLabel('Email address').inputValue()).toBe('another.address@example.com')
    await guest.getByRole('textbox', { name: 'Password' }).fill('a bar over letters that belong together')
    await button(guest, 'Sign in')
    await heading(guest, 'Join Newcomers?')
    await guest.getByText('You are signed in as Newt (another.address@example.com)').waitFor()
    await button(guest, 'Join the team')
    await heading(guest, 'Newcomers')
    expect(addresses.length).toBeGreaterThan(3)
    expect(addresses.filter((address) => address.includes('ticket'))).toEqual([])
    // An unverified email address is shown to nobody.
    await page.reload()
    await entry(page, 'Newt').waitFor()
    expect(await page.textContent('main')).not.toContain('another.address@example.com')
    await guest.goto(link)
    await heading(guest, 'Invitation no longer valid')
  })

  test('is managed by its owner: roles, invitations, members and the name', async () => {
    const { page } = await somebody()
    await newTeam(page, 'Roles')
    const guest = await somebody()
    await guest.page.goto(await invite(page, guest.email))
    await button(guest.page, 'Join the team')
    for (const name of ['Invite someone', 'Name of the team', 'Delete the team', 'Open invitations'])
      expect(await guest.page.getByRole('heading', { name }).count()).toBe(0)
    expect(await guest.page.getByText(/^Manage/).count()).toBe(0)

    await page.reload()
    const member = page.getByRole('listitem').filter({ hasText: guest.email })
    await member.getByText(/^Manage/).click()
    await member.getByLabel('Role').selectOption('Owner')
    await member.getByRole('button', { name: 'Save role' }).click()
    await says(page, 'The role was changed.')
    await invite(page, 'gone@example.com')
    await entry(page, 'gone@example.com')
      .getByText(/^Withdraw…/)
      .click()
    await page.getByText('The link that we sent to gone@example.com stops working.').waitFor()
    await entry(page, 'gone@example.com').getByRole('button').click()
    await says(page, 'The invitation was withdrawn.')
    await page.getByRole('region', { name: 'Invite someone' }).getByLabel('Email address').fill('nobody@nowhere@com')
    await button(page, 'Send invitation')
    await page.getByRole('region', { name: 'Invite someone' }).getByLabel('Email address').fill(guest.email)
    await button(page, 'Send invitation')
    expect(await page.getByRole('alert').getByRole('link').textContent()).toBe(
      'This person is already in the team. Nothing else is needed.',
    )
    await inspect(page, 'team-refused')
    await openSettings(page)
    await page.getByText(/^Rename/).click()
    await page.getByLabel('Name of the team').fill('Parts')
    await button(page, 'Save name')
    await heading(page, 'Parts')
    await member.getByText(/^Manage/).click()
    await follow(page, /^Remove from the team/)
    await heading(page, /^Remove .* from Parts\?$/)
    await button(page, 'Yes, remove them')
    await says(page, 'They are no longer in the team.')
    await guest.page.reload()
    await heading(guest.page, 'Team not found')
  })

  test('can be left except by its only owner, and is deleted after a confirmation', async () => {
    const { page } = await somebody()
    await newTeam(page, 'Passing')
    expect(await page.getByText('You are its only owner.').count()).toBe(1)
    const guest = await somebody()
    await guest.page.goto(await invite(page, guest.email, 'Admin'))
    await button(guest.page, 'Join the team')
    await openSettings(guest.page)
    await follow(guest.page, 'Leave…')
    await heading(guest.page, 'Leave Passing?')
    await button(guest.page, 'Yes, leave the team')
    await heading(guest.page, 'Teams')
    await says(guest.page, 'You left the team.')
    await page.reload()
    await openSettings(page)
    await follow(page, 'Delete team…')
    await heading(page, 'Delete Passing?')
    await follow(page, 'Cancel')
    await openSettings(page)
    await follow(page, 'Delete team…')
    await button(page, 'Yes, delete the team')
    await says(page, 'The team was deleted, and its permissions were withdrawn.')
    await page.goto('/account/activity')
    await page.getByText('Deleted a team').waitFor()
    await guest.page.goto('/account/activity')
    await guest.page.getByText('Left a team').waitFor()
  })

  test('requires a verified email address before it invites others', async () => {
    const page = await newPage()
    world.sandbox.as(world.newcomer({ verified: false }))
    await page.goto('/auth/atlassian')
    world.sandbox.as('click')
    await newTeam(page, 'Unproven')
    await page.getByText('verify your own email address first').waitFor()
    expect(await page.getByRole('button', { name: 'Send invitation' }).count()).toBe(0)
  })
})
