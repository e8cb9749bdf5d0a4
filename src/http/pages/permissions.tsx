import { isRecent } from '../principal.ts'
import { route } from '../route.ts'
import type { Services } from '../services.ts'
import { nameOf } from './identity.tsx'
import { Layout, readerOf, show, Time, Unseen } from './layout.tsx'
import { Panel } from './panel.tsx'
import { QueuedRevocations } from './permission.tsx'
import { MyApplications } from './permission-applications.tsx'
import { ProviderMark } from './provider-mark.tsx'
import { doneMessageOf, doneQuery } from './status.ts'

const view = route({
  tag: 'Pages',
  surface: 'browser',
  auth: 'user',
  limit: 'account',
  method: 'get',
  path: '/account/permissions',
  summary: 'Show what I allowed at each provider, and what is still to be revoked',
  query: doneQuery,
  fails: [],
  async handle({ who, query, locale, csrfToken }, services: Services) {
    const { links, standing, revocationsOf, providers, applicationAccess, clock, settings } = services
    const [identities, { items: waiting }, applications] = await Promise.all([
      links.list(who.accountId),
      revocationsOf(who.accountId, { after: null, limit: 50 }),
      applicationAccess.list(who.accountId),
    ])
    const granted = await Promise.all(identities.map(async (identity) => ({ identity, ...(await standing(identity)) })))
    const reader = readerOf(locale)
    const { permission, ways, sections, events } = reader.say
    return show(
      locale,
      <Layout
        {...reader}
        title={sections.permissions}
        signedIn={csrfToken()}
        status={doneMessageOf(query.done, locale)}
      >
        <MyApplications
          {...reader}
          applications={applications}
          csrf={csrfToken()}
          isRecent={isRecent(who, clock(), settings.recentAuthSeconds)}
        />
        <Panel id="granted" title={permission.heading}>
          <p>{permission.intro}</p>
          {granted.length === 0 ? <p>{ways.noneLinked}</p> : null}
          <ul class="rows">
            {granted.map(({ identity, status, granted: scopes, usedAt }) => {
              const provider = providers.get(identity.provider)
              const name = nameOf(identity, providers)
              return (
                <li key={identity.id} class="marked tight">
                  {provider === undefined ? <span /> : <ProviderMark provider={provider} />}
                  <div>
                    <h3>
                      {name}{' '}
                      <span class={status === 'healthy' ? 'badge good' : status === 'none' ? 'badge' : 'badge warn'}>
                        {permission.status[status]}
                      </span>
                    </h3>
                    <p class="fine">
                      {permission.items(scopes.length)}
                      {usedAt === null ? null : (
                        <>
                          {' '}
                          · {permission.lastUsed} <Time {...reader} at={usedAt} />
                        </>
                      )}
                    </p>
                  </div>
                  <div class="actions">
                    <a class="button" href={`/account/identities/${identity.id}`}>
                      {ways.details}
                      <Unseen>
                        {' '}
                        {name} ({identity.email ?? identity.name ?? identity.subject})
                      </Unseen>
                    </a>
                  </div>
                </li>
              )
            })}
          </ul>
        </Panel>
        <QueuedRevocations {...reader} waiting={waiting} providers={providers} />
        <p class="actions">
          <a class="button" href="/account/activity?kind=loans">
            {events.loans}
          </a>
        </p>
      </Layout>,
    )
  },
})
export const permissionPageRoutes = [view]
