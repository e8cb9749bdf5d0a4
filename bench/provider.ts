/**
 * The local provider: OAuth 2.0 with as little behind it as there can be. A code says who signs in and holds the PKCE
 * challenge it was asked for with, so nothing is stored, and a service that does not prove its verifier gets nothing.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tellReady } from './ipc.ts'

const lifetimeSeconds = 3600

function token(form: URLSearchParams): object | undefined {
  const { subject, code_challenge } = JSON.parse(Buffer.from(form.get('code') ?? '', 'base64url').toString())
  const challenge = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')
  if (challenge !== code_challenge) return undefined
  const fresh = (): string => `${subject}.${randomBytes(24).toString('base64url')}`
  return {
    access_token: fresh(),
    refresh_token: fresh(),
    token_type: 'Bearer',
    expires_in: lifetimeSeconds,
    scope: 'profile',
  }
}

function userinfo(authorization: string): object {
  const id = authorization.slice('Bearer '.length).split('.', 1)[0]
  return { id, email: `${id}@example.com`, email_verified: true, name: `Person ${id}` }
}

const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString('latin1')
  })
  request.on('end', () => {
    const answer =
      request.url === '/token' ? token(new URLSearchParams(body)) : userinfo(request.headers.authorization ?? '')
    const text = JSON.stringify(answer ?? { error: 'invalid_grant' })
    response.writeHead(answer ? 200 : 400, ['Content-Type', 'application/json', 'Content-Length', String(text.length)])
    response.end(text)
  })
})
server.listen(0, '127.0.0.1', () => tellReady((server.address() as AddressInfo).port))
