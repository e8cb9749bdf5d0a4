import type { VNode } from 'preact'
import { type AppError, fail, message } from '../../errors/catalogue.ts'
import { route } from '../route.ts'
import type { Services } from '../services.ts'
import { jiraPage, jiraPageOf, refusals } from './jira-common.ts'
import { Facts, Layout, type Reader, readerOf, show, Time, Unseen } from './layout.tsx'

const queues = route({
  ...jiraPage,
  path: '/account/teams/:id/integrations/jira/queues',
  limit: 'jira',
  summary: 'Show the queues of the service desks of my team',
  fails: refusals,
  async handle({ who, params, locale, csrfToken }, { flows }: Services) {
    const read = await flows.readQueues({ teamId: params.id, accountId: who.accountId })
    if (!read.ok && (read.error.code === 'team_not_found' || read.error.code === 'jira_not_available'))
      return fail(read.error.code)
    const reader = readerOf(locale)
    const { jira: say } = reader.say
    return show(
      locale,
      <Layout {...reader} title={say.queuesTitle} signedIn={csrfToken()} scopes={who.scopes}>
        {read.ok ? (
          <>
            <p class="lead">
              {say.readAt}: <Time {...reader} at={read.value.readAt} />
            </p>
            {read.value.sites.map(({ site, desks, error, more }) => (
              <section key={site.cloudId} class="panel" aria-labelledby={`site-${site.cloudId}`}>
                <header>
                  <h2 id={`site-${site.cloudId}`}>{site.name}</h2>
                  <a class="button" href={site.url} rel="noreferrer">
                    {say.opens}
                    <Unseen> {site.name}</Unseen>
                  </a>
                </header>
                {error === null ? null : <Refusal {...reader} error={error} />}
                {error === null && desks.length === 0 ? <p>{say.noDesks}</p> : null}
                {desks.map((desk) => (
                  <section key={desk.id} class="part" aria-labelledby={`desk-${site.cloudId}-${desk.id}`}>
                    <h3 id={`desk-${site.cloudId}-${desk.id}`}>{say.desk(desk.name, desk.key)}</h3>
                    {desk.error === null ? (
                      <DeskQueues {...reader} queues={desk.queues} />
                    ) : (
                      <Refusal {...reader} error={desk.error} />
                    )}
                  </section>
                ))}
                {more ? <p class="fine">{say.more}</p> : null}
              </section>
            ))}
          </>
        ) : (
          <Refusal {...reader} error={read.error} />
        )}
        <p class="actions">
          <a class="button" href={jiraPageOf(params.id)}>
            {say.back}
          </a>
        </p>
      </Layout>,
    )
  },
})

export const jiraQueuePages = [queues]

const Refusal = ({ locale, error }: Reader & { error: AppError }): VNode => (
  <p class="caution">{message(error, locale).detail}</p>
)

function DeskQueues({
  queues,
  say,
}: Reader & { queues: readonly { id: string; name: string; issueCount: number }[] }): VNode {
  if (queues.length === 0) return <p>{say.jira.noQueues}</p>
  return <Facts of={queues.map(({ name, issueCount }) => [name, say.jira.issues(issueCount)])} />
}
