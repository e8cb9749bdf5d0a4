import { and, eq, ne, or, type SQL } from 'drizzle-orm'
import type { ConsentKey } from '../connections/ports.ts'
import type { Tables } from './schema.ts'

/** The grants that stand on one consent, whoever holds them. */
export const sameConsent = (
  t: Tables['grants'],
  { provider, issuer, clientId, subject }: ConsentKey,
): SQL | undefined =>
  and(eq(t.provider, provider), eq(t.issuer, issuer), eq(t.clientId, clientId), eq(t.subject, subject))

/** Those that do not. */
export const otherConsent = (
  t: Tables['grants'],
  { provider, issuer, clientId, subject }: ConsentKey,
): SQL | undefined =>
  or(ne(t.provider, provider), ne(t.issuer, issuer), ne(t.clientId, clientId), ne(t.subject, subject))
