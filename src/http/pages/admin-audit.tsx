import { z } from 'zod'
import { requestIdPattern } from '../request-id.ts'
import { route } from '../route.ts'
import { cursor } from '../schemas/activity.ts'
import { line } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { adminPage, perPage, query, userPage } from './admin-frame.tsx'
import { deviceWords } from './device-words.ts'
import { Field } from './field.tsx'
import { Layout, readerOf, show, Time } from './layout.tsx'
import { refusalOf } from './refusal.tsx'

const audit = route({
  ...adminPage,
  scope: 'audit:read',
  path: '/admin/audit',
  summary: 'Show the audit log of all accounts, newest first',
  query: z.looseObject({
    account: line.optional().describe('Only entries about this account'),
    event: line.optional().describe('Only entries of this event'),
    request_id: line.optional().describe('Only entries of this request'),
    cursor: cursor.optional(),
  }),
  fails: [],
  async handle({ who, query: asked, origin, locale, csrfToken }, { flows }: Services) {
    const reader = readerOf(locale)
    const { admin, events, requestId: requestIdLabel } = reader.say
    const before = asked.cursor ?? null
    const [account, event] = [asked.account || null, asked.event || null]
    // Text copied from a page or an email may have spaces around it.
    const request = asked.request_id?.trim() || null
    const isMalformed = request !== null && !requestIdPattern.test(request)
    const asking = { accountId: who.accountId, origin }
    const page = { before, limit: perPage + 1 }
    const rows = isMalformed
      ? []
      : await flows.readAsAdministrator.auditLog(asking, { account, event, requestId: request }, page)
    const shown = rows.slice(0, perPage)
    const last = rows.length > perPage ? shown.at(-1) : undefined
    const same = { account: account ?? undefined, event: event ?? undefined, request_id: request ?? undefined }
    return show(
      locale,
      <Layout
        {...reader}
        title={admin.audit}
        signedIn={csrfToken()}
        scopes={who.scopes}
        refused={refusalOf('request_id', isMalformed ? admin.auditRequestMalformed : undefined)}
      >
        <form method="get" action="/admin/audit">
          <Field
            name="account"
            label={admin.auditAccount}
            autocomplete="off"
            value={account ?? ''}
            maxlength={80}
            optional
          />
          <Field name="event" label={admin.auditEvent} autocomplete="off" value={event ?? ''} maxlength={60} optional />
          <Field
            name="request_id"
            label={requestIdLabel}
            hint={admin.auditRequestHint}
            autocomplete="off"
            code="text"
            value={request ?? ''}
            maxlength={80}
            optional
          >
            <button type="submit">{admin.find}</button>
          </Field>
        </form>
        <section aria-labelledby="trail">
          <h2 id="trail">{admin.found}</h2>
          {shown.length === 0 ? (
            <p>{events.nothing}</p>
          ) : (
            <ul class="plain log">
              {shown.map(({ id, at, event: name, accountId, ip, userAgent, requestId, data }) => (
                <li key={id}>
                  <code>{name}</code> {accountId === null ? null : <a href={userPage(accountId)}>{accountId}</a>}
                  <span class="fine">
                    <Time {...reader} at={at} exact />
                    {[userAgent === null ? null : deviceWords(userAgent, reader.say), ip]
                      .filter((known) => known !== null)
                      .map((known) => ` · ${known}`)}
                  </span>
                  {requestId === null ? null : (
                    <a href={`/admin/audit${query({ request_id: requestId })}`}>{requestId}</a>
                  )}
                  {Object.keys(data).length === 0 ? null : (
                    <span class="fine">
                      <code>{JSON.stringify(data)}</code>
                    </span>
                  )}
                </li>
              ))}
            </ul>
          )}
        </section>
        <p class="actions">
          {last ? (
            <a class="button" href={`/admin/audit${query({ ...same, cursor: last.id })}`}>
              {events.older}
            </a>
          ) : null}
          {before === null ? null : (
            <a class="button" href={`/admin/audit${query(same)}`}>
              {events.newest}
            </a>
          )}
        </p>
      </Layout>,
      isMalformed ? { status: 400 } : {},
    )
  },
})
export const adminAuditRoutes = [audit]
