import { z } from 'zod'
import type { PersonalData, Row } from '../../accounts/ports.ts'
import { fail } from '../../errors/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import { json } from '../reply.ts'
import { route } from '../route.ts'
import { time, toldToPerson } from '../schemas.ts'
import type { Services } from '../services.ts'

const fields = z.record(z.string(), z.unknown())
const rows = z.array(fields)
const Export = z
  .object({
    exported_at: time,
    account: fields,
    identities: rows,
    sessions: rows,
    passwords: rows,
    totp_factors: rows,
    recovery_codes: rows,
    passkeys: rows,
    trusted_devices: rows,
    tickets: rows,
    mails: rows,
    pending_sign_ins: rows,
    sign_in_codes: rows,
    flows: rows,
    grants: rows,
    revocations: rows,
    guesses: rows,
    service_credentials: rows,
    team_members: rows,
    team_invitations: rows,
    jira_integrations: rows,
    activity: rows,
  })
  .meta({ id: 'Export', description: 'Everything that is stored about somebody, but for what would let its finder in' })

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const spoken = (row: Row): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [snake(name), value instanceof Date ? value.toISOString() : value]),
  )
const exportOf = ({ account, activity, ...tables }: PersonalData, at: Date): z.input<typeof Export> =>
  ({
    exported_at: at.toISOString(),
    account: spoken(account),
    ...Object.fromEntries(Object.entries(tables).map(([name, all]) => [snake(name), all.map(spoken)])),
    activity: activity.map(({ data, ...row }) => ({ ...spoken(row), data: toldToPerson(data as Row) })),
  }) as unknown as z.input<typeof Export>

const everything = route({
  method: 'get',
  path: '/me/export',
  summary: 'Everything that is stored about me, as a file',
  tag: 'My account',
  surface: 'api',
  // Whoever finds an unlocked screen must not carry it all away.
  auth: 'recent',
  limit: 'account',
  reply: Export,
  fails: ['user_not_found'],
  async handle({ who, origin }, { personalData, clock }: Services) {
    const found = await personalData(who.accountId, origin)
    if (!found) return fail('user_not_found')
    return ok(
      json(exportOf(found, clock()), {
        headers: { 'Content-Disposition': 'attachment; filename="vinculum-export.json"' },
      }),
    )
  },
})
export const exportRoutes = [everything]
