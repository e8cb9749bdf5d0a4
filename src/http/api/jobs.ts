import { z } from 'zod'
import type { JobStatus } from '../../jobs/scheduler.ts'
import { ok } from '../../kernel/result.ts'
import { json } from '../reply.ts'
import { route } from '../route.ts'
import { time } from '../schemas/fields.ts'
import type { Services } from '../services.ts'

const Job = z
  .object({
    name: z.string().describe('The name of the job'),
    period_seconds: z.number().int().describe('How often it runs'),
    shared: z.boolean().describe('Whether one node runs it for all; otherwise these are the values of this node'),
    due_at: time.nullable().describe('When it runs next'),
    last_started_at: time.nullable().describe('When the last run started'),
    last_finished_at: time.nullable().describe('When the last run finished'),
    last_outcome: z.enum(['ok', 'failed']).nullable().describe('How the last run ended'),
    duration_ms: z.number().int().nullable().describe('How long the last run took, in milliseconds'),
    runs: z.number().int().describe('How many runs there were'),
    failures: z.number().int().describe('How many runs failed'),
    running: z.boolean().describe('Whether it is running'),
    backlog: z.number().int().nullable().describe('How many items wait for it; null if they are not counted'),
  })
  .meta({ id: 'Job', description: 'A background job' })

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
  tag: 'Operations',
  surface: 'api',
  auth: 'user',
  scope: 'jobs:read',
  limit: 'account',
  reply: () => z.array(Job),
  fails: [],
  handle: async (_, { jobs }: Services) => ok(json((await jobs()).map(jobOf))),
})

export const jobRoutes = [list]
