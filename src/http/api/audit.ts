import { z } from 'zod'
import type { AuditRecord } from '../../audit/ports.ts'
import { exportFormats } from '../../events/catalogue.ts'
import { outcomes } from '../../events/groups.ts'
import type { AuditQuestion } from '../../flows/read-as-administrator.ts'
import { ok } from '../../kernel/result.ts'
import { csvLine } from '../csv.ts'
import { json, textStream } from '../reply.ts'
import { requestIdPattern } from '../request-id.ts'
import { object, route } from '../route.ts'
import { auditFields, cursor, pageOf } from '../schemas/activity.ts'
import { line, pageSize, time } from '../schemas/fields.ts'
import type { Services } from '../services.ts'

const common = {
  tag: 'Administration',
  surface: 'api',
  limit: 'account',
  scope: 'audit:read',
  method: 'get',
} as const

const filters = {
  account: line.optional().describe('Only entries about this account: its ID, an email address or part of a name'),
  event: z
    .string()
    .regex(/^[a-z_.]{1,60}$/)
    .optional()
    .describe('Only entries of this event, or of this group, such as `sign_ins`'),
  outcome: z.enum(outcomes).optional().describe('Only refusals, or only what was done'),
  request_id: z.string().regex(requestIdPattern).optional().meta({
    description: 'Only entries of this request: the ID in a problem, on an error page or in `X-Request-Id`',
  }),
  ip: z.union([z.ipv4(), z.ipv6()]).optional().describe('Only entries from this IP address'),
  from: time.optional().describe('Only entries from this time on'),
  until: time.optional().describe('Only entries before this time'),
}
type Filters = z.output<z.ZodObject<typeof filters>>

const questionOf = (asked: Filters): AuditQuestion => ({
  account: asked.account || null,
  event: asked.event ?? null,
  outcome: asked.outcome ?? null,
  requestId: asked.request_id ?? null,
  ip: asked.ip ?? null,
  from: asked.from === undefined ? null : new Date(asked.from),
  until: asked.until === undefined ? null : new Date(asked.until),
})

const Entry = z
  .object({
    ...auditFields,
    account: z.string().nullable().describe('The ID of the account it is about'),
    request_id: z.string().nullable().describe('The ID of the request it happened in'),
  })
  .meta({ id: 'AuditEntry', description: 'An entry of the audit log' })
const entryOf = ({ id, at, event, accountId, ip, userAgent, requestId, data }: AuditRecord): z.input<typeof Entry> => ({
  id,
  at: at.toISOString(),
  event,
  account: accountId,
  ip,
  user_agent: userAgent,
  request_id: requestId,
  data: { ...data },
})

const list = route({
  ...common,
  auth: 'user',
  path: '/audit',
  summary: 'Read the audit log',
  description: 'The audit log of all accounts, newest first. Reading it is recorded too.',
  query: object({ ...filters, cursor: cursor.optional(), limit: pageSize(25) }),
  reply: () => pageOf(Entry).meta({ id: 'Audit', description: 'A page of the audit log; it can be short, or empty' }),
  fails: [],
  async handle({ who: { accountId }, query, origin }, { flows }: Services) {
    const page = { before: query.cursor ?? null, limit: query.limit }
    const { rows, next } = await flows.readAsAdministrator.auditLog({ accountId, origin }, questionOf(query), page)
    return ok(json({ items: rows.map(entryOf), next_cursor: next }))
  },
})

type Format = (typeof exportFormats)[number]
/** What a file of each format begins with, how it holds an entry, and what it is. */
const formats: Readonly<
  Record<Format, { readonly contentType: string; readonly head: string; readonly line: (row: AuditRecord) => string }>
> = {
  jsonl: {
    contentType: 'application/jsonl',
    head: '',
    line: (row) => `${JSON.stringify(entryOf(row))}\n`,
  },
  csv: {
    contentType: 'text/csv; charset=utf-8',
    head: csvLine(['at', 'event', 'account', 'ip', 'user_agent', 'request_id', 'id', 'data']),
    line: ({ at, event, accountId, ip, userAgent, requestId, id, data }) =>
      csvLine([at.toISOString(), event, accountId, ip, userAgent, requestId, id, JSON.stringify(data)]),
  },
}

/** The text of a file, with at most one page of entries in memory. */
async function* written(pages: AsyncIterable<readonly AuditRecord[]>, format: Format): AsyncGenerator<string> {
  const { head, line } = formats[format]
  if (head !== '') yield head
  for await (const rows of pages) yield rows.map(line).join('')
}

const exported = route({
  ...common,
  // An unlocked screen must not be enough to take everything away.
  auth: 'recent',
  path: '/audit/export',
  summary: 'Export the audit log',
  description:
    'All entries that match the filters, newest first, as a file: JSON Lines, or CSV for spreadsheets. ' +
    'In CSV, a cell that a spreadsheet would calculate begins with an apostrophe. The export is recorded too.',
  query: object({ ...filters, format: z.enum(exportFormats).default('jsonl').describe('The format of the file') }),
  contentType: ['application/jsonl', 'text/csv'],
  example: {
    response:
      '{"id":"aud_00000001","at":"2026-01-08T10:00:00.000Z","event":"account.updated","ip":null,"user_agent":null,' +
      '"data":{"fields":["name"]},"account":"usr_00000001","request_id":null}\n',
  },
  fails: [],
  async handle({ who: { accountId }, query, origin }, { flows }: Services) {
    const { format } = query
    const asking = { accountId, origin }
    const pages = await flows.readAsAdministrator.exportAuditLog(asking, questionOf(query), format)
    return ok(
      textStream(formats[format].contentType, written(pages, format), {
        headers: { 'Content-Disposition': `attachment; filename="vinculum-audit.${format}"` },
      }),
    )
  },
})

export const auditRoutes = [list, exported]
