import type { VNode } from 'preact'
import { fail, message } from '../../errors/catalogue.ts'
import type { JiraView } from '../../flows/keep-jira.ts'
import { ok } from '../../kernel/result.ts'
import type { Provider } from '../../providers/provider.ts'
import { may } from '../../teams/policy.ts'
import type { JiraSite, Membership, MemberView } from '../../teams/ports.ts'
import { authorize, disconnect, sync } from '../api/jira.ts'
import { formOf } from '../form.ts'
import { isRecent } from '../principal.ts'
import { object, type Principal, route } from '../route.ts'
import type { Services } from '../services.ts'
import { originsOf } from './form-action.ts'
import { backToJira, jiraOf, jiraPage, jiraPageOf, refusals } from './jira-common.ts'
import { Facts, Form, Layout, type Reader, readerOf, SignInAgain, show, Time } from './layout.tsx'
import { ScopeName } from './permission.tsx'
import { doneMessageOf, doneQuery } from './status.ts'
import { toProvider } from './to-provider.ts'

/** The team as this member sees it; `view` is `null` if Jira is not configured. */
async function gather(who: Principal, teamId: string, { teams, flows, providers }: Services) {
  const of = { accountId: who.accountId, teamId }
  const [found, members] = await Promise.all([teams.get(who.accountId, teamId), teams.members(who.accountId, teamId)])
  if (!found.ok) return found
  if (!members.ok) return members
  const view = await flows.jira.status(of)
  if (!view.ok && view.error.code !== 'jira_not_available') return fail('team_not_found')
  const mine = { membership: found.value, members: members.value, mayConnect: may(found.value.role, 'connect') }
  return ok({ ...mine, view: view.ok ? view.value : null, provider: providers.jira()?.provider })
}

const integrations = route({
  ...jiraPage,
  path: '/account/teams/:id/integrations',
  summary: 'Show the connections of my team',
  query: doneQuery,
  fails: ['team_not_found'],
  async handle({ who, params, query, locale, csrfToken }, services: Services) {
    const found = await gather(who, params.id, services)
    if (!found.ok) return found
    const reader = readerOf(locale)
    const { view, provider, ...mine } = found.value
    const { team } = mine.membership
    const csrf = csrfToken()
    const recent = isRecent(who, services.clock(), services.settings.recentAuthSeconds)
    const { jira: say } = reader.say
    return show(
      locale,
      <Layout
        {...reader}
        title={say.title(team.name)}
        signedIn={csrf}
        scopes={who.scopes}
        status={doneMessageOf(query.done, locale)}
      >
        <p class="lead">{say.intro}</p>
        <section class="panel" aria-labelledby="jira">
          <h2 id="jira">Jira</h2>
          {view === null ? (
            <p>{message(fail('jira_not_available').error, locale).detail}</p>
          ) : (
            <Card {...reader} {...mine} view={view} provider={provider} csrf={csrf} recent={recent} />
          )}
        </section>
        <p class="actions">
          <a class="button" href={`/account/teams/${team.id}`}>
            {reader.say.backToTeam}
          </a>
        </p>
      </Layout>,
      { formAction: provider && mine.mayConnect && recent ? await originsOf(services.providers, [provider]) : [] },
    )
  },
})

const connect = formOf(authorize, {
  path: '/account/teams/:id/integrations/jira/connect',
  summary: 'Go to Atlassian to connect my team with Jira',
  fields: object({}),
  done: ({ cookieNames }, started, { settings }) => toProvider(started, cookieNames, settings.flowCookieSeconds),
})

const syncForm = formOf(sync, {
  path: '/account/teams/:id/integrations/jira/sync',
  summary: 'Sync the list of Jira sites now',
  done: backToJira('jira_synced'),
})

const askDisconnect = route({
  ...jiraPage,
  path: '/account/teams/:id/integrations/jira/disconnect',
  summary: 'Ask for confirmation before my team is disconnected from Jira',
  fails: [...refusals, 'jira_not_connected'],
  async handle({ who, params, locale, csrfToken }, { flows, teams, providers, clock, settings }: Services) {
    const allowed = await teams.allowed(who.accountId, params.id, 'connect')
    if (!allowed.ok) return allowed
    const view = await flows.jira.sites({ teamId: params.id, accountId: who.accountId })
    if (!view.ok) return view
    const reader = readerOf(locale)
    const { disconnecting: say } = reader.say.jira
    const provider = providers.jira()?.provider
    const place = provider?.permissionsUrl ?? null
    const csrf = csrfToken()
    return show(
      locale,
      <Layout {...reader} title={say.title} signedIn={csrf} card>
        <p>{say.text}</p>
        {place === null || provider?.revokes === true ? null : (
          <p>
            {say.elsewhere}{' '}
            <a href={place} rel="noreferrer">
              {say.apps}
            </a>
            .
          </p>
        )}
        <div class="actions">
          {isRecent(who, clock(), settings.recentAuthSeconds) ? (
            <Form action={`${jiraOf(params.id)}/disconnect`} csrf={csrf}>
              <button type="submit" class="danger">
                {say.button}
              </button>
            </Form>
          ) : (
            <SignInAgain {...reader} returnTo={`${jiraOf(params.id)}/disconnect`} />
          )}
          <a class="button" href={jiraPageOf(params.id)}>
            {say.keep}
          </a>
        </div>
      </Layout>,
    )
  },
})

const disconnectForm = formOf(disconnect, {
  path: '/account/teams/:id/integrations/jira/disconnect',
  summary: 'Disconnect my team from Jira',
  done: backToJira('jira_disconnected'),
})

export const jiraPages = [integrations, connect, syncForm, askDisconnect, disconnectForm]

type CardProps = Reader & {
  readonly view: JiraView
  readonly provider: Provider | undefined
  readonly membership: Membership
  readonly members: readonly MemberView[]
  readonly mayConnect: boolean
  readonly csrf: string
  readonly recent: boolean
}

const badges: Readonly<Record<JiraView['status'], 'good' | 'warn' | 'bad'>> = {
  active: 'good',
  choose_site: 'warn',
  needs_reauthorization: 'bad',
  not_connected: 'warn',
}

/** The state of the connection, what to do about it, and the actions that this member may take. */
function Card({ view, provider, membership, members, mayConnect, csrf, recent, ...reader }: CardProps): VNode {
  const { jira: say } = reader.say
  const { teamId, status, sites, lastError } = view
  const connected = status !== 'not_connected'
  return (
    <>
      {connected ? null : <p>{say.about}</p>}
      {lastError === null ? null : <p class="caution">{say.errors[lastError]}</p>}
      <Facts
        of={[
          [
            say.status,
            <span key="status" class={`badge ${badges[status]}`}>
              {say.statuses[status]}
            </span>,
          ],
          connected ? [say.sites, <ChosenSites key="sites" {...reader} sites={sites} />] : null,
          view.missingScopes.length > 0 && status !== 'needs_reauthorization'
            ? [
                say.missing,
                <ul key="missing">
                  {view.missingScopes.map((scope) => (
                    <li key={scope}>
                      <ScopeName {...reader} provider={provider} scope={scope} />
                    </li>
                  ))}
                </ul>,
              ]
            : null,
          connected ? [say.connectedBy, whoConnected(view, members, reader)] : null,
          view.connectedAt ? [say.connectedAt, <Time key="at" {...reader} at={view.connectedAt} />] : null,
          connected
            ? [say.lastSync, view.lastSyncAt ? <Time key="sync" {...reader} at={view.lastSyncAt} /> : say.never]
            : null,
        ]}
      />
      {mayConnect ? null : <p>{say.onlyLeaders}</p>}
      {mayConnect && connected ? <p class="fine">{say.reconnectHint}</p> : null}
      <div class="actions">
        {status === 'active' ? (
          <a class="button" href={`${jiraOf(teamId)}/queues`}>
            {say.queues}
          </a>
        ) : null}
        {mayConnect && connected && sites.length > 0 ? (
          <a class={status === 'choose_site' ? 'button primary' : 'button'} href={`${jiraOf(teamId)}/sites`}>
            {say.choose}
          </a>
        ) : null}
        {mayConnect && connected && status !== 'needs_reauthorization' ? (
          <Form action={`${jiraOf(teamId)}/sync`} csrf={csrf}>
            <button type="submit">{say.sync}</button>
          </Form>
        ) : null}
        {mayConnect && recent ? (
          <Form action={`${jiraOf(teamId)}/connect`} csrf={csrf}>
            <button type="submit" class={!connected || status === 'needs_reauthorization' ? 'primary' : undefined}>
              {connected ? say.reconnect : say.connect}
            </button>
          </Form>
        ) : null}
        {mayConnect && connected ? (
          <a class="button danger" href={`${jiraOf(teamId)}/disconnect`}>
            {say.disconnect}
          </a>
        ) : null}
      </div>
      {mayConnect && !recent ? <SignInAgain {...reader} returnTo={jiraPageOf(teamId)} /> : null}
    </>
  )
}

function whoConnected({ connectedBy, subjectName }: JiraView, members: readonly MemberView[], { say }: Reader): string {
  const member = members.find(({ accountId }) => accountId === connectedBy)
  if (!member) return say.jira.somebodyGone
  const name = member.name ?? member.email ?? member.accountId
  return subjectName === null ? name : say.jira.as(name, subjectName)
}

function ChosenSites({ sites, say }: Reader & { sites: readonly JiraSite[] }): VNode {
  const chosen = sites.filter(({ chosen }) => chosen)
  if (chosen.length === 0) return <>{say.jira.noneChosen}</>
  return (
    <ul>
      {chosen.map(({ cloudId, name, url, goneAt }) => (
        <li key={cloudId}>
          {goneAt === null ? (
            <a href={url} rel="noreferrer">
              {name}
            </a>
          ) : (
            <>
              {name} <span class="badge">{say.jira.gone}</span>
            </>
          )}
        </li>
      ))}
    </ul>
  )
}
