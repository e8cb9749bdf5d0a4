/** The path of the metadata of a resource server (RFC 9728 §3). */
const wellKnown = '/.well-known/oauth-protected-resource'

export type ProtectedResourceOptions = {
  /** The URL of the API, exactly as it is registered as a resource: the audience of its access tokens. */
  readonly resource: string
  /** The URL of this service, which issues the tokens. */
  readonly issuer: string
  /** The scopes that the API knows. */
  readonly scopes?: readonly string[]
  /** The name of the API for people. */
  readonly name?: string
  /** Where its documentation is. */
  readonly documentation?: string
}

/** What a resource server publishes and answers so that clients find out where to get tokens (RFC 9728). */
export type ProtectedResource = {
  /** The path at which the API serves `metadata`, as JSON. */
  readonly path: string
  /** The URL of the metadata. */
  readonly url: string
  readonly metadata: Readonly<Record<string, string | readonly string[]>>
  /** The value of `WWW-Authenticate` for a 401: without an error if no token was sent (RFC 6750 §3). */
  readonly challenge: (error?: 'invalid_token' | 'insufficient_scope', scope?: string) => string
}

/**
 * The metadata of a resource server and its challenges (RFC 9728). Serve `metadata` at `path`, and send `challenge()` with
 * each 401. A client then needs to know nothing but the URL of the API. Throws `TypeError` if `resource` is not an https
 * URL (http on loopback), or has a query or fragment.
 */
export function protectedResource({
  resource,
  issuer,
  scopes,
  name,
  documentation,
}: ProtectedResourceOptions): ProtectedResource {
  const at = new URL(resource)
  const isSecure = at.protocol === 'https:' || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(at.hostname)
  if (!isSecure || at.search !== '' || at.hash !== '') throw new TypeError(`not the URL of a resource: ${resource}`)
  // The path of the resource follows the well-known one (§3.1), without its last slash.
  const path = `${wellKnown}${at.pathname.replace(/\/$/, '')}`
  const url = new URL(path, at).href
  const quoted = (text: string): string => text.replace(/["\\]|[^\x20-\x7e]/g, '')
  return {
    path,
    url,
    metadata: {
      resource,
      authorization_servers: [issuer],
      bearer_methods_supported: ['header'],
      ...(scopes === undefined ? {} : { scopes_supported: scopes }),
      ...(name === undefined ? {} : { resource_name: name }),
      ...(documentation === undefined ? {} : { resource_documentation: documentation }),
    },
    challenge: (error, scope) =>
      [
        ...(error === undefined ? [] : [`error="${error}"`]),
        ...(scope === undefined ? [] : [`scope="${quoted(scope)}"`]),
        `resource_metadata="${url}"`,
      ].reduce((text, part, at) => `${text}${at === 0 ? ' ' : ', '}${part}`, 'Bearer'),
  }
}
