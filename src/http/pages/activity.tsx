import type { VNode } from 'preact'
import { z } from 'zod'
import type { AuditRecord } from '../../audit/ports.ts'
import type { Providers } from '../../providers/providers.ts'
import { route } from '../route.ts'
import { activityKinds, cursor } from '../schemas/activity.ts'
import type { Services } from '../services.ts'
import { deviceWords } from './device-words.ts'
import { eventWords } from './event-words.ts'
import { Layout, type Reader, readerOf, show, Time } from './layout.tsx'
import { Panel } from './panel.tsx'

const perPage = 25

const activity = route({
  method: 'get',
  path: '/account/activity',
  summary: 'Show the activity of my account, newest first',
  tag: 'Pages',
  surface: 'browser',
  auth: 'user',
  limit: 'account',
  query: z.looseObject({
    cursor: cursor.optional(),
    kind: z.enum(activityKinds).optional().describe('Only some entries'),
  }),
  fails: [],
  async handle({ who, query, locale, csrfToken }, { audit, providers }: Services) {
    const reader = readerOf(locale)
    const { events } = reader.say
    const { kind } = query
    const before = query.cursor ?? null
    const at = (asked: Readonly<Record<string, string>>): string => {
      const text = new URLSearchParams(asked).toString()
      return text === '' ? '/account/activity' : `/account/activity?${text}`
    }
    const same = kind === undefined ? {} : { kind }
    // One more row than is shown reveals whether there are older ones.
    const rows = await audit.list(who.accountId, { before, limit: perPage + 1 }, kind)
    const shown = rows.slice(0, perPage)
    const last = rows.length > perPage ? shown.at(-1) : undefined
    return show(
      locale,
      <Layout {...reader} title={events.title} signedIn={csrfToken()} scopes={who.scopes}>
        <p>{events.intro}</p>
        <nav class="tabs" aria-label={events.title}>
          {[undefined, ...activityKinds].map((one) => (
            <a key={one} href={at(one ? { kind: one } : {})} aria-current={one === kind ? 'page' : undefined}>
              {events[one ?? 'all']}
            </a>
          ))}
        </nav>
        <Panel id="entries" title={events[kind ?? 'all']}>
          {shown.length === 0 ? <p>{before === null ? events.nothing : events.end}</p> : null}
          <EventList {...reader} rows={shown} providers={providers} />
        </Panel>
        <p class="actions">
          {last ? (
            <a class="button" href={at({ ...same, cursor: last.id })}>
              {events.older}
            </a>
          ) : null}
          {before === null ? null : (
            <a class="button" href={at(same)}>
              {events.newest}
            </a>
          )}
        </p>
      </Layout>,
    )
  },
})
export const activityRoutes = [activity]

type EventListProps = Reader & { readonly rows: readonly AuditRecord[]; readonly providers: Providers }

function EventList({ rows, providers, ...reader }: EventListProps): VNode {
  return (
    <ul class="rows">
      {rows.map((row) => (
        <li key={row.id}>
          <div>
            {eventWords(row, providers, reader, 'person')}
            <p class="fine">
              <Time {...reader} at={row.at} />
              {row.userAgent === null ? '' : ` · ${deviceWords(row.userAgent, reader.say)}`}
              {row.ip === null ? '' : ` · ${row.ip}`}
            </p>
          </div>
        </li>
      ))}
    </ul>
  )
}
