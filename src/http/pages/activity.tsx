import type { VNode } from 'preact'
import { z } from 'zod'
import type { AuditRecord } from '../../audit/ports.ts'
import { type ErrorCode, texts as errorTexts, type Locale } from '../../errors/catalogue.ts'
import type { Providers } from '../../providers/providers.ts'
import { route } from '../route.ts'
import { activityKinds, cursor } from '../schemas/activity.ts'
import type { Services } from '../services.ts'
import { deviceWords } from './device-words.ts'
import { Layout, type Reader, readerOf, show, Time } from './layout.tsx'
import { type EventDetails, textsFor } from './texts.ts'

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
        <nav aria-label={events.title}>
          {[undefined, ...activityKinds].map((one) => (
            <a key={one} href={at(one ? { kind: one } : {})} aria-current={one === kind ? 'page' : undefined}>
              {events[one ?? 'all']}
            </a>
          ))}
        </nav>
        {shown.length === 0 ? (
          <p>{before === null ? events.nothing : events.end}</p>
        ) : (
          <EventList {...reader} rows={shown} providers={providers} />
        )}
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

export function EventList({ rows, providers, ...reader }: EventListProps): VNode {
  return (
    <ul class="plain log">
      {rows.map((row) => (
        <li key={row.id}>
          {eventWords(row, providers, reader)}
          <span class="fine">
            <Time {...reader} at={row.at} />
            {row.userAgent === null ? '' : ` · ${deviceWords(row.userAgent, reader.say)}`}
            {row.ip === null ? '' : ` · ${row.ip}`}
          </span>
        </li>
      ))}
    </ul>
  )
}

/** The sentence for a row of the audit log; the name of the event if this version has no sentence for it. */
function eventWords({ event, data }: AuditRecord, providers: Providers, { say, locale }: Reader): string {
  const { words } = say.events
  if (!Object.hasOwn(words, event)) return event
  const word = words[event as keyof typeof words]
  return typeof word === 'string' ? word : word(told(data, providers, locale))
}

function told(data: AuditRecord['data'], providers: Providers, locale: Locale): EventDetails {
  const read = (name: string): string | undefined => {
    const value = Object.hasOwn(data, name) ? data[name] : undefined
    return typeof value === 'string' ? value : undefined
  }
  const provider = read('provider') ?? read('via') ?? ''
  const code = read('code')
  const role = read('role') ?? ''
  const { ways_in, admin, teams } = textsFor(locale)
  const waysIn: Readonly<Record<string, string>> = ways_in
  const roles: Readonly<Record<string, string>> = admin.roles
  const teamRoles: Readonly<Record<string, string>> = teams.roles
  return {
    provider: providers.get(provider)?.name ?? waysIn[provider] ?? provider,
    why:
      code !== undefined && Object.hasOwn(errorTexts.en, code)
        ? errorTexts[locale][code as ErrorCode].title
        : undefined,
    attempts: typeof data.attempts === 'number' ? data.attempts : 1,
    intent: read('intent'),
    how: read('how'),
    purpose: read('purpose'),
    action: read('action'),
    result: read('result'),
    reason: read('reason'),
    role: roles[role] ?? teamRoles[role] ?? role,
    factor: read('factor') ?? '',
    by: read('by'),
    doneBy: read('done_by'),
    member: read('member'),
  }
}
