import { z } from 'zod'

/** By schema, filled at the first request: for all routes at startup it took a twentieth of the time until ready. */
const knownLists = new WeakMap<z.ZodType, ReadonlySet<string>>()

/**
 * The fields of a schema that are lists. Any other field is refused if it occurs twice, even if its schema would accept
 * that.
 */
export function listsIn(schema: z.ZodType): ReadonlySet<string> {
  const known = knownLists.get(schema)
  if (known) return known
  type Node = {
    type?: string
    anyOf?: Node[]
    oneOf?: Node[]
    properties?: Record<string, Node>
    $ref?: string
    $defs?: Record<string, Node>
  }
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node
  const follow = (node: Node): Node => (node.$ref ? (root.$defs?.[node.$ref.replace('#/$defs/', '')] ?? {}) : node)
  const isList = (node: Node): boolean => {
    const { type, anyOf } = follow(node)
    return type === 'array' || (anyOf ?? []).some(isList)
  }
  const fields = [root, ...(root.anyOf ?? []), ...(root.oneOf ?? [])].flatMap((node) =>
    Object.entries(follow(node).properties ?? {}),
  )
  const lists = new Set(fields.filter(([, node]) => isList(node)).map(([name]) => name))
  knownLists.set(schema, lists)
  return lists
}
