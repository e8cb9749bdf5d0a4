import { z } from 'zod'
import { ok } from '../../kernel/result.ts'
import type { Day } from '../../statistics/overview.ts'
import { json } from '../reply.ts'
import { route } from '../route.ts'
import { time } from '../schemas/fields.ts'
import type { Services } from '../services.ts'

const count = z.number().int()
const day = z
  .object({
    day: z.iso.date().describe('The day, UTC'),
    counts: z.record(z.string(), count).describe('How many, by label'),
  })
  .meta({ id: 'DayCounts', description: 'What happened on one day' })

const Statistics = z
  .object({
    counted_at: time.nullable().describe('The last hour that was counted; null until the first run of `count-by-hour`'),
    accounts: count.describe('How many accounts there are'),
    devices: count.describe('How many devices are signed in'),
    needs_consent: count.describe('How many provider tokens their users must renew'),
    new_accounts_7d: count.describe('Accounts that were created in the last seven days'),
    sign_ins_24h: count.describe('Sign-ins of the last 24 hours'),
    refused_24h: count.describe('Refused sign-ins of the last 24 hours'),
    refused_by: z.record(z.string(), count).describe('Those, by error code'),
    sign_ins: z.array(day).describe('Sign-ins of the last 14 days, by sign-in method'),
    new_accounts: z.array(day).describe('New accounts of the last 14 days'),
  })
  .meta({ id: 'Statistics', description: 'Counts of what happened, by a job that runs every ten minutes' })

const dayOf = ({ day, counts }: Day) => ({ day: day.toISOString().slice(0, 10), counts: { ...counts } })

const read = route({
  method: 'get',
  path: '/statistics',
  summary: 'Read statistics',
  description:
    'What administrators see first: sign-ins by day and method, refusals by reason, accounts and devices. ' +
    'A job counts them, so the answer costs the same with a million accounts.',
  tag: 'Operations',
  surface: 'api',
  auth: 'user',
  scope: 'users:read',
  limit: 'account',
  reply: () => Statistics,
  example: {
    response: {
      counted_at: '2030-01-15T09:00:00.000Z',
      accounts: 1204,
      devices: 1987,
      needs_consent: 3,
      new_accounts_7d: 41,
      sign_ins_24h: 310,
      refused_24h: 6,
      refused_by: { invalid_credentials: 5, invalid_state: 1 },
      sign_ins: [{ day: '2030-01-15', counts: { password: 120, passkey: 80 } }],
      new_accounts: [{ day: '2030-01-15', counts: { all: 7 } }],
    },
  },
  fails: [],
  async handle(_, { overview }: Services) {
    const found = await overview()
    return ok(
      json({
        counted_at: found.countedAt?.toISOString() ?? null,
        accounts: found.accounts,
        devices: found.devices,
        needs_consent: found.needsConsent,
        new_accounts_7d: found.newThisWeek,
        sign_ins_24h: found.signInsToday,
        refused_24h: found.refusedToday,
        refused_by: Object.fromEntries(found.refusedBy),
        sign_ins: found.signIns.map(dayOf),
        new_accounts: found.newAccounts.map(dayOf),
      }),
    )
  },
})

export const statisticsRoutes = [read]
