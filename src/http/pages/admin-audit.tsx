import type { ComponentChildren, VNode } from 'preact'
import { z } from 'zod'
import type { AuditRecord } from '../../audit/ports.ts'
import { exportFormats } from '../../events/catalogue.ts'
import { type EventGroup, eventGroups, outcomeOf, outcomes } from '../../events/groups.ts'
import type { AuditQuestion } from '../../flows/read-as-administrator.ts'
import type { Providers } from '../../providers/providers.ts'
import { requestIdPattern } from '../request-id.ts'
import { route } from '../route.ts'
import { cursor } from '../schemas/activity.ts'
import { line } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { adminPage, mayNow, perPage, query, userPage } from './admin-frame.tsx'
import { deviceWords } from './device-words.ts'
import { eventWords } from './event-words.ts'
import { Field, Select } from './field.tsx'
import { Facts, Layout, type Reader, readerOf, SignInAgain, show, Time } from './layout.tsx'
import { Panel } from './panel.tsx'
import { refusalOf } from './refusal.tsx'
import { Table } from './table.tsx'
import type { Texts } from './texts.ts'

const path = '/admin/audit'

/** The filters as typed, and as the form shows them again. */
const filters = {
  account: line.optional().describe('Only entries about this person: an email address, a name or an account ID'),
  event: line.optional().describe('Only entries of this group, or of this event'),
  outcome: line.optional().describe('Only refusals, or only what was done'),
  from: line.optional().describe('Only entries from this day on'),
  until: line.optional().describe('Only entries up to this day'),
  ip: line.optional().describe('Only entries from this IP address'),
  request_id: line.optional().describe('Only entries of this request'),
}
type Filters = { readonly [N in keyof typeof filters]: string }

const isIp = (text: string): boolean => z.union([z.ipv4(), z.ipv6()]).safeParse(text).success
const isDay = (text: string): boolean => z.iso.date().safeParse(text).success
const dayMs = 86_400_000

/** Why the filters cannot be used; empty if they can. */
const refusalsOf = ({ from, until, ip, request_id }: Filters, { admin, auditLog }: Texts) => [
  ...refusalOf('from', from === '' || isDay(from) ? undefined : auditLog.dayMalformed, true),
  ...refusalOf('until', until === '' || isDay(until) ? undefined : auditLog.dayMalformed, true),
  ...refusalOf('ip', ip === '' || isIp(ip) ? undefined : auditLog.ipMalformed, true),
  ...refusalOf(
    'request_id',
    request_id === '' || requestIdPattern.test(request_id) ? undefined : admin.auditRequestMalformed,
    true,
  ),
]

/** The question of valid filters. The last day counts as a whole. */
const questionOf = ({ account, event, outcome, from, until, ip, request_id }: Filters): AuditQuestion => ({
  account: account || null,
  event: event || null,
  outcome: outcomes.find((one) => one === outcome) ?? null,
  requestId: request_id || null,
  ip: ip || null,
  from: from === '' ? null : new Date(from),
  until: until === '' ? null : new Date(Date.parse(until) + dayMs),
})

const audit = route({
  ...adminPage,
  scope: 'audit:read',
  path,
  summary: 'Show the audit log of all accounts, newest first',
  query: z.looseObject({ ...filters, cursor: cursor.optional() }),
  fails: [],
  async handle({ who, query: asked, origin, locale, csrfToken }, services: Services) {
    const { flows, providers } = services
    const reader = readerOf(locale)
    const { say } = reader
    const { auditLog, events } = say
    // Text copied from a page or an email may have spaces around it; `line` removes them.
    const given = Object.fromEntries(
      Object.keys(filters).map((name) => [name, asked[name as keyof Filters] ?? '']),
    ) as Filters
    const refused = refusalsOf(given, say)
    const before = asked.cursor ?? null
    const asking = { accountId: who.accountId, origin }
    const { auditLog: read, namesIn } = flows.readAsAdministrator
    const { rows, next } =
      refused.length > 0 ? { rows: [], next: null } : await read(asking, questionOf(given), { before, limit: perPage })
    const names = await namesIn(rows)
    return show(
      locale,
      <Layout {...reader} title={say.admin.audit} signedIn={csrfToken()} scopes={who.scopes} refused={refused}>
        <FilterForm {...reader} given={given} />
        <Panel id="entries" title={auditLog.entries}>
          {rows.length === 0 ? (
            <p>{next === null ? auditLog.none : auditLog.noneYet}</p>
          ) : (
            <AuditTable {...reader} rows={rows} names={names} providers={providers} />
          )}
        </Panel>
        <p class="actions">
          {next ? (
            <a class="button" href={`${path}${query({ ...given, cursor: next })}`}>
              {events.older}
            </a>
          ) : null}
          {before === null ? null : (
            <a class="button" href={`${path}${query(given)}`}>
              {events.newest}
            </a>
          )}
        </p>
        {refused.length > 0 ? null : (
          <Panel id="export" title={auditLog.export}>
            <p>{auditLog.exportText}</p>
            {mayNow(who, 'audit:read', services).recent ? (
              <p class="actions">
                {exportFormats.map((format) => (
                  <a key={format} class="button" href={`/audit/export${exportQuery(given, format)}`} download>
                    {auditLog.formats[format]}
                  </a>
                ))}
              </p>
            ) : (
              <SignInAgain {...reader} returnTo={`${path}${query(given)}`} />
            )}
          </Panel>
        )}
      </Layout>,
      refused.length > 0 ? { status: 400 } : {},
    )
  },
})
export const adminAuditRoutes = [audit]

/** The same filters for the API. */
function exportQuery(given: Filters, format: string): string {
  const { from, until } = questionOf(given)
  return query({ ...given, from: from?.toISOString(), until: until?.toISOString(), format })
}

function FilterForm({ given, ...reader }: Reader & { given: Filters }): VNode {
  const { auditLog, admin, requestId } = reader.say
  const isGroup = (eventGroups as readonly string[]).includes(given.event)
  const others = [given.from, given.until, given.ip, given.request_id]
  return (
    <form class="panel filters" method="get" action={path}>
      <Field
        name="account"
        label={auditLog.account}
        hint={auditLog.accountHint}
        autocomplete="off"
        value={given.account}
        maxlength={200}
        optional
      />
      <Select
        name="event"
        label={auditLog.event}
        value={given.event}
        options={[
          ['', auditLog.allEvents],
          ...eventGroups.map((group): [EventGroup, string] => [group, auditLog.groups[group]]),
          // A link can ask for a single event.
          ...(given.event === '' || isGroup ? [] : [[given.event, given.event] as const]),
        ]}
      />
      <Select
        name="outcome"
        label={auditLog.outcome}
        value={given.outcome}
        options={[['', auditLog.anyOutcome], ...outcomes.map((one) => [one, auditLog.outcomes[one]] as const)]}
      />
      <details open={others.some((text) => text !== '')}>
        <summary>{auditLog.moreFilters}</summary>
        <div class="filters">
          <Field name="from" type="date" label={auditLog.from} autocomplete="off" value={given.from} optional />
          <Field name="until" type="date" label={auditLog.until} autocomplete="off" value={given.until} optional />
          <Field
            name="ip"
            label={auditLog.ip}
            autocomplete="off"
            code="text"
            value={given.ip}
            maxlength={45}
            optional
          />
          <Field
            name="request_id"
            label={requestId}
            hint={admin.auditRequestHint}
            autocomplete="off"
            code="text"
            value={given.request_id}
            maxlength={80}
            optional
          />
        </div>
      </details>
      <p class="actions">
        <button type="submit" class="primary">
          {auditLog.filter}
        </button>
        {Object.values(given).some((text) => text !== '') ? <a href={path}>{auditLog.all}</a> : null}
      </p>
    </form>
  )
}

type AuditTableProps = Reader & {
  readonly rows: readonly AuditRecord[]
  /** What to call the accounts and things of these rows, by ID. */
  readonly names: ReadonlyMap<string, string>
  readonly providers: Providers
  /** On the page of a person: that is who. */
  readonly of?: string
}

/** Entries of the audit log in words. What programs read of them is behind "Details". */
export function AuditTable({ rows, names, providers, of, ...reader }: AuditTableProps): VNode {
  const { auditLog } = reader.say
  const person = (id: string): ComponentChildren =>
    names.has(id) ? <a href={userPage(id)}>{names.get(id)}</a> : auditLog.deleted
  return (
    <Table
      head={[
        auditLog.when,
        ...(of === undefined ? [auditLog.who] : []),
        auditLog.what,
        auditLog.outcome,
        auditLog.details,
      ]}
      rows={rows.map((row) => {
        const { id, at, accountId, ip, userAgent, event } = row
        const outcome = outcomeOf(event)
        return {
          key: id,
          cells: [
            <Time key="at" {...reader} at={at} />,
            ...(of === undefined ? [accountId === null ? auditLog.somebody : person(accountId)] : []),
            <>
              {eventWords(row, providers, reader, 'administrator')}
              <NamedThings {...reader} row={row} names={names} />
              <OtherPeople {...reader} row={row} names={names} />
              <Fine of={[userAgent === null ? null : deviceWords(userAgent, reader.say), ip]} />
            </>,
            <span key="outcome" class={`badge ${outcome === 'refused' ? 'bad' : 'good'}`}>
              {auditLog.outcomes[outcome]}
            </span>,
            <Details key="details" {...reader} row={row} />,
          ],
        }
      })}
    />
  )
}

/** Which application, service credential and team. What was deleted has only its ID. */
function NamedThings({
  row: { data },
  names,
  say: { auditLog },
}: Reader & { row: AuditRecord; names: ReadonlyMap<string, string> }): VNode {
  const kinds = ['application', 'credential', 'team'] as const
  return (
    <Fine
      of={kinds.map((kind) => {
        const id = data[kind]
        return typeof id === 'string' ? auditLog.things[kind](names.get(id) ?? id) : null
      })}
    />
  )
}

/** Who did it, and to whom else. */
function OtherPeople({
  row: { data, accountId },
  names,
  say: { auditLog },
}: Reader & { row: AuditRecord; names: ReadonlyMap<string, string> }): VNode {
  const nameOf = (id: unknown): string | null =>
    typeof id === 'string' && id !== accountId ? (names.get(id) ?? auditLog.deleted) : null
  const [by, about] = [nameOf(data.by ?? data.done_by), nameOf(data.member ?? data.account)]
  return (
    <Fine
      of={[
        data.by === null ? auditLog.byOperator : by === null ? null : auditLog.by(by),
        about === null ? null : auditLog.about(about),
      ]}
    />
  )
}

/** A line in small print, of what is known. */
const Fine = ({ of }: { of: readonly (string | null)[] }): VNode | null =>
  of.every((one) => one === null) ? null : <span class="fine long">{of.filter((one) => one !== null).join(' · ')}</span>

function Details({ row, ...reader }: Reader & { row: AuditRecord }): VNode {
  const { auditLog, admin, requestId: requestIdLabel, devices } = reader.say
  const { id, at, event, accountId, requestId, userAgent, data } = row
  return (
    <details>
      <summary>{auditLog.details}</summary>
      <Facts
        of={[
          [auditLog.when, <Time key="at" {...reader} at={at} exact />],
          [auditLog.eventName, <code key="event">{event}</code>],
          [auditLog.entry, <code key="entry">{id}</code>],
          accountId === null ? null : [admin.id, <code key="account">{accountId}</code>],
          requestId === null
            ? null
            : [
                requestIdLabel,
                <a key="request" href={`${path}${query({ request_id: requestId })}`}>
                  {requestId}
                </a>,
              ],
          userAgent === null ? null : [devices.agent, userAgent],
          Object.keys(data).length === 0 ? null : [auditLog.data, <code key="data">{JSON.stringify(data)}</code>],
        ]}
      />
    </details>
  )
}
