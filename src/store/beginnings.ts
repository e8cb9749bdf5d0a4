import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'

type Text = SQL<string | null>

/**
 * The texts of an account that a prefix search finds through an index. The index and the query must use the same
 * expression, so both are built here. `byteOrder` makes PostgreSQL compare bytes, whatever the collation of the
 * database: only then are texts with the same prefix adjacent. The expression must not contain a comma: drizzle-kit
 * would read it as the end of a column.
 */
export function beginnings(
  { emailKey, name }: { readonly emailKey: SQLWrapper; readonly name: SQLWrapper },
  byteOrder: SQL,
): { readonly email: Text; readonly name: Text } {
  return { email: sql`(${emailKey}${byteOrder})`, name: sql`(lower(${name})${byteOrder})` }
}
