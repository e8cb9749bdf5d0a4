/** Checks responses of the service against its `/openapi.json`. */
import { z } from 'zod'

type Media = { readonly schema?: object }
type Documented = { readonly description: string; readonly content?: Readonly<Record<string, Media>> }
type Operation = { readonly responses: Readonly<Record<string, Documented>> }
export type Document = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}
/** A document as it is served: with references where something is shared. */
export type Published = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, PublishedOperation>>>>
  readonly components: Document['components'] & {
    readonly responses: Readonly<Record<string, Documented>>
    readonly parameters: Readonly<Record<string, object>>
  }
}
type Reference = { readonly $ref?: string }
type PublishedOperation = {
  readonly responses: Readonly<Record<string, Reference>>
  readonly parameters?: readonly Reference[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
}

/** The API and the pages as one document, with shared responses, parameters and bodies written out in every operation. */
export function readDocuments(published: readonly [Published, ...Published[]]): Document {
  const paths: Record<string, Record<string, Operation>> = {}
  const schemas: Record<string, object> = {}
  for (const { paths: described, components } of published) {
    const whole = ({ $ref, ...beside }: Reference, among: Readonly<Record<string, object>>) => ({
      ...among[$ref?.split('/').at(-1) ?? ''],
      ...beside,
    })
    for (const [name, schema] of Object.entries(components.schemas)) {
      if (schemas[name] && JSON.stringify(schemas[name]) !== JSON.stringify(schema))
        throw new Error(`two schemas are called ${name}`)
      schemas[name] = schema
    }
    for (const [path, operations] of Object.entries(described)) {
      for (const [method, operation] of Object.entries(operations)) {
        const responses = Object.entries(operation.responses).map(([status, response]) => [
          status,
          whole(response, components.responses),
        ])
        const parameters = operation.parameters?.map((parameter) => whole(parameter, components.parameters))
        const content = Object.entries(operation.requestBody?.content ?? {}).map(([type, { schema = {} }]) => [
          type,
          { schema: whole(schema, components.schemas) },
        ])
        const made = {
          ...operation,
          ...(parameters ? { parameters } : {}),
          ...(operation.requestBody
            ? { requestBody: { ...operation.requestBody, content: Object.fromEntries(content) } }
            : {}),
          responses: Object.fromEntries(responses),
        }
        paths[path] = { ...paths[path], [method]: together(paths[path]?.[method], made) }
      }
    }
  }
  const [first] = published
  return { ...first, paths, components: { ...first.components, schemas } }
}

/** Programs and browsers may use the same path and method, with different bodies. */
function together(program: Operation | undefined, browser: Operation): Operation {
  if (!program) return browser
  const responses: Record<string, Documented> = { ...program.responses }
  for (const [status, response] of Object.entries(browser.responses)) {
    const { description = '', content = {} } = responses[status] ?? {}
    // A type that both answer with fits the schema of either: each names its own error codes.
    const either = Object.entries(response.content ?? {}).map(([type, media]) => {
      const schemas = [content[type]?.schema, media.schema].filter((schema) => schema !== undefined)
      return [type, schemas.length > 1 ? { schema: { anyOf: schemas } } : media]
    })
    responses[status] = {
      ...response,
      description: `${description} ${response.description}`,
      content: { ...content, ...Object.fromEntries(either) },
    }
  }
  return { ...program, responses }
}

export type Seen = {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Returns the difference from the document, or `undefined`. Paths without a route are not documented. */
export function createReader(document: Document) {
  const patterns = Object.entries(document.paths).map(([path, operations]) => ({
    path,
    operations,
    shape: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
    fixed: path.replace(/\{\w+\}/g, '').length,
  }))
  // A path without parameters takes precedence, as in the service.
  patterns.sort((a, b) => b.fixed - a.fixed)
  const inlined = JSON.parse(
    JSON.stringify(document.components.schemas).replaceAll('#/components/schemas/', '#/$defs/'),
  )
  const schemas = new Map<string, z.ZodType>()

  const schemaOf = (media: object): z.ZodType => {
    const text = JSON.stringify(media).replaceAll('#/components/schemas/', '#/$defs/')
    const known = schemas.get(text)
    if (known) return known
    const made = z.fromJSONSchema({ ...JSON.parse(text), $defs: inlined })
    schemas.set(text, made)
    return made
  }

  return function wrong({ method, path, status, headers, text }: Seen): string | undefined {
    const found = patterns.find(({ shape }) => shape.test(path))
    const operation = found?.operations[method.toLowerCase()]
    if (!found || !operation) return undefined
    const name = `${method} ${found.path} → ${status}`
    const response = operation.responses[status]
    if (!response) return `${name} is not documented: ${text.slice(0, 200)}`
    if (text === '') return undefined
    const kind = (headers.get('content-type') ?? '').split(';')[0]?.trim() ?? ''
    const media = response.content?.[kind]
    if (!media) return `${name} is documented, but not as ${kind || 'anything with a body'}`
    if (!kind.endsWith('json') || !media.schema) return undefined
    const value: unknown = JSON.parse(text)
    const code = status >= 400 && typeof value === 'object' && value && 'code' in value ? String(value.code) : undefined
    if (code !== undefined && !response.description.includes(`\`${code}\``))
      return `${name} is not documented with ${code}`
    const read = schemaOf(media.schema).safeParse(value)
    return read.success ? undefined : `${name} does not fit its schema: ${z.prettifyError(read.error)}`
  }
}
