import { z } from 'zod'
import type { Schema } from './route.ts'

/** Whether a value is exactly what a schema describes. */
type Matches = (value: unknown) => boolean

const isKnown = (known: ReadonlySet<unknown>): Matches => known.has.bind(known)

/**
 * Checks a value without copying it: the types, the fields that are required, and that there is no other field. Formats
 * of text are not checked. `undefined` for a schema that changes its values, or is of a kind that replies hardly use.
 */
function matcherOf(schema: z.core.$ZodType): Matches | undefined {
  if (schema instanceof z.ZodString || schema instanceof z.ZodStringFormat) {
    const changes = schema.def.checks?.some((check) => check._zod.def.check === 'overwrite')
    return changes ? undefined : (value) => typeof value === 'string'
  }
  if (schema instanceof z.ZodNumber) return Number.isFinite
  if (schema instanceof z.ZodBoolean) return (value) => typeof value === 'boolean'
  if (schema instanceof z.ZodNull) return (value) => value === null
  if (schema instanceof z.ZodEnum) return isKnown(new Set(schema.options))
  if (schema instanceof z.ZodLiteral) return isKnown(schema.values)
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodOptional) {
    const inner = matcherOf(schema.unwrap())
    const none = schema instanceof z.ZodNullable ? null : undefined
    return inner && ((value) => value === none || inner(value))
  }
  if (schema instanceof z.ZodArray) {
    const element = matcherOf(schema.element)
    return element && ((value) => Array.isArray(value) && value.every(element))
  }
  if (schema instanceof z.ZodRecord) return isFree(schema) ? isPlainRecord : undefined
  return schema instanceof z.ZodObject ? matcherOfObject(schema) : undefined
}

/** Whether a record may have any names and any values. */
const isFree = ({ keyType, valueType }: z.ZodRecord): boolean =>
  keyType instanceof z.ZodString && keyType.def.checks === undefined && valueType instanceof z.ZodUnknown

/** What JSON omits must not count: inherited fields, and the elements of a list. */
const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** Parsing drops the name `__proto__`. */
const isPlainRecord: Matches = (value) => isPlain(value) && !Object.hasOwn(value, '__proto__')

function matcherOfObject({ shape, def }: z.ZodObject): Matches | undefined {
  const fields = new Map(Object.entries(shape).map(([name, field]) => [name, matcherOf(field)]))
  // Other fields are allowed with a `catchall`, except `z.never()`, which a strict object has.
  const mayHaveOthers = def.catchall !== undefined && !(def.catchall instanceof z.ZodNever)
  if (mayHaveOthers || [...fields.values()].includes(undefined)) return undefined
  const optional = Object.entries(shape).flatMap(([name, field]) => (field instanceof z.ZodOptional ? [name] : []))
  const required = [...fields.keys()].filter((name) => !optional.includes(name))
  return (value) => {
    if (!isPlain(value)) return false
    let found = 0
    for (const name in value) {
      if (!fields.get(name)?.(value[name])) return false
      found += 1
    }
    if (found === fields.size) return true
    return required.every((name) => Object.hasOwn(value, name))
  }
}

/**
 * Only what the schema names leaves the service: a new column of a row stays inside. A reply that lacks a field, or has
 * a value of another type, is a defect, and this function throws.
 *
 * Nearly every reply already has exactly its fields. Parsing would copy it: for `/me`, that was a twelfth of the CPU of
 * the whole request. So it is only compared, and parsed if it differs. The schema is read at the first reply.
 */
export function stripperOf(schemaOf: () => Schema | undefined): (value: unknown) => unknown {
  let strip: ((value: unknown) => unknown) | undefined
  return (value) => {
    strip ??= build(schemaOf())
    return strip(value)
  }
}

function build(schema: Schema | undefined): (value: unknown) => unknown {
  if (!schema) return (value) => value
  const matches = matcherOf(schema)
  return (value) => (matches?.(value) ? value : schema.parse(value))
}
