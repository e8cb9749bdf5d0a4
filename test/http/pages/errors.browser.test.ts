/** The pages of the error codes in a real browser, and their examples next to what the service answers. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../../src/errors/catalogue.ts'
import { depthOf, expectInOrder, inspect, schemesIn } from '../../support/inspect.ts'
import { registered } from '../../support/registered.ts'
import { startWorld, type World } from '../../support/service.ts'
import { visitors } from '../../support/visitors.ts'

let world: World
const visit = visitors()

beforeAll(async () => {
  world = await startWorld()
})
afterAll(async () => {
  await world?.stop()
})

/** The body of the example on the page of a code. */
async function exampleOn(code: ErrorCode): Promise<Record<string, unknown>> {
  const { text } = await world.call('GET', `/docs/errors/${code}`, { headers: { Accept: 'text/html' } })
  const [, example = ''] = /<pre><code>(.*?)<\/code><\/pre>/s.exec(text) ?? []
  const plain = example
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
  return JSON.parse(plain.slice(plain.indexOf('\n\n')))
}

describe('in a browser without scripts', () => {
  test.each(['en-GB', 'pt-BR'])('the list leads to each page, and each page back to the list (%s)', async (locale) => {
    const context = await visit([world.base], { baseURL: world.base, locale, javaScriptEnabled: false })
    const page = await context.newPage()
    const language = locale === 'pt-BR' ? 'pt' : 'en'
    const schemes = schemesIn(language)
    await page.goto('/docs/errors')
    await inspect(page, `errors-${locale}`, schemes)
    // The longest, one with many routes, one with a challenge, one that belongs to no route.
    const codes = ['session_revoked', 'flow_mismatch', 'insufficient_scope', 'request_timeout']
    for (const [nth, code] of codes.entries()) {
      await page.getByRole('link', { name: code, exact: true }).click()
      await page.getByRole('heading', { level: 1 }).waitFor()
      const name = `error-${code}-${locale}`
      await (depthOf(nth, language) === 'inspect' ? inspect(page, name, schemes) : expectInOrder(page, name))
      await page.locator('main a[href="/docs/errors"]').click()
    }
  })
})

describe('the example is what the service answers', () => {
  const json = (body: object) => ({ body })
  const cases: readonly (readonly [ErrorCode, ask: () => Promise<{ body: Record<string, unknown> }>])[] = [
    [
      'invalid_credentials',
      () => world.call('POST', '/auth/token', json({ username: 'x@example.com', password: 'y' })),
    ],
    ['grant_type_unsupported', () => world.call('POST', '/auth/token', json({ grant_type: 'client_credentials' }))],
    ['token_invalid', () => world.call('POST', '/auth/refresh', { token: 'x' })],
    ['authentication_required', () => world.call('POST', '/auth/refresh')],
    ['invalid_client', () => world.call('POST', '/auth/introspect', json({ token: 'x' }))],
    [
      'invalid_state',
      () => world.call('POST', '/auth/google/callback', json({ code: 'x', state: 'x', flow_token: 'x' })),
    ],
    [
      'password_rejected',
      () => world.call('POST', '/auth/register', json({ email: 'n@example.com', password: 'short' })),
    ],
    ['not_found', () => world.call('GET', '/nowhere')],
    ['method_not_allowed', () => world.call('PUT', '/auth/providers')],
    ['malformed_body', () => world.call('POST', '/auth/refresh', { body: '{' })],
    ['passkey_origins_not_configured', () => world.call('GET', '/.well-known/webauthn')],
    ['return_to_not_allowed', () => world.call('GET', '/auth/google?return_to=https://evil.example')],
  ]
  test.each(cases)('%s', async (code, ask) => {
    const [answered, example] = [(await ask()).body, await exampleOn(code)]
    expect(Object.keys(answered).sort()).toEqual(Object.keys(example).sort())
    const { type, title, status, error } = example
    expect(answered).toMatchObject({ type, title, status, code, ...(error !== undefined && { error }) })
  })

  test('insufficient_scope and the routes of a signed-in person', async () => {
    const person = await registered(world, 'reader@example.com')
    const refused = await world.call('GET', '/users', { token: person.token })
    const example = await exampleOn('insufficient_scope')
    expect(Object.keys(refused.body).sort()).toEqual(
      Object.keys(example)
        .filter((name) => !name.startsWith('error'))
        .sort(),
    )
    expect(refused.body.detail).toBe(example.detail)
  })
})
