import type { VNode } from 'preact'
import { type ErrorCode, texts as errorTexts } from '../../errors/catalogue.ts'
import type { Overview } from '../../statistics/overview.ts'
import { route } from '../route.ts'
import type { Services } from '../services.ts'
import { adminPage } from './admin-frame.tsx'
import { Chart } from './chart.tsx'
import { Layout, type Reader, readerOf, show, Time } from './layout.tsx'
import { Panel } from './panel.tsx'
import { Table } from './table.tsx'

const badges = { up: 'badge good', degraded: 'badge warn', down: 'badge bad' } as const
/** How many reasons for refused sign-ins the page lists. */
const mostReasons = 6

const overview = route({
  ...adminPage,
  path: '/admin',
  summary: 'Show what happened: sign-ins, refusals, accounts, providers and jobs',
  fails: [],
  async handle({ who, locale, csrfToken }, services: Services) {
    const reader = readerOf(locale)
    const { say } = reader
    const numbers = await services.overview()
    const nameOf = (id: string): string => services.providers.get(id)?.name ?? say.overview.methods[id] ?? id
    const mayReadJobs = who.scopes.includes('jobs:read')
    return show(
      locale,
      <Layout {...reader} title={say.overview.title} signedIn={csrfToken()} scopes={who.scopes}>
        <Tiles {...reader} numbers={numbers} />
        <Panel id="sign-ins" title={say.overview.signIns}>
          <Chart
            {...say.overview.chart}
            locale={locale}
            title={say.overview.signInsByMethod}
            bars={numbers.signIns}
            series={numbers.methods.map((key) => ({ key, name: nameOf(key) }))}
          />
        </Panel>
        <Refusals {...reader} numbers={numbers} />
        <Panel id="new-accounts" title={say.overview.newAccounts}>
          <Chart
            {...say.overview.chart}
            locale={locale}
            title={say.overview.newAccountsPerDay}
            bars={numbers.newAccounts}
            series={[{ key: 'all', name: say.overview.newAccounts }]}
          />
        </Panel>
        <Health {...reader} services={services} />
        {mayReadJobs ? <Backlogs {...reader} jobs={await services.jobs()} /> : null}
        <p class="fine">
          {numbers.countedAt === null ? (
            say.overview.notCounted
          ) : (
            <>
              {say.overview.counted} <Time {...reader} at={numbers.countedAt} />
            </>
          )}
        </p>
      </Layout>,
    )
  },
})

function Tiles({ say, locale, numbers }: Reader & { numbers: Overview }): VNode {
  const format = new Intl.NumberFormat(locale)
  const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 })
  const { accounts, newThisWeek, signInsToday, refusedToday, devices, needsConsent } = numbers
  const attempts = signInsToday + refusedToday
  const tiles = [
    [say.overview.accounts, format.format(accounts), say.overview.thisWeek(format.format(newThisWeek))],
    [say.overview.signedIn, format.format(signInsToday), say.overview.onDevices(format.format(devices))],
    [
      say.overview.refused,
      attempts === 0 ? '–' : percent.format(refusedToday / attempts),
      say.overview.ofAttempts(format.format(refusedToday), format.format(attempts)),
    ],
    [say.overview.needsConsent, format.format(needsConsent), say.overview.needsConsentHint],
  ] as const
  return (
    <dl class="tiles">
      {tiles.map(([name, value, hint]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <b>{value}</b> <span class="fine">{hint}</span>
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Refusals({ say, locale, numbers }: Reader & { numbers: Overview }): VNode {
  const format = new Intl.NumberFormat(locale)
  const shown = numbers.refusedBy.slice(0, mostReasons)
  const others = numbers.refusedBy.slice(mostReasons).reduce((total, [, count]) => total + count, 0)
  const titleOf = (code: string): string =>
    Object.hasOwn(errorTexts[locale], code) ? errorTexts[locale][code as ErrorCode].title : code
  return (
    <Panel id="refusals" title={say.overview.refusals}>
      {shown.length === 0 ? (
        <p>{say.overview.noRefusals}</p>
      ) : (
        <Table
          head={[say.overview.reason, say.overview.count]}
          rows={[
            ...shown.map(([code, count]) => ({
              key: code,
              cells: [
                <a key="code" href={`/docs/errors/${code}`}>
                  {titleOf(code)}
                </a>,
                format.format(count),
              ],
            })),
            ...(others === 0 ? [] : [{ key: 'other', cells: [say.overview.methods.other, format.format(others)] }]),
          ]}
        />
      )}
    </Panel>
  )
}

/** The state of each provider on this node, and the kinds of calls that it does not answer at the moment. */
function Health({ say, services }: Reader & { services: Services }): VNode {
  const breakers = services.providers.health()
  return (
    <Panel id="providers" title={say.overview.providers}>
      <Table
        head={[say.overview.provider, say.overview.state, say.overview.notAnswering]}
        rows={services.providers.list().map((provider) => {
          const open = breakers.filter((one) => one.provider === provider.id && one.state !== 'closed')
          return {
            key: provider.id,
            cells: [
              <span key="name" class="long">
                {provider.name}
              </span>,
              <span key="state" class={badges[services.providers.status(provider)]}>
                {say.overview.states[services.providers.status(provider)]}
              </span>,
              open.length === 0 ? '–' : open.map(({ endpointType }) => endpointType).join(', '),
            ],
          }
        })}
      />
    </Panel>
  )
}

function Backlogs({
  say,
  locale,
  jobs,
}: Reader & { jobs: readonly { readonly name: string; readonly backlog: number | null }[] }): VNode {
  const format = new Intl.NumberFormat(locale)
  return (
    <Panel id="backlogs" title={say.overview.waiting}>
      <Table
        head={[say.overview.job, say.jobs.backlog]}
        rows={jobs.flatMap(({ name, backlog }) =>
          backlog === null ? [] : [{ key: name, cells: [say.jobs.names[name] ?? name, format.format(backlog)] }],
        )}
      />
    </Panel>
  )
}

export const adminOverviewRoutes = [overview]
