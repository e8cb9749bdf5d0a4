/** Input that a schema accepts, and the places in it with text: derived from the schema itself. */
import fc from 'fast-check'
import { z } from 'zod'

type Node = {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly pattern?: string
  readonly format?: string
  readonly minLength?: number
  readonly minimum?: number
  readonly items?: Node
  readonly minItems?: number
  readonly properties?: Readonly<Record<string, Node>>
  readonly anyOf?: readonly Node[]
  readonly oneOf?: readonly Node[]
  readonly allOf?: readonly Node[]
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Node>>
}

/** `value` is accepted; at each place in `texts` it has text that may be replaced. */
export type Sample = { readonly value: unknown; readonly texts: readonly (readonly (string | number)[])[] }

const formats: Readonly<Record<string, string>> = {
  uri: 'https://example.com/a',
  'date-time': '2030-01-01T00:00:00Z',
  email: 'ada@example.com',
}
/** Values of fields whose schema does not describe what it accepts. */
const fields: Readonly<Record<string, string>> = { time_zone: 'America/Sao_Paulo' }

/** One sample for each alternative of the outermost union, with every optional field. */
export function samplesOf(schema: z.ZodType, known: Readonly<Record<string, unknown>> = {}): readonly Sample[] {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node
  const follow = (node: Node): Node => (node.$ref ? (root.$defs?.[node.$ref.replace('#/$defs/', '')] ?? {}) : node)

  function make(unread: Node, name: string): Sample {
    const node = follow(unread)
    if (Object.hasOwn(known, name)) return { value: known[name], texts: typeof known[name] === 'string' ? [[]] : [] }
    if (Object.hasOwn(fields, name)) return { value: fields[name], texts: [[]] }
    if (node.const !== undefined) return { value: node.const, texts: [] }
    if (node.enum) return { value: node.enum[0], texts: [] }
    const [first] = node.anyOf ?? node.oneOf ?? []
    if (first) return make(first, name)
    switch (node.type) {
      case 'object': {
        const fields = Object.entries(node.properties ?? {}).map(([key, field]) => [key, make(field, key)] as const)
        return {
          value: Object.fromEntries(fields.map(([key, { value }]) => [key, value])),
          texts: fields.flatMap(([key, { texts }]) => texts.map((path) => [key, ...path])),
        }
      }
      case 'array': {
        const { value, texts } = make(node.items ?? {}, '')
        return { value: [value], texts: texts.map((path) => [0, ...path]) }
      }
      case 'string':
        return { value: textOf(node), texts: [[]] }
      case 'integer':
      case 'number':
        return { value: Math.max(1, node.minimum ?? 1), texts: [] }
      case 'boolean':
        return { value: true, texts: [] }
      default:
        return { value: 'x', texts: [[]] }
    }
  }

  const alternatives = root.anyOf ?? root.oneOf ?? [root]
  return alternatives.map((alternative) => make(alternative, ''))
}

function textOf({ format, pattern, allOf, minLength = 1 }: Node): string {
  const made = format === undefined ? undefined : formats[format]
  if (made !== undefined) return made
  const patterns = [pattern, ...(allOf ?? []).map((each) => each.pattern)].flatMap((one) => (one ? [one] : []))
  const fits = (text: string): boolean => patterns.every((one) => new RegExp(one, 'u').test(text))
  for (const text of ['a'.repeat(Math.max(1, minLength)), '1'.repeat(Math.max(6, minLength))])
    if (fits(text)) return text
  const [first = ''] = patterns
  // A few at a time: most of the first ones fit, and making 200 takes longer than a request.
  for (let tries = 0; tries < 40; tries++) {
    const made = fc.sample(fc.stringMatching(new RegExp(first)), 5)
    const found = made.find((text) => fits(text) && text.length >= minLength)
    if (found !== undefined) return found
  }
  throw new Error(`nothing matches ${patterns.join(' and ')}`)
}

/** The same value with other text in one place. */
export function withText(value: unknown, [key, ...rest]: readonly (string | number)[], text: string): unknown {
  if (key === undefined) return text
  if (Array.isArray(value)) return value.map((each, at) => (at === key ? withText(each, rest, text) : each))
  const record = value as Readonly<Record<string, unknown>>
  return { ...record, [key]: withText(record[key], rest, text) }
}
