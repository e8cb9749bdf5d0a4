import { sql } from 'drizzle-orm'
import { accountColumns } from './accounts.ts'
import type { Tables } from './schema.ts'

const hourMs = 3_600_000

/**
 * A time as `accounts.last_sign_in_hour` has it: in whole hours since 1970 (UTC). A sign-in writes an indexed column of
 * its account only once an hour, so PostgreSQL updates the row in place (HOT) at all others.
 */
export const wholeHour = (at: Date): number => Math.floor(at.getTime() / hourMs)
/** The beginning of such an hour; `null` for 0, which means never. */
export const timeOfHour = (hour: number): Date | null => (hour === 0 ? null : new Date(hour * hourMs))

/** The columns of an account that administrators see. */
export const managedColumns = (t: Tables) => ({
  ...accountColumns(t),
  invitedAt: t.accounts.invitedAt,
  invitationExpiresAt: t.accounts.invitationExpiresAt,
  lastSignInAt: sql<Date | null>`${t.accounts.lastSignInHour}`.mapWith((hour: unknown) => timeOfHour(Number(hour))),
})
