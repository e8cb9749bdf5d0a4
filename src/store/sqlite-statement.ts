import type { Statement } from 'better-sqlite3'
import { Column, is, Param, Placeholder, SQL } from 'drizzle-orm'
import type { Values } from './driver.ts'

/** What better-sqlite3 binds, and what it reads of one row. */
type Encode = (values: Values) => unknown
type Decode = (value: unknown) => unknown

/** A query that Drizzle has prepared, as far as this file looks into it. */
type PreparedQuery = {
  readonly query: { readonly params: readonly unknown[] }
  readonly stmt: Statement<unknown[]>
  readonly fields?: readonly { readonly path: readonly string[]; readonly field: unknown }[]
  /** For each joined table whether its row exists; `undefined` without a join. */
  readonly joinsNotNullableMap?: Readonly<Record<string, boolean>>
  readonly customResultMapper?: unknown
  /** `run` for a statement that returns no rows. */
  readonly executeMethod: string
}

/** better-sqlite3 would bind a missing value as NULL. */
function valueFor(name: string, values: Values): unknown {
  const value = values[name]
  if (value === undefined && !(name in values)) throw new TypeError(`the statement has no value for ${name}`)
  return value
}

function encoderOf(param: unknown): Encode {
  if (is(param, Placeholder)) return (values) => valueFor(param.name, values)
  if (!is(param, Param) || !is(param.value, Placeholder)) return () => param
  const { encoder } = param
  const { name } = param.value
  return (values) => encoder.mapToDriverValue(valueFor(name, values))
}

/** `undefined` if the column's value is used as it is. */
function decoderOf(field: unknown): Decode | undefined {
  if (is(field, Column)) {
    return field.mapFromDriverValue === Column.prototype.mapFromDriverValue
      ? undefined
      : (value) => field.mapFromDriverValue(value)
  }
  const { decoder } = (is(field, SQL) ? field : (field as { readonly sql: SQL }).sql) as unknown as {
    readonly decoder: { mapFromDriverValue: Decode }
  }
  return (value) => decoder.mapFromDriverValue(value)
}

/**
 * Prepares what Drizzle would do again at each execution: finding out what each parameter is, and how each column of a
 * row is read. That was a tenth of the CPU of a sign-in. `undefined` for a query that does more with its rows, such as a
 * left join, whose missing rows become null: Drizzle executes those.
 */
export function compileQuery(prepared: unknown): ((values: Values) => unknown) | undefined {
  const { query, stmt, fields, joinsNotNullableMap, customResultMapper, executeMethod } = prepared as PreparedQuery
  const encoders = query.params.map(encoderOf)
  const encode = (values: Values): unknown[] => encoders.map((each) => each(values))
  if (executeMethod === 'run') return (values) => stmt.run(...encode(values))
  const mayLack = Object.values(joinsNotNullableMap ?? {}).includes(false)
  if (!fields || customResultMapper || mayLack) return undefined
  const columns = fields.map(({ path, field }) => ({ path, decode: decoderOf(field) }))
  if (columns.some(({ path }) => path.length > 2)) return undefined

  const read = (row: readonly unknown[]): Record<string, unknown> => {
    const result: Record<string, unknown> = {}
    for (let at = 0; at < columns.length; at++) {
      const { path, decode } = columns[at] as (typeof columns)[number]
      const raw = row[at]
      const value = raw === null || !decode ? raw : decode(raw)
      const [first = '', second] = path
      if (second === undefined) result[first] = value
      else {
        result[first] ??= {}
        ;(result[first] as Record<string, unknown>)[second] = value
      }
    }
    return result
  }
  stmt.raw()
  return (values) => (stmt.all(...encode(values)) as unknown[][]).map(read)
}
