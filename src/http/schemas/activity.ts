import { z } from 'zod'
import type { ActivityKind } from '../../audit/ports.ts'
import { ip, time, userAgent } from './fields.ts'

/** The members of every audit log entry, for its account and for administrators. */
export const auditFields = {
  id: z.string().describe('The ID of the entry'),
  at: time.describe('When it happened'),
  event: z.string().describe('The name of the event; `/docs/events` lists them'),
  ip,
  user_agent: userAgent,
  data: z.record(z.string(), z.unknown()).describe('The details of the event'),
}

/** A page of a list, and where the next one begins. */
export const pageOf = <S extends z.ZodType>(item: S) =>
  z.object({
    items: z.array(item).describe('The entries of this page'),
    next_cursor: z.string().nullable().describe('The `cursor` of the next page; null on the last page'),
  })

export const activityKinds = ['loans', 'others'] as const satisfies readonly ActivityKind[]

/** Where a page of the audit log ended: the ID of its last entry. */
export const cursor = z
  .string()
  .regex(/^aud_[0-9a-f]{1,80}$/)
  .describe('The `next_cursor` of the previous page')

/**
 * An event as the affected account sees it: that an administrator or an operator at the machine did it, but not which
 * one.
 */
export const toldToPerson = ({ by, ...data }: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  by === undefined ? data : { ...data, by: by === null ? 'operator' : 'administrator' }
