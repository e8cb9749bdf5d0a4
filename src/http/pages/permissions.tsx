import { route } from '../route.ts'
import type { Services } from '../services.ts'
import { nameOf } from './identity.tsx'
import { Layout, readerOf, show, Time, Unseen } from './layout.tsx'
import { QueuedRevocations } from './permission.tsx'
import { ProviderMark } from './provider-mark.tsx'

const view = route({
  tag: 'Pages',
  surface: 'browser',
  auth: 'user',
  limit: 'account',
  method: 'get',
  path: '/account/permissions',
  summary: 'Show what I allowed at each provider, and what is still to be revoked',
  fails: [],
  async handle({ who, locale, csrfToken }, services: Services) {
    const { links, standing, revocationsOf, providers } = services
    const [identities, { items: waiting }] = await Promise.all([
      links.list(who.accountId),
      revocationsOf(who.accountId, { after: null, limit: 50 }),
    ])
    const granted = await Promise.all(identities.map(async (identity) => ({ identity, ...(await standing(identity)) })))
    const reader = readerOf(locale)
    const { permission, ways, sections, events } = reader.say
    return show(
      locale,
      <Layout {...reader} title={sections.permissions} signedIn={csrfToken()}>
        <p class="lead">{permission.intro}</p>
        <section class="panel" aria-labelledby="granted">
          <h2 id="granted">{permission.heading}</h2>
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
        </section>
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
