/** Checks responses of the service against its `/openapi.json`. */
import { z } from 'zod'

type Media = { readonly schema?: object }
type Documented = { readonly content?: Readonly<Record<string, Media>> }
type Operation = { readonly responses: Readonly<Record<string, Documented>> }
export type Document = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
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
    const read = schemaOf(media.schema).safeParse(JSON.parse(text))
    return read.success ? undefined : `${name} does not fit its schema: ${z.prettifyError(read.error)}`
  }
}
