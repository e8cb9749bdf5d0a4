import { z } from 'zod'
import type { JobStatus } from '../../jobs/scheduler.ts'
import { ok } from '../../kernel/result.ts'
import { json } from '../reply.ts'
import { route } from '../route.ts'
import { time } from '../schemas/fields.ts'
import type { Services } from '../services.ts'

const Job = z
  .object({
    name: z.string(),
    period_seconds: z.number().int(),
    shared: z
      .boolean()
      .meta({ description: 'one node does it for all; otherwise each does, and this one tells of itself' }),
    due_at: time.nullable(),
    last_started_at: time.nullable(),
    last_finished_at: time.nullable(),
    last_outcome: z.enum(['ok', 'failed']).nullable(),
    duration_ms: z.number().int().nullable(),
    runs: z.number().int(),
    failures: z.number().int(),
    running: z.boolean(),
    backlog: z.number().int().nullable().meta({ description: 'what waits for it, where that is counted' }),
  })
  .meta({ id: 'Job' })

const jobOf = (job: JobStatus): z.input<typeof Job> => ({
  name: job.name,
  period_seconds: job.everySeconds,
  shared: job.shared,
  due_at: job.dueAt?.toISOString() ?? null,
  last_started_at: job.startedAt?.toISOString() ?? null,
  last_finished_at: job.finishedAt?.toISOString() ?? null,
  last_outcome: job.outcome,
  duration_ms: job.milliseconds,
  runs: job.runs,
  failures: job.failures,
  running: job.running,
  backlog: job.backlog,
})

const list = route({
  method: 'get',
  path: '/jobs',
  summary: 'List background jobs',
  description: 'The background jobs, and how each last ended.',
  tag: 'Operating',
  surface: 'api',
  auth: 'user',
  scope: 'jobs:read',
  limit: 'account',
  reply: z.array(Job),
  fails: [],
  handle: async (_, { jobs }: Services) => ok(json((await jobs()).map(jobOf))),
})

export const jobRoutes = [list]
