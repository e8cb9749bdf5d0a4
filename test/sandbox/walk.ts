/** A minimal client of the sandbox: authorize, exchange, renew and read, over real HTTP. */
import { createHash, randomBytes } from 'node:crypto'
import { CALLBACK_NAME, CLIENTS } from '../../sandbox/clients.ts'
import type { ProviderId, Sandbox } from '../../sandbox/sandbox.ts'

export const verifier = randomBytes(32).toString('base64url')
const challenge = createHash('sha256').update(verifier).digest('base64url')
export const redirectUri = (provider: ProviderId) => `http://127.0.0.1:3000/auth/${CALLBACK_NAME[provider]}/callback`

type Fields = Record<string, string | undefined>
export type Reply = { status: number; type: string; text: string; body: Record<string, unknown>; headers: Headers }

const given = (fields: Fields) =>
  new URLSearchParams(Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))

const AUTHORIZE: Record<ProviderId, { path: string; extra: Fields }> = {
  google: { path: '/google/o/oauth2/v2/auth', extra: { scope: 'openid email profile' } },
  github: { path: '/github/login/oauth/authorize', extra: { scope: 'read:user user:email' } },
  atlassian: {
    path: '/atlassian/authorize',
    extra: {
      scope: 'read:me read:jira-work read:servicedesk-request offline_access',
      audience: 'api.atlassian.com',
      prompt: 'consent',
    },
  },
  oidc: { path: '/oidc/auth', extra: { scope: 'openid email profile' } },
  oauth2: { path: '/oauth2/authorize', extra: { scope: 'read:user' } },
}
const TOKEN: Record<ProviderId, string> = {
  google: '/google/token',
  github: '/github/login/oauth/access_token',
  atlassian: '/atlassian/oauth/token',
  oidc: '/oidc/token',
  oauth2: '/oauth2/token',
}
const USERINFO: Record<ProviderId, string> = {
  google: '/google/oauth2/v3/userinfo',
  github: '/github/user',
  atlassian: '/atlassian/me',
  oidc: '/oidc/me',
  oauth2: '/oauth2/userinfo',
}

export function walker(sandbox: Sandbox, provider: ProviderId) {
  const authorizeUrl = (changes: Fields = {}): string => {
    const query = given({
      client_id: CLIENTS[provider].id,
      redirect_uri: redirectUri(provider),
      response_type: 'code',
      state: 'the-state',
      code_challenge: challenge,
      code_challenge_method: 'S256',
      ...AUTHORIZE[provider].extra,
      ...changes,
    })
    return `${sandbox.url}${AUTHORIZE[provider].path}?${query}`
  }
  const authorize = async (changes: Fields = {}) => {
    const response = await fetch(authorizeUrl(changes), { redirect: 'manual' })
    const location = response.headers.get('location')
    return {
      status: response.status,
      text: await response.text(),
      location: location === null ? null : new URL(location),
    }
  }
  const code = async (changes: Fields = {}): Promise<string> => {
    const { location, text } = await authorize(changes)
    return location?.searchParams.get('code') ?? `no code: ${location?.href ?? text}`
  }
  const read = async (response: Response): Promise<Reply> => {
    const text = await response.text()
    const type = response.headers.get('content-type') ?? ''
    const body = type.includes('json') ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text))
    return { status: response.status, type, text, body, headers: response.headers }
  }
  const token = async (fields: Fields, headers: Record<string, string> = {}): Promise<Reply> =>
    read(
      await fetch(`${sandbox.url}${TOKEN[provider]}`, {
        method: 'POST',
        headers,
        body: given({ client_id: CLIENTS[provider].id, client_secret: CLIENTS[provider].secret, ...fields }),
      }),
    )
  const trade = (value: string, changes: Fields = {}, headers: Record<string, string> = {}) =>
    token(
      {
        grant_type: 'authorization_code',
        code: value,
        redirect_uri: redirectUri(provider),
        code_verifier: verifier,
        ...changes,
      },
      headers,
    )
  const renew = (refresh: unknown) => token({ grant_type: 'refresh_token', refresh_token: String(refresh) })
  const get = async (path: string, access: unknown, headers: Record<string, string> = {}) =>
    read(await fetch(`${sandbox.url}${path}`, { headers: { authorization: `Bearer ${access}`, ...headers } }))
  const profile = (access: unknown) => get(USERINFO[provider], access)
  const signIn = async (changes: Fields = {}) => (await trade(await code(changes))).body
  return {
    authorizeUrl,
    authorize,
    code,
    token,
    trade,
    renew,
    get,
    profile,
    signIn,
    tokenUrl: `${sandbox.url}${TOKEN[provider]}`,
  }
}
