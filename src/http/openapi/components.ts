import { z } from 'zod'

/** A part of the document, or the whole of it. */
export type JsonValue = { readonly [key: string]: unknown }

/** Schemas with an id stand once, under `components`, and are referenced. So are parameters that name themselves. */
export class Components {
  readonly schemas: Record<string, JsonValue> = {}
  readonly parameters: Record<string, JsonValue> = {}

  /** The schema, with every named one, itself included, moved under `components`. */
  use(schema: z.ZodType, io: 'input' | 'output'): JsonValue {
    const json = z.toJSONSchema(schema, { io, unrepresentable: 'any', override: asDocumented })
    const { $schema: _, $defs = {}, ...rest } = json as JsonValue
    const names = new Map<string, string>()
    for (const [id, definition] of Object.entries($defs as Record<string, JsonValue>)) {
      names.set(id, this.#place(id, plain(definition) as JsonValue, io))
    }
    for (const name of names.values()) this.schemas[name] = redirect(this.schemas[name] ?? {}, names)
    return redirect(plain(rest) as JsonValue, names)
  }

  /** The same, with the outermost schema written out. */
  inline(schema: z.ZodType, io: 'input' | 'output'): JsonValue {
    const used = this.use(schema, io)
    const { $ref } = used
    return typeof $ref === 'string' ? (this.schemas[$ref.replace('#/components/schemas/', '')] ?? {}) : used
  }

  /** A parameter whose schema names it (`parameter` in its metadata) is written once and referenced. */
  parameter({ schema, ...parameter }: JsonValue & { readonly schema: JsonValue }): JsonValue {
    const { parameter: name, description = parameter.description, ...rest } = schema
    const whole = { ...parameter, ...(description === undefined ? {} : { description }), schema: rest }
    if (typeof name !== 'string') return whole
    this.parameters[name] ??= whole
    return { $ref: `#/components/parameters/${name}` }
  }

  /** The document, in which a schema that only goes in is called by its plain name. */
  shortened<D extends object>(document: D): D {
    const needless = Object.keys(this.schemas).filter(
      (name) => name.endsWith('Input') && !this.schemas[name.slice(0, -'Input'.length)],
    )
    const text = needless.reduce(
      (all, name) =>
        all
          .replaceAll(`"#/components/schemas/${name}"`, `"#/components/schemas/${name.slice(0, -'Input'.length)}"`)
          .replaceAll(`"${name}":`, `"${name.slice(0, -'Input'.length)}":`),
      JSON.stringify(document),
    )
    return JSON.parse(text) as D
  }

  /** What goes in may differ from what comes out under the same name: then they are two. */
  #place(id: string, definition: JsonValue, io: 'input' | 'output'): string {
    const name = io === 'input' ? `${id}Input` : id
    const other = io === 'input' ? id : `${id}Input`
    const text = JSON.stringify(definition).replaceAll('#/$defs/', '#/components/schemas/')
    if (this.schemas[other] && JSON.stringify(this.schemas[other]) === text) return other
    this.schemas[name] ??= definition
    return name
  }
}

/** What is tolerated but not promised says in its metadata what it is `documented` as. */
function asDocumented({ jsonSchema }: { jsonSchema: Record<string, unknown> }): void {
  const { documented } = jsonSchema
  if (documented === undefined) return
  for (const name of Object.keys(jsonSchema)) delete jsonSchema[name]
  Object.assign(jsonSchema, documented)
}

/**
 * Shorter and easier to read, with the same meaning: `null` as a second type instead of an alternative, a date without
 * the pattern its format stands for, an integer without the limits of JavaScript, no rule that names are text.
 */
function plain(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(plain)
  if (typeof node !== 'object' || node === null) return node
  const found: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(node))
    found[name] = name === 'properties' ? plainEach(value) : plain(value)
  if (found.format === 'date-time' || found.format === 'date') delete found.pattern
  if (JSON.stringify(found.propertyNames) === '{"type":"string"}') delete found.propertyNames
  // Most validators read patterns without the flag that such a class needs.
  if (typeof found.pattern === 'string' && found.pattern.includes('\\p{')) delete found.pattern
  if (found.maximum === Number.MAX_SAFE_INTEGER) delete found.maximum
  if (found.minimum === Number.MIN_SAFE_INTEGER) delete found.minimum
  if (Array.isArray(found.allOf)) {
    const stated = found.allOf.filter((each) => Object.keys(each as object).length > 0)
    if (stated.length > 0) found.allOf = stated
    else delete found.allOf
  }
  const [first, second, ...more] = Array.isArray(found.anyOf) ? (found.anyOf as Record<string, unknown>[]) : []
  if (first && second && more.length === 0 && second.type === 'null' && typeof first.type === 'string') {
    const { anyOf: _, ...outer } = found
    const values = Array.isArray(first.enum) ? { enum: [...first.enum, null] } : {}
    return { ...first, ...values, ...outer, type: [first.type, 'null'] }
  }
  return found
}

/** The names of properties are names, whatever they are. */
const plainEach = (properties: unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(properties as object).map(([name, value]) => [name, plain(value)]))

function redirect(node: JsonValue, names: ReadonlyMap<string, string>): JsonValue {
  return JSON.parse(JSON.stringify(node), (key, value: unknown) => {
    if (key !== '$ref' || typeof value !== 'string' || !value.startsWith('#/$defs/')) return value
    const id = value.slice('#/$defs/'.length)
    return `#/components/schemas/${names.get(id) ?? id}`
  }) as JsonValue
}
