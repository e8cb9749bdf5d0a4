import type { VNode } from 'preact'
import { z } from 'zod'
import type { JiraView } from '../../flows/keep-jira.ts'
import type { JiraSite } from '../../teams/ports.ts'
import { choose, cloudId } from '../api/jira.ts'
import { formOf } from '../form.ts'
import { object, route } from '../route.ts'
import type { Services } from '../services.ts'
import { Tick } from './field.tsx'
import { backToJira, jiraOf, jiraPage, jiraPageOf, refusals } from './jira-common.ts'
import { Facts, Form, Layout, type Reader, readerOf, show, Time } from './layout.tsx'
import { refusalOf } from './refusal.tsx'

const askSites = route({
  ...jiraPage,
  path: '/account/teams/:id/integrations/jira/sites',
  summary: 'Show the Jira sites that my team can use',
  fails: [...refusals, 'jira_not_connected'],
  async handle({ who, params, locale, csrfToken }, { flows, teams }: Services) {
    const allowed = await teams.allowed(who.accountId, params.id, 'connect')
    if (!allowed.ok) return allowed
    const view = await flows.jira.sites({ teamId: params.id, accountId: who.accountId })
    if (!view.ok) return view
    return show(locale, <Choosing {...readerOf(locale)} view={view.value} csrf={csrfToken()} />)
  },
})

const chooseSites = formOf(choose, {
  path: '/account/teams/:id/integrations/jira/sites',
  summary: 'Choose the Jira sites that my team uses',
  fields: object({ cloud_ids: z.array(cloudId).max(200).default([]).describe('The sites the team uses') }),
  also: ['page'],
  async before({ who, params, body, locale, csrfToken }, { flows }) {
    if (body.cloud_ids.length > 0) return undefined
    const view = await flows.jira.sites({ teamId: params.id, accountId: who.accountId })
    if (!view.ok) return view
    const { required } = readerOf(locale).say.jira.choosing
    const page = <Choosing {...readerOf(locale)} view={view.value} csrf={csrfToken()} error={required} />
    return show(locale, page, { status: 400 })
  },
  done: backToJira('jira_sites_chosen'),
})

export const jiraSitePages = [askSites, chooseSites]

type ChoosingProps = Reader & { readonly view: JiraView; readonly csrf: string; readonly error?: string }

function Choosing({ view, csrf, error, ...reader }: ChoosingProps): VNode {
  const { jira: say } = reader.say
  const { choosing } = say
  const within = view.sites.filter(({ goneAt }) => goneAt === null)
  return (
    <Layout {...reader} title={choosing.title} signedIn={csrf} card refused={refusalOf('sites', error)}>
      <p>{choosing.intro}</p>
      <GoneSites {...reader} sites={view.sites} />
      {within.length === 0 ? (
        <p>{choosing.none}</p>
      ) : (
        <Form action={`${jiraOf(view.teamId)}/sites`} csrf={csrf}>
          <fieldset class="field" id="sites" aria-describedby={error && 'refused-sites'}>
            <legend>{choosing.legend}</legend>
            {within.map(({ cloudId, name, url, chosen }, n) => (
              <Tick
                key={cloudId}
                type="checkbox"
                name="cloud_ids"
                value={cloudId}
                checked={chosen}
                autofocus={error !== undefined && n === 0}
              >
                <span>
                  {name} <span class="fine">{new URL(url).hostname}</span>
                </span>
              </Tick>
            ))}
          </fieldset>
          <p class="actions">
            <button type="submit" class="primary">
              {choosing.save}
            </button>
          </p>
        </Form>
      )}
      <p class="actions">
        <a class="button" href={jiraPageOf(view.teamId)}>
          {say.back}
        </a>
      </p>
    </Layout>
  )
}

/** Sites that the team chose, and that the connection no longer reaches. */
function GoneSites({ sites, ...reader }: Reader & { sites: readonly JiraSite[] }): VNode | null {
  const gone = sites.filter(({ chosen, goneAt }) => chosen && goneAt !== null)
  if (gone.length === 0) return null
  return (
    <Facts
      of={gone.map(({ name, goneAt }) => [
        name,
        <>
          {reader.say.jira.goneSince} {goneAt ? <Time {...reader} at={goneAt} exact /> : null}
        </>,
      ])}
    />
  )
}
