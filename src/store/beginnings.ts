import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'

type Text = SQL<string | null>

/**
 * The texts of an account whose beginning a search finds through an index. The index and the query must be the same
 * expression, so both are made here. `byteOrder` makes PostgreSQL compare by bytes, whatever the collation of the
 * database: only then do texts with the same beginning stand together. An expression holds no comma: drizzle-kit takes
 * it for the end of a column.
 */
export function beginnings(
  { emailKey, name }: { readonly emailKey: SQLWrapper; readonly name: SQLWrapper },
  byteOrder: SQL,
): { readonly email: Text; readonly name: Text } {
  return { email: sql`(${emailKey}${byteOrder})`, name: sql`(lower(${name})${byteOrder})` }
}
