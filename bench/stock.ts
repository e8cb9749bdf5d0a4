/**
 * The stock protocol engine: oidc-provider with its own handler for refresh tokens and a plain SQLite adapter, as its
 * documentation shows one. Only what a refresh needs is set: one public client, ES256, and a durable file.
 */
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Database from 'better-sqlite3'
import Provider from 'oidc-provider'
import { answerParent, reportReady } from './ipc.ts'

const { file, client } = JSON.parse(process.argv[2] ?? '{}') as { file: string; client: string }
const db = new Database(file)
db.exec('PRAGMA journal_mode = WAL')
db.exec('PRAGMA synchronous = FULL')
db.exec(`
  create table models (model text not null, id text not null, grant_id text, payload text not null,
    expires_at integer, primary key (model, id)) without rowid;
  create index models_grant on models (grant_id);
`)
const upsert = db.prepare('insert or replace into models values (?, ?, ?, ?, ?)')
const find = db.prepare<[string, string, number], { payload: string }>(
  'select payload from models where model = ? and id = ? and (expires_at is null or expires_at > ?)',
)
const consume = db.prepare("update models set payload = json_set(payload, '$.consumed', ?) where model = ? and id = ?")
const destroy = db.prepare('delete from models where model = ? and id = ?')
const revoke = db.prepare('delete from models where grant_id = ?')
const now = (): number => Math.floor(Date.now() / 1000)

type Payload = { readonly grantId?: string }
const adapter = (model: string) => ({
  upsert: async (id: string, payload: Payload, expiresIn?: number) =>
    void upsert.run(
      model,
      id,
      payload.grantId ?? null,
      JSON.stringify(payload),
      expiresIn === undefined ? null : now() + expiresIn,
    ),
  find: async (id: string): Promise<unknown> => {
    const row = find.get(model, id, now())
    return row && JSON.parse(row.payload)
  },
  consume: async (id: string) => void consume.run(now(), model, id),
  destroy: async (id: string) => void destroy.run(model, id),
  revokeByGrantId: async (grantId: string) => void revoke.run(grantId),
})

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const provider = new Provider('http://localhost:3000', {
  adapter,
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }] },
  clients: [
    {
      client_id: client,
      redirect_uris: ['https://app.example.org/'],
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: 'ES256',
    },
  ],
  findAccount: async (_: unknown, accountId: string) => ({ accountId, claims: async () => ({ sub: accountId }) }),
  features: { devInteractions: { enabled: false } },
  cookies: { keys: ['bench'] },
  ttl: { AccessToken: 1800, IdToken: 1800, Grant: 7_776_000, RefreshToken: 604_800 },
})
// The models that a sign-in would store.
type Models = {
  readonly Client: { find(id: string): Promise<unknown> }
  readonly RefreshToken: new (fields: object) => { save(): Promise<string> }
}
const models = provider as unknown as Models

answerParent({
  /** The refresh tokens of that many people. */
  async seed(people: number) {
    const scope = 'openid offline_access'
    const tokens: { refresh_token: string }[] = []
    for (let n = 0; n < people; n++) {
      const accountId = `user-${n}`
      const grant = new provider.Grant({ accountId, clientId: client })
      grant.addOIDCScope(scope)
      const fields = { accountId, grantId: await grant.save(), scope, authTime: now(), gty: 'authorization_code' }
      const token = new models.RefreshToken({ ...fields, client: await models.Client.find(client) })
      tokens.push({ refresh_token: await token.save() })
    }
    return tokens
  },
})
const handle = provider.callback()
const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  // The engine mounts its token endpoint at another path than the service.
  request.url = request.url === '/oauth/token' ? '/token' : request.url
  handle(request, response)
})
server.listen(0, '127.0.0.1', () => reportReady((server.address() as AddressInfo).port))
