import { and, eq, ne, or, type SQL } from 'drizzle-orm'
import type { ConsentKey } from '../connections/ports.ts'
import type { Tables } from './schema.ts'

/** The grants that rest on one consent, the person's own and those of teams. */
export const sameConsent = (
  t: Tables['grants'],
  { provider, issuer, clientId, subject }: ConsentKey,
): SQL | undefined =>
  and(eq(t.provider, provider), eq(t.issuer, issuer), eq(t.clientId, clientId), eq(t.subject, subject))

/** The grants that rest on any other consent. */
export const otherConsent = (
  t: Tables['grants'],
  { provider, issuer, clientId, subject }: ConsentKey,
): SQL | undefined =>
  or(ne(t.provider, provider), ne(t.issuer, issuer), ne(t.clientId, clientId), ne(t.subject, subject))
