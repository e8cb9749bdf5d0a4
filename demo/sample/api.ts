import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import { type SampleServer, serve } from './server.ts'

/** The scope that the sample API requires. */
const notesScope = 'notes:read'

type SampleApiSettings = {
  readonly issuer: string
  /** Where the keys of the issuer are. */
  readonly keys: URL
  /** The audience of the access tokens that this API accepts: its own URL (RFC 8707). */
  readonly resource: string
  /** The origin of the only application that calls it from a browser. */
  readonly app: string
}
type Answer = { readonly status: number; readonly body: object; readonly challenge?: string }

/** The sample API: a resource server that verifies access tokens with the published keys, and stores nothing. */
export async function startSampleApi(
  at: { readonly port: number; readonly host: string | undefined },
  { issuer, keys, resource, app }: SampleApiSettings,
): Promise<SampleServer> {
  const keySet = createRemoteJWKSet(keys)

  /** `GET /notes`, for a request with this `Authorization` header. */
  async function notes(authorization: string | undefined): Promise<Answer> {
    const token = /^Bearer ([\w.-]+)$/i.exec(authorization ?? '')?.[1]
    // RFC 6750 §3.1: without a token, the challenge has no error.
    if (token === undefined) return { status: 401, body: { error: 'no access token' }, challenge: 'Bearer' }
    try {
      const { payload } = await jwtVerify(token, keySet, { issuer, audience: resource, typ: 'at+jwt' })
      const isAllowed = String(payload.scope).split(' ').includes(notesScope)
      if (!isAllowed) {
        const challenge = `Bearer error="insufficient_scope", scope="${notesScope}"`
        return { status: 403, body: { error: 'insufficient_scope' }, challenge }
      }
      return { status: 200, body: { account: payload.sub, notes: ['Water the plants', 'Call Grace'] } }
    } catch (error) {
      // Any other failure is a defect or an unreachable issuer: the token may be valid.
      const isInvalid = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)
      if (!isInvalid) return { status: 503, body: { error: 'the keys of the issuer cannot be read' } }
      return { status: 401, body: { error: 'invalid_token' }, challenge: 'Bearer error="invalid_token"' }
    }
  }

  return serve(at, (path, request, response) => {
    // Exactly one origin, and no cookies: the token is the only credential.
    response.setHeader('access-control-allow-origin', app)
    response.setHeader('vary', 'Origin')
    if (path !== '/notes') {
      response.writeHead(404).end()
      return
    }
    if (request.method === 'OPTIONS') {
      response.writeHead(204, {
        'access-control-allow-methods': 'GET',
        'access-control-allow-headers': 'Authorization',
      })
      response.end()
      return
    }
    if (request.method !== 'GET') {
      response.writeHead(405, { allow: 'GET' }).end()
      return
    }
    void notes(request.headers.authorization).then(({ status, body, challenge }) => {
      response.writeHead(status, {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        ...(challenge === undefined ? {} : { 'www-authenticate': challenge }),
      })
      response.end(JSON.stringify(body))
    })
  })
}
