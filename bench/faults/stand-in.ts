/** OAuth 2.0 providers that fail on demand: several on one origin, each with its own path. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tokenAnswer, userinfoAnswer } from '../provider-answers.ts'
import type { CaseContext } from './case.ts'

/** `hangs` accepts a request and never responds; `fails` responds with 503. */
type Mode = 'answers' | 'hangs' | 'fails'
type Call = { readonly provider: string; readonly endpoint: string; readonly at: number }

export async function startStandIn({ defer }: CaseContext, names: readonly string[]) {
  const modes = new Map<string, Mode>()
  const calls: Call[] = []
  const hanging = new Set<ServerResponse>()
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1')
    })
    request.on('end', () => {
      const [, provider = '', endpoint = ''] = (request.url ?? '').split('/')
      calls.push({ provider, endpoint, at: performance.now() })
      const mode = modes.get(provider) ?? 'answers'
      if (mode === 'hangs') {
        hanging.add(response)
        return
      }
      const answers: Readonly<Record<string, () => object | undefined>> = {
        token: () => tokenAnswer(new URLSearchParams(body)),
        userinfo: () => userinfoAnswer(request.headers.authorization ?? ''),
        revoke: () => ({}),
      }
      const answer = mode === 'fails' ? undefined : answers[endpoint]?.()
      response.writeHead(answer ? 200 : mode === 'fails' ? 503 : 400, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify(answer ?? { error: 'invalid_grant' }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  defer(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    /** Settings that connect the service to this provider. */
    env: {
      OAUTH2_PROVIDERS: names.join(','),
      ...Object.assign({}, ...names.map((name) => settingsOf(name, `http://127.0.0.1:${port}/${name}`))),
    } as Record<string, string>,
    become(provider: string, mode: Mode): void {
      modes.set(provider, mode)
      if (mode === 'hangs') return
      for (const response of hanging) response.destroy()
      hanging.clear()
    },
    calls: (provider: string, endpoint: string): readonly Call[] =>
      calls.filter((call) => call.provider === provider && call.endpoint === endpoint),
  }
}

function settingsOf(name: string, base: string): Record<string, string> {
  const prefix = name.toUpperCase()
  return {
    [`${prefix}_CLIENT_ID`]: 'bench',
    [`${prefix}_CLIENT_SECRET`]: 'bench-secret',
    [`${prefix}_AUTHORIZE_URL`]: `${base}/authorize`,
    [`${prefix}_TOKEN_URL`]: `${base}/token`,
    [`${prefix}_USERINFO_URL`]: `${base}/userinfo`,
    [`${prefix}_REVOKE_URL`]: `${base}/revoke`,
    [`${prefix}_SCOPES`]: 'profile',
    [`${prefix}_USER_ID_PATH`]: 'id',
    [`${prefix}_USER_EMAIL_PATH`]: 'email',
    [`${prefix}_USER_EMAIL_VERIFIED_PATH`]: 'email_verified',
    [`${prefix}_USER_NAME_PATH`]: 'name',
    [`${prefix}_EMAIL_TRUST`]: 'never',
  }
}
