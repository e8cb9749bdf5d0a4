/**
 * The HTTP methods that are named in metrics and logs (RFC 9110 §9, RFC 5789). Node's parser accepts thirty more, such
 * as those of WebDAV, and callers choose which. `other` stands for all of them, so that callers cannot create metric
 * labels.
 */
export const httpMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'other'] as const
export type HttpMethod = (typeof httpMethods)[number]

const named: ReadonlySet<string> = new Set(httpMethods)

/** The name of a method in metrics and logs. */
export const readHttpMethod = (method: string): HttpMethod => (named.has(method) ? (method as HttpMethod) : 'other')
