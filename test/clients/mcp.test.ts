/** An MCP client that nobody registered signs a person in, and calls an MCP server that this service protects. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import express from 'express'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { protectedResource } from '../../src/applications/protected-resource.ts'
import { follow } from '../support/applications.ts'
import { startWorld, type World } from '../support/service.ts'

const redirectUrl = 'http://127.0.0.1:33418/callback'

let world: World
let resource: string
const server = createServer()
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  resource = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  world = await startWorld({
    env: {
      APPLICATIONS_REGISTRATION: 'open',
      APPLICATIONS_OPEN_RESOURCES: resource,
      APPLICATIONS_OPEN_SCOPES: 'notes:read',
    },
  })
  server.on('request', notesServer())
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await world.stop()
})

/** An MCP server with one tool. It is all that its operator writes to protect it. */
function notesServer() {
  const api = protectedResource({ resource, issuer: world.base, scopes: ['notes:read', 'offline_access'] })
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', world.base))
  const app = express()
  app.get(api.path, (_request, response) => void response.json(api.metadata))
  app.post('/mcp', express.json(), async (request, response) => {
    const [, token = ''] = /^Bearer (\S+)$/.exec(request.get('authorization') ?? '') ?? []
    const person = await jwtVerify(token, keys, { issuer: world.base, audience: resource }).catch(() => undefined)
    if (!person) return void response.status(401).set('WWW-Authenticate', api.challenge()).end()
    const insufficient = api.challenge('insufficient_scope', 'notes:read')
    if (
      !String(person.payload.scope ?? '')
        .split(' ')
        .includes('notes:read')
    )
      return void response.status(403).set('WWW-Authenticate', insufficient).end()
    const mcp = new McpServer({ name: 'Notes', version: '1.0.0' })
    mcp.registerTool('who', { description: 'Says for whom the token is' }, () => ({
      content: [{ type: 'text', text: `${person.payload.sub} ${person.payload.scope}` }],
    }))
    const transport = new StreamableHTTPServerTransport({})
    // The types of the SDK do not know `exactOptionalPropertyTypes`.
    await mcp.connect(transport as Parameters<typeof mcp.connect>[0])
    await transport.handleRequest(request, response, request.body)
  })
  return app
}

/** What a program with an MCP client keeps, and how it opens the browser. */
function memory() {
  const kept: { client?: OAuthClientInformationMixed; tokens?: OAuthTokens; verifier?: string; opened?: URL } = {}
  const provider: OAuthClientProvider = {
    redirectUrl,
    clientMetadata: {
      client_name: 'Editor',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    clientInformation: () => kept.client,
    saveClientInformation: (information) => {
      kept.client = information
    },
    tokens: () => kept.tokens,
    saveTokens: (tokens) => {
      kept.tokens = tokens
    },
    redirectToAuthorization: (url) => {
      kept.opened = url
    },
    saveCodeVerifier: (verifier) => {
      kept.verifier = verifier
    },
    codeVerifier: () => kept.verifier ?? '',
  }
  return { kept, provider }
}

async function callWho(provider: OAuthClientProvider): Promise<string> {
  const client = new Client({ name: 'Editor', version: '1.0.0' })
  const transport = new StreamableHTTPClientTransport(new URL(resource), { authProvider: provider })
  await client.connect(transport as Parameters<typeof client.connect>[0])
  const { content } = await client.callTool({ name: 'who' })
  await client.close()
  return JSON.stringify(content)
}

test('an MCP client registers itself, signs a person in, calls a tool and refreshes its token', async () => {
  const { kept, provider } = memory()
  await expect(callWho(provider)).rejects.toThrow('Unauthorized')
  expect(kept.opened?.searchParams.get('resource')).toBe(resource)

  const browser = world.openBrowser()
  await browser.signIn('google', world.newcomer())
  const { page } = await follow(world, browser, kept.opened ?? '')
  expect(page.text).toContain('Editor')
  expect(page.text).toContain(resource)
  expect(page.text).toContain('notes:read')
  const done = await browser.submit(page, page.url.pathname, { decision: 'allow' })
  const back = new URL(/url=([^"]*)"/.exec(done.text)?.[1]?.replaceAll('&amp;', '&') ?? '')

  const transport = new StreamableHTTPClientTransport(new URL(resource), { authProvider: provider })
  await transport.finishAuth(back.searchParams.get('code') ?? '')
  const claims = decodeJwt(kept.tokens?.access_token ?? '')
  expect(claims).toMatchObject({ aud: resource, sub: expect.stringMatching(/^usr_/) })
  expect(await callWho(provider)).toContain(`${claims.sub} notes:read`)

  // The token is for the MCP server alone.
  expect((await world.call('GET', '/me', { token: kept.tokens?.access_token ?? '' })).status).toBe(401)

  // A client whose access token is refused refreshes it by itself.
  const before = kept.tokens?.refresh_token
  kept.tokens = { ...(kept.tokens as OAuthTokens), access_token: 'expired' }
  expect(await callWho(provider)).toContain(`${claims.sub} notes:read`)
  expect(kept.tokens.refresh_token).not.toBe(before)
})
