import { z } from 'zod'
import { hostOf } from '../../applications/policy.ts'
import { ok } from '../../kernel/result.ts'
import { json, noContent } from '../reply.ts'
import { route } from '../route.ts'
import { time } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { applicationParams } from './applications.ts'

/** The applications of the person who asks. */

const common = { tag: 'My account', surface: 'api', limit: 'account' } as const

const MyApplication = z
  .object({
    id: z.string().describe('The application ID'),
    name: z.string().describe('Its name'),
    host: z.string().nullable().describe('The host it runs at; null if it is operated by this service'),
    scopes: z.array(z.string()).describe('What it may see'),
    resources: z.array(z.string()).describe('The APIs it may use for the account'),
    allowed_at: time.nullable().describe('When the account allowed it; null if it needed no consent'),
    sessions: z
      .array(
        z.object({
          id: z.string().describe('The ID of the session: of the device'),
          signed_in_at: time.describe('When the account signed in to it there'),
        }),
      )
      .describe('The devices that are signed in to it, newest first'),
  })
  .meta({ id: 'MyApplication', description: 'An application that the account uses' })

const list = route({
  ...common,
  method: 'get',
  path: '/me/applications',
  auth: 'user',
  summary: 'List my applications',
  description: 'The applications that the account allowed something, or is signed in to.',
  example: {
    response: [
      {
        id: 'app_00000001',
        name: 'Shop',
        host: 'shop.example.org',
        scopes: ['openid', 'email'],
        resources: [],
        allowed_at: '2026-01-08T10:00:00.000Z',
        sessions: [{ id: 'ses_00000001', signed_in_at: '2026-01-08T10:00:00.000Z' }],
      },
    ],
  },
  reply: () => z.array(MyApplication),
  fails: [],
  async handle({ who }, { applicationAccess }: Services) {
    const all = await applicationAccess.list(who.accountId)
    return ok(
      json(
        all.map(({ application, scopes, resources, allowedAt, signIns }) => ({
          id: application.id,
          name: application.name,
          host: hostOf(application),
          scopes: [...scopes],
          resources: [...resources],
          allowed_at: allowedAt?.toISOString() ?? null,
          sessions: signIns.map(({ sessionId, signedInAt }) => ({
            id: sessionId,
            signed_in_at: signedInAt.toISOString(),
          })),
        })),
      ),
    )
  },
})

export const withdraw = route({
  ...common,
  method: 'delete',
  path: '/me/applications/:id',
  auth: 'recent',
  summary: 'End one of my applications',
  description:
    'Withdraws what the account allowed an application, and ends its sign-ins on every device at once. The account stays signed in here.',
  params: applicationParams,
  status: 204,
  fails: ['application_not_found'],
  async handle({ who, params, origin }, { applicationAccess }: Services) {
    const done = await applicationAccess.withdraw(who.accountId, params.id, origin)
    return done.ok ? ok(noContent()) : done
  },
})

export const myApplicationRoutes = [list, withdraw]
