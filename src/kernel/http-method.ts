/**
 * The HTTP methods that have names of their own here (RFC 9110 §9, RFC 5789). Node's parser takes thirty more, WebDAV's among them,
 * and a caller chooses which: `other` stands for all of those, so that no metric label is a caller's word.
 */
export const httpMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'other'] as const
export type HttpMethod = (typeof httpMethods)[number]

const named: ReadonlySet<string> = new Set(httpMethods)

/** The method by a name of ours. */
export const readHttpMethod = (method: string): HttpMethod => (named.has(method) ? (method as HttpMethod) : 'other')
