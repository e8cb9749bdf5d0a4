/** A minimal client of the sandbox: authorize, exchange, renew and read, over real HTTP. */
import { createHash, randomBytes } from 'node:crypto'
import { decodeJwt } from 'jose'
import { callback } from '../../sandbox/exchange.ts'
import { readFormPost } from '../../sandbox/form-post.ts'
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
  const { paths, authorizeParams, usesPkce, signSecret } = lookAlikeOf(provider)
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
  /** Where a response of the authorization endpoint sends the browser. The fields of a form are added as a query. */
  const arrival = async (response: Response) => {
    const [location, text] = [response.headers.get('location'), await response.text()]
    const form = readFormPost(text)
    return {
      status: response.status,
      text,
      location: form ? callback(form.action.href, form.fields) : location === null ? null : new URL(location),
      form,
    }
  }
  const authorize = async (changes: Fields = {}) => arrival(await fetch(authorizeUrl(changes), { redirect: 'manual' }))
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
  const secret = async (): Promise<string> => (signSecret ? signSecret(sandbox.clock.now()) : CLIENTS[provider].secret)
  const token = async (fields: Fields, headers: Record<string, string> = {}): Promise<Reply> =>
    read(
      await fetch(urlOf('token'), {
        method: 'POST',
        headers,
        body: given({ client_id: CLIENTS[provider].id, client_secret: await secret(), ...fields }),
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
  /** Whom a token response is about: by UserInfo if there is such an endpoint, by the id_token otherwise. */
  const subject = async ({ access_token, id_token }: Record<string, unknown>): Promise<string> =>
    paths.userinfo === undefined ? String(decodeJwt(String(id_token)).sub) : (await profile(access_token)).text
  const signIn = async (changes: Fields = {}) => (await trade(await code(changes))).body
  return {
    authorizeUrl,
    authorize,
    arrival,
    code,
    token,
    trade,
    renew,
    get,
    profile,
    subject,
    signIn,
    tokenUrl: urlOf('token'),
  }
}
