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
    readonly requestBodies?: Readonly<Record<string, Body>>
  }
}
type Body = { readonly content: Readonly<Record<string, Media>> }
type Reference = { readonly $ref?: string }
type PublishedOperation = {
  readonly responses: Readonly<Record<string, Reference>>
  readonly parameters?: readonly Reference[]
  readonly requestBody?: Reference & Partial<Body>
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
        const responses = Object.entries(operation.responses)
          .map(([status, response]) => [status, whole(response, components.responses) as Documented] as const)
          .flatMap(([status, response]) => (status === 'default' ? byStatus(response) : [[status, response] as const]))
          // A status that the operation names takes precedence over its default.
          .reverse()
        const parameters = operation.parameters?.map((parameter) => whole(parameter, components.parameters))
        const { content: bodies = {}, ...body } = whole(
          operation.requestBody ?? {},
          components.requestBodies ?? {},
        ) as Partial<Body>
        const content = Object.entries(bodies).map(([type, { schema = {} }]) => [
          type,
          { schema: whole(schema, components.schemas) },
        ])
        const made = {
          ...operation,
          ...(parameters ? { parameters } : {}),
          ...(operation.requestBody ? { requestBody: { ...body, content: Object.fromEntries(content) } } : {}),
          responses: Object.fromEntries(responses),
        }
        paths[path] = { ...paths[path], [method]: together(paths[path]?.[method], made) }
      }
    }
  }
  const [first] = published
  return { ...first, paths, components: { ...first.components, schemas } }
}

/** A default for each status that it names, with the codes of that status. */
const byStatus = (response: Documented): readonly (readonly [status: string, response: Documented])[] =>
  [...response.description.matchAll(/(\d{3}) (`[^;]+)/g)].map(([, status = '', description = '']) => [
    status,
    { ...response, description },
  ])

/** Programs and browsers may use the same path and method, with different bodies and different errors. */
function together(program: Operation | undefined, browser: Operation): Operation {
  if (!program) return browser
  const responses: Record<string, Documented> = { ...program.responses }
  for (const [status, response] of Object.entries(browser.responses)) {
    const { description = '', content = {} } = responses[status] ?? {}
    const kinds = Object.entries(response.content ?? {}).map(([kind, media]) => {
      const schemas = [content[kind]?.schema, media.schema].filter((schema) => schema !== undefined)
      return [kind, schemas.length > 1 ? { ...media, schema: { anyOf: schemas } } : media] as const
    })
    responses[status] = {
      ...response,
      description: `${description} ${response.description}`,
      content: { ...content, ...Object.fromEntries(kinds) },
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
  // Responses have 1,700 schemas, of which a hundred differ.
  const byText = new Map<string, z.ZodType>()
  const byMedia = new Map<object, z.ZodType>()

  const schemaOf = (media: object): z.ZodType => {
    const known = byMedia.get(media)
    if (known) return known
    const text = JSON.stringify(media).replaceAll('#/components/schemas/', '#/$defs/')
    const schema = byText.get(text) ?? z.fromJSONSchema({ ...JSON.parse(text), $defs: inlined })
    byText.set(text, schema)
    byMedia.set(media, schema)
    return schema
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
