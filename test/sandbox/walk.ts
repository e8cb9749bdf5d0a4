/** A minimal client of the sandbox: authorize, exchange, renew and read, over real HTTP. */
import { createHash, randomBytes } from 'node:crypto'
import { CALLBACK_NAME, CLIENTS, lookAlikeOf } from '../../sandbox/providers/index.ts'
import type { ProviderId, Sandbox } from '../../sandbox/sandbox.ts'

export const verifier = randomBytes(32).toString('base64url')
const challenge = createHash('sha256').update(verifier).digest('base64url')
export const redirectUri = (provider: ProviderId) => `http://127.0.0.1:3000/auth/${CALLBACK_NAME[provider]}/callback`

type Fields = Record<string, string | undefined>
export type Reply = { status: number; type: string; text: string; body: Record<string, unknown>; headers: Headers }

const given = (fields: Fields) =>
  new URLSearchParams(Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))

export function walker(sandbox: Sandbox, provider: ProviderId) {
  const { paths, authorizeParams, usesPkce } = lookAlikeOf(provider)
  const urlOf = (endpoint: keyof typeof paths): string => `${sandbox.url}/${provider}${paths[endpoint]}`
  const authorizeUrl = (changes: Fields = {}): string => {
    const query = given({
      client_id: CLIENTS[provider].id,
      redirect_uri: redirectUri(provider),
      response_type: 'code',
      state: 'the-state',
      ...(usesPkce === false ? {} : { code_challenge: challenge, code_challenge_method: 'S256' }),
      ...authorizeParams,
      ...changes,
    })
    return `${urlOf('authorize')}?${query}`
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
      await fetch(urlOf('token'), {
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
        ...(usesPkce === false ? {} : { code_verifier: verifier }),
        ...changes,
      },
      headers,
    )
  const renew = (refresh: unknown) => token({ grant_type: 'refresh_token', refresh_token: String(refresh) })
  const get = async (path: string, access: unknown, headers: Record<string, string> = {}) =>
    read(await fetch(`${sandbox.url}${path}`, { headers: { authorization: `Bearer ${access}`, ...headers } }))
  const profile = (access: unknown) => get(`/${provider}${paths.userinfo}`, access)
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
    tokenUrl: urlOf('token'),
  }
}
