import assert from 'node:assert/strict'
import { createVisitor } from '../visitor.ts'
import { type Answer, api, base, control, short } from './steps.ts'

/** Sets who signs in at the providers, without a click. */
export const signInAs = (identity: string): Promise<void> => control('/as', { identity })

/**
 * Signs in like an app: starts here, is redirected back by the provider, and sends the response. `begin` and `token`
 * are for round trips of a signed-in user.
 */
export async function throughApp(
  provider: string,
  { begin, body = {}, token }: { begin?: string; body?: object; token?: string } = {},
): Promise<Answer & { flowToken: string }> {
  const bearer = token === undefined ? {} : { token }
  const begun = await api('POST', begin ?? `/auth/${provider}/authorize`, { body, ...bearer })
  assert.equal(begun.status, 200, short(begun.body))
  const visitor = createVisitor()
  let visit = await visitor.ask(String(begun.body.authorize_url))
  for (let hop = 0; hop < 5; hop++) {
    const to = new URL(visit.headers.get('location') ?? '', visit.url)
    if (to.origin === base) {
      const { code, state, iss } = Object.fromEntries(to.searchParams)
      const flowToken = String(begun.body.flow_token)
      return {
        ...(await api('POST', `/auth/${provider}/callback`, {
          body: { code, state, flow_token: flowToken, ...(iss ? { iss } : {}) },
          ...bearer,
        })),
        flowToken,
      }
    }
    visit = await visitor.ask(to)
  }
  throw new Error(`${provider} did not redirect back`)
}
