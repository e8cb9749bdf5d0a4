import { z } from 'zod'
import type { Pages, PersonalData, Row } from '../../accounts/ports.ts'
import { fail } from '../../errors/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import { jsonStream } from '../reply.ts'
import { route } from '../route.ts'
import { toldToPerson } from '../schemas/activity.ts'
import { time } from '../schemas/fields.ts'
import type { Services } from '../services.ts'

const fields = z
  .record(z.string(), z.unknown())
  .meta({ id: 'ExportedRow', description: 'One stored row; its fields are those of its table' })
const rows = z.array(fields)
const Export = z
  .object({
    exported_at: time.describe('When the export was made'),
    account: fields.describe('The account'),
    identities: rows.describe('The linked provider identities'),
    sessions: rows.describe('The sessions'),
    passwords: rows.describe('The password, without its hash'),
    totp_factors: rows.describe('The authenticator app, without its secret'),
    recovery_codes: rows.describe('The recovery codes, without their hashes'),
    passkeys: rows.describe('The passkeys'),
    trusted_devices: rows.describe('The trusted devices'),
    tickets: rows.describe('Emailed links that are still open'),
    mails: rows.describe('Emails that wait to be sent'),
    pending_sign_ins: rows.describe('Sign-ins that wait for a second factor'),
    sign_in_codes: rows.describe('Sign-in codes that are still open'),
    flows: rows.describe('Provider flows that are still open'),
    grants: rows.describe('Permissions granted at providers, without their tokens'),
    revocations: rows.describe('Permissions that wait to be revoked'),
    guesses: rows.describe('Counters of failed attempts'),
    service_credentials: rows.describe('Service credentials the account created'),
    providers: rows.describe('Providers the account added or changed last'),
    provider_versions: rows.describe('Versions of providers that the account wrote'),
    application_consents: rows.describe('What the account allowed applications to see'),
    application_sessions: rows.describe('Sign-ins to applications, newest first'),
    logout_notices: rows.describe('Logout notices to applications that wait to be delivered'),
    openid_states: rows.describe('Sign-ins to applications that are still open'),
    applications: rows.describe('Applications the account registered'),
    registration_tokens: rows.describe('Initial access tokens the account created'),
    team_members: rows.describe('Team memberships'),
    team_invitations: rows.describe('Team invitations the account sent or received'),
    jira_integrations: rows.describe('Jira connections the account made'),
    activity: rows.describe('The audit log of the account'),
  })
  .meta({ id: 'Export', description: 'Everything stored about an account, without secrets and hashes' })

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const spoken = (row: Row): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [snake(name), value instanceof Date ? value.toISOString() : value]),
  )
const entryToldToPerson = ({ data, ordinal: _, ...row }: Row): Record<string, unknown> => ({
  ...spoken(row),
  data: toldToPerson(data as Row),
})

/** The text of an `Export`, with at most one page of rows in memory. */
async function* written({ account, ...tables }: PersonalData, at: Date): AsyncGenerator<string> {
  yield `{"exported_at":${JSON.stringify(at.toISOString())},"account":${JSON.stringify(spoken(account))}`
  for (const [name, rows] of Object.entries(tables)) {
    const said = name === 'activity' ? entryToldToPerson : spoken
    yield `,${JSON.stringify(snake(name))}:[`
    let between = ''
    for await (const page of isPaged(rows) ? rows : [rows]) {
      if (page.length > 0) yield between + page.map((row) => JSON.stringify(said(row))).join()
      if (page.length > 0) between = ','
    }
    yield ']'
  }
  yield '}'
}
const isPaged = (rows: Pages | readonly Row[]): rows is Pages => Symbol.asyncIterator in rows

const everything = route({
  method: 'get',
  path: '/me/export',
  summary: 'Export account data',
  description: 'Everything stored about the account, as a JSON file. Secrets and hashes are left out.',
  tag: 'My account',
  surface: 'api',
  // An unlocked screen must not be enough to take everything away.
  auth: 'recent',
  limit: 'account',
  reply: () => Export,
  fails: ['user_not_found'],
  async handle({ who, origin }, { personalData, clock }: Services) {
    const found = await personalData(who.accountId, origin)
    if (!found) return fail('user_not_found')
    return ok(
      jsonStream(written(found, clock()), {
        headers: { 'Content-Disposition': 'attachment; filename="vinculum-export.json"' },
      }),
    )
  },
})
export const exportRoutes = [everything]
