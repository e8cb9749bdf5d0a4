/**
 * The floor: plain node:http and only the necessary work. A refresh reads its body, verifies the old token, rotates
 * durably in a group commit and signs a pair. `/me` looks up a verified token and reads one row.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerParent, reportReady } from './ipc.ts'
import { openPostgres, openSqlite } from './store.ts'
import { pair, readAccess, readRefresh, type Session } from './tokens.ts'

const { file, url } = JSON.parse(process.argv[2] ?? '{}') as { file?: string; url?: string }
const sqlite = file === undefined ? undefined : openSqlite(file)
const rotate = sqlite?.rotate ?? openPostgres(url ?? '').rotate

function answer(response: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value)
  response.writeHead(status, ['Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(body))])
  response.end(body)
}

async function refresh(body: string, response: ServerResponse): Promise<void> {
  const { refresh_token } = JSON.parse(body) as { refresh_token?: unknown }
  const claims = typeof refresh_token === 'string' ? readRefresh(refresh_token) : undefined
  const session = claims && (await rotate(claims.sid, claims.generation))
  if (session) answer(response, 200, pair(session))
  else answer(response, 401, { error: 'invalid_grant' })
}

function me(request: IncomingMessage, response: ServerResponse): void {
  const claims = readAccess(request.headers.authorization?.slice(7) ?? '')
  const account = claims && sqlite?.account(claims.sub)
  if (account) answer(response, 200, account)
  else answer(response, 401, { error: 'invalid_token' })
}

const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  if (request.url === '/me') return me(request, response)
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => {
    body += chunk
  })
  request.on('end', () => {
    refresh(body, response).catch((error) => answer(response, 500, { error: String(error) }))
  })
})

answerParent({
  seed: (count: number) => sqlite?.seed(count),
  /** Signs pairs for existing rows. */
  sign: (sessions: Session[]) => sessions.map(pair),
  /** How many rotations per second the driver alone makes, with one chain for each session. */
  async statements({ seconds, sessions }: { seconds: number; sessions: Pick<Session, 'id' | 'generation'>[] }) {
    const started = performance.now()
    let done = 0
    await Promise.all(
      sessions.map(async ({ id, generation: first }) => {
        let generation = first
        while (performance.now() - started < seconds * 1000) {
          const row = await rotate(id, generation)
          if (!row) throw new Error(`${id} was rotated concurrently`)
          generation = row.generation
          done++
        }
      }),
    )
    return done / ((performance.now() - started) / 1000)
  },
})
server.listen(0, '127.0.0.1', () => reportReady((server.address() as AddressInfo).port))
