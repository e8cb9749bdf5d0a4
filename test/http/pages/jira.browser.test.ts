/**
 * A team's Jira in a real browser, without a script: connected at Atlassian, selected, read, renewed and disconnected.
 */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { inspect } from '../../support/inspect.ts'
import { ACME_SITE, GLOBEX_SITE, INITECH_SITE, jiraIn } from '../../support/jira.ts'
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
afterEach(() => world.calm())

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor()
const says = (page: Page, words: string) => page.getByRole('status').filter({ hasText: words }).waitFor()
const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).click()
const follow = (page: Page, name: string | RegExp) => page.getByRole('link', { name }).click()
const card = (page: Page) => page.getByRole('region', { name: 'Jira' })

/** A user with these sites and their own team, on its integrations page, in a browser as wide as a phone. */
async function somebody(sites: readonly (typeof ACME_SITE)[], locale = 'en-GB') {
  const who = world.newcomer({ name: 'Ada King' }, { atlassian: { sites: structuredClone([...sites]) } })
  const context = await visit([world.base, world.sandbox.url], {
    baseURL: world.base,
    locale,
    javaScriptEnabled: false,
    reducedMotion: 'reduce',
    viewport: { width: 320, height: 780 },
  })
  const page = await context.newPage()
  await giveSession(world, page.context(), who)
  const { access_token: token, user } = await world.signIn('google', who)
  const made = await world.call('POST', '/teams', { token, body: { name: 'Support' } })
  const team = String(made.body.id)
  await page.goto(`/account/teams/${team}/integrations`)
  return { page, who, token, team, id: user.id, email: world.emailOf(who) }
}
/** Goes to Atlassian and back with the button of this name. */
async function connect({ page, who }: { page: Page; who: string }, name = 'Connect Jira'): Promise<void> {
  world.sandbox.as(who)
  await press(page, name)
  world.sandbox.as('click')
}

describe('the team’s integrations page', () => {
  test('connects two sites after a choice, shows their queues and confirms before it disconnects', async () => {
    const one = await somebody([ACME_SITE, GLOBEX_SITE])
    const { page, team } = one
    await heading(page, 'Integrations of Support')
    await card(page).getByText('Not connected').waitFor()
    await inspect(page, 'jira-not-connected')
    // `form-action` also applies to the redirect after the form.
    await connect(one)
    await says(page, 'Jira is connected to the team.')
    await card(page).getByText('no site is chosen yet').waitFor()

    await follow(page, 'Choose sites')
    await heading(page, 'Which Jira sites does the team use?')
    await press(page, 'Use these sites')
    await page.getByRole('alert').filter({ hasText: 'Choose at least one site' }).waitFor()
    await inspect(page, 'jira-choosing')
    await page.getByRole('checkbox', { name: /acme/ }).check()
    await page.getByRole('checkbox', { name: /globex/ }).check()
    await press(page, 'Use these sites')
    await says(page, 'The team now uses these sites.')
    await card(page).getByText('Ada King (at Atlassian: Ada King)').waitFor()
    await inspect(page, 'jira-active')

    await follow(page, 'Show the queues')
    await heading(page, 'Queues in Jira')
    const acme = page.getByRole('region', { name: 'acme' })
    await acme.getByRole('heading', { level: 3, name: 'IT Help (SD)' }).waitFor()
    await acme.getByText('42 Issues').waitFor()
    await page.getByRole('region', { name: 'globex' }).getByText('Incidents').waitFor()
    await inspect(page, 'jira-queues')

    await follow(page, 'Back to the integrations')
    await follow(page, 'Disconnect…')
    await heading(page, 'Disconnect Jira from the team?')
    expect(await page.getByRole('link', { name: 'Connected apps at Atlassian' }).getAttribute('href')).toBe(
      'https://id.atlassian.com/manage-profile/apps',
    )
    await inspect(page, 'jira-disconnecting')
    await follow(page, 'Keep it connected')
    await follow(page, 'Disconnect…')
    await press(page, 'Yes, disconnect Jira')
    await says(page, 'Jira is disconnected')
    await card(page).getByText('Not connected').waitFor()
    expect((await world.call('GET', `/teams/${team}/integrations/jira`, { token: one.token })).body.status).toBe(
      'not_connected',
    )
  })

  test('reports an expired consent, keeps the sites and recovers by connecting again', async () => {
    const one = await somebody([ACME_SITE])
    const { page, who, team } = one
    await connect(one)
    await card(page).getByText('acme').waitFor()
    world.sandbox.killRefreshTokens('atlassian', who)
    world.sandbox.killAccessTokens('atlassian', who)
    await follow(page, 'Show the queues')
    await page.getByText('The team has no working connection to Jira.').waitFor()
    await inspect(page, 'jira-queues-dead')
    await follow(page, 'Back to the integrations')
    await card(page).getByText('Must be connected again').waitFor()
    await card(page).getByText('Jira no longer accepts our permission').waitFor()
    await inspect(page, 'jira-dead')
    await connect(one, 'Connect Jira again')
    await says(page, 'Jira is connected to the team.')
    await page.goto(`/account/teams/${team}/integrations/jira/queues`)
    await page.getByText('IT Help (SD)').waitFor()
  })

  test('is where a user returns after denying consent at Atlassian', async () => {
    const { page, team } = await somebody([ACME_SITE])
    world.sandbox.deny()
    await press(page, 'Connect Jira')
    world.sandbox.deny(false)
    await follow(page, 'Back to the team')
    expect(new URL(page.url()).pathname).toBe(`/account/teams/${team}/integrations`)
    await card(page).getByText('Not connected').waitFor()
  })

  test('explains the problem of each site, in Portuguese', async () => {
    const one = await somebody([ACME_SITE, INITECH_SITE], 'pt-BR')
    const { page } = one
    await heading(page, 'Integrações de Support')
    await connect(one, 'Conectar o Jira')
    await follow(page, 'Escolher sites')
    await page.getByRole('checkbox', { name: /acme/ }).check()
    await page.getByRole('checkbox', { name: /initech/ }).check()
    await press(page, 'Usar estes sites')
    await follow(page, 'Mostrar as filas')
    await page.getByRole('region', { name: 'initech' }).getByText('exige licença de agente').waitFor()
    await page.getByRole('region', { name: 'acme' }).getByText('IT Help (SD)').waitFor()
    await inspect(page, 'jira-queues-pt')
  })

  test('shows a member the status without forms to change it', async () => {
    const owner = await somebody([ACME_SITE])
    await connect(owner)
    const member = await somebody([])
    await owner.page.goto(`/account/teams/${owner.team}/members/${owner.id}/remove`)
    await owner.page.getByText('You connected the team with Jira').waitFor()
    await jiraIn(world).join(owner.team, owner, member, 'member')
    await member.page.goto(`/account/teams/${owner.team}/integrations`)
    await card(member.page).getByText('Owners and admins of the team can connect Jira').waitFor()
    expect(await card(member.page).getByRole('button').count()).toBe(0)
    expect(await card(member.page).getByRole('link', { name: 'Disconnect…' }).count()).toBe(0)
    await follow(member.page, 'Show the queues')
    await member.page.getByText('IT Help (SD)').waitFor()
  })
})
