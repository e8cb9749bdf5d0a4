import type { JsonValue } from './components.ts'

type Use = { readonly value: JsonValue; readonly put: (value: JsonValue) => void }

/**
 * Responses or request bodies that several operations have in common. Each is named after its schema. What only one
 * operation has stays there: readers look no further.
 */
export class Sharing {
  readonly #part: 'responses' | 'requestBodies'
  readonly #uses = new Map<string, Use[]>()

  constructor(part: 'responses' | 'requestBodies') {
    this.#part = part
  }

  /** Calls `put` with the value at once, and again with a reference if `finish` finds a second use. */
  add(value: JsonValue, put: (value: JsonValue) => void): void {
    put(value)
    const text = JSON.stringify(value, (key, each: unknown) => (key === 'examples' ? undefined : each))
    this.#uses.set(text, [...(this.#uses.get(text) ?? []), { value, put }])
  }

  /** What is shared, by a name that is not `taken`. Its example is that of the first operation that has one. */
  finish(taken: readonly string[] = []): Readonly<Record<string, JsonValue>> {
    const found: Record<string, JsonValue> = {}
    const most = [...this.#uses.values()].sort((a, b) => b.length - a.length)
    for (const uses of most) {
      const whole = uses.find(({ value }) => JSON.stringify(value).includes('"examples":')) ?? uses[0]
      const name = whole && nameOf(whole.value, this.#part)
      if (!whole || uses.length === 1 || name === undefined || name in found || taken.includes(name)) continue
      found[name] = whole.value
      for (const { put } of uses) put({ $ref: `#/components/${this.#part}/${name}` })
    }
    return found
  }
}

/** The name of the schema, or of what stands in its place. */
function nameOf({ content, headers }: JsonValue, part: 'responses' | 'requestBodies'): string | undefined {
  if (content === undefined) return headers === undefined ? 'NoContent' : 'Redirect'
  const [first] = Object.values(content as Readonly<Record<string, { readonly schema: JsonValue }>>)
  const { $ref, type, items, properties } = first?.schema ?? {}
  if (typeof $ref === 'string')
    return $ref
      .split('/')
      .at(-1)
      ?.replace(/Input$/, '')
  if (part === 'requestBodies' && properties && Object.keys(properties).length === 0) return 'NoFields'
  if (type !== 'array') return undefined
  const { $ref: item } = items as JsonValue
  return typeof item === 'string' ? `${item.split('/').at(-1)}List` : undefined
}
