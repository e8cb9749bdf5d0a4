import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isThorough } from '../store/thorough.ts'
import { databases, refusalOf, startWorld, type World } from '../support/service.ts'

/** Values that one database or the other rejects: neither stores all text or every number. */
const hardToStore = [
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\uffff',
  "' or 1=1 --",
  '"; drop table accounts; --',
  '%',
  '\\',
  '🦊'.repeat(20),
  '-1',
  '1e309',
]
/** Text that breaks a database, a parser, a header or a page. */
const nasty = [
  ...hardToStore,
  '\u202e',
  '\n\r',
  '_',
  '<script>alert(1)</script>',
  '{{7*7}}',
  '../../etc/passwd',
  '%2e%2e%2f',
  '\u00e9',
  'e\u0301',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  '0x10',
  ' ',
]

type BodySchema = { readonly properties?: object; readonly required?: readonly string[] }

/** What most faults need: PostgreSQL stores no NUL, and neither stores half a surrogate pair or every number. */
const needed = { SQLite: ['\ud800', '1e309'], PostgreSQL: ['a\u0000b', '\ud800', '1e309'] }
const wrongTypes = [7, true, null, [], {}, [[]], { a: { b: {} } }]

describe.each(databases)('hostile input, on %s', (database) => {
  // Input rejected before a row is read is rejected alike over either database, so one is enough.
  const texts = database === 'PostgreSQL' ? hardToStore : nasty
  const types = database === 'PostgreSQL' ? [] : wrongTypes
  const everywhere = needed[database]
  const others = texts.filter((text) => !everywhere.includes(text))
  let places = 0
  /**
   * What to send to the next place: `everywhere`, and a twelfth of the other values by turns, so that each of them is
   * sent to a twelfth of all places. `npm run bench:store` sends all of them to each.
   */
  const valuesHere = <T>(rest: readonly T[]): readonly (string | T)[] => {
    const turn = places++ % 12
    return [...everywhere, ...(isThorough ? rest : rest.filter((_, at) => at % 12 === turn))]
  }
  let world: World
  let token: string
  beforeAll(async () => {
    world = await startWorld({ database })
    const { access_token, user } = await world.signIn('google', world.newcomer())
    token = access_token
    // A caller without permission is refused before any input is read.
    await world.vinculum.makeAdministrator(user.id)
  })
  afterAll(() => world.stop())

  const operations = () =>
    Object.entries(world.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        query: ((operation as { parameters?: { name: string; in: string }[] }).parameters ?? [])
          .filter((one) => one.in === 'query')
          .map(({ name }) => name),
        bodies: Object.values(
          (operation as { requestBody?: { content: Record<string, { schema: BodySchema }> } }).requestBody?.content ??
            {},
        ).map(({ schema }) => schema),
      })),
    )

  /**
   * Which fields to send together. A body that lacks a required field is refused whatever another field contains, so
   * such a field is sent with all others. A field that may be sent alone is sent alone: with others, it would be refused
   * because of them.
   */
  const fieldsOf = (bodies: readonly BodySchema[]): readonly (readonly string[])[] =>
    bodies.flatMap(({ properties = {}, required = [] }) => {
      const names = Object.keys(properties)
      const alone = names.filter((name) => required.every((other) => other === name))
      return [...(names.length > 1 ? [names] : []), ...alone.map((name) => [name])]
    })

  test('in a path never causes a server error', async () => {
    for (const { method, path } of operations().filter((one) => one.path.includes('{')))
      for (const text of valuesHere(others)) {
        const made = path.replace(/\{\w+\}/g, encodeURIComponent(text.toWellFormed()))
        const answer = await world.call(method, made, { token, ...(method === 'GET' ? {} : { body: {} }) })
        expect([method, path, text, answer.status < 500], answer.text).toEqual([method, path, text, true])
        if (answer.headers.get('content-type')?.includes('html')) expect(answer.text).not.toMatch(/<script/i)
      }
    for (const path of ['/%', '/%zz', '/%ff', '/me/%c0%af', '/me/', '/ME', '/./me/../me/x'])
      expect([path, (await world.call('GET', path, { token })).status]).toEqual([
        path,
        expect.toSatisfy((n: number) => n < 500),
      ])
  })

  test('in a query never causes a server error', async () => {
    for (const { method, path, query } of operations().filter((one) => one.method === 'GET'))
      for (const name of [...query, 'unknown'])
        for (const text of name === 'unknown' ? ['x'] : valuesHere(others)) {
          const made = path.replace('{provider}', 'google').replace(/\{\w+\}/g, 'x')
          const answer = await world.call(method, `${made}?${name}=${encodeURIComponent(text.toWellFormed())}`, {
            token,
          })
          expect([method, path, name, text, answer.status < 500], answer.text).toEqual([method, path, name, text, true])
        }
  })

  test('in a body never causes a server error', async () => {
    for (const { method, path, bodies } of operations().filter(({ method }) => method !== 'GET'))
      for (const names of [...fieldsOf(bodies), ['unknown']])
        for (const text of names[0] === 'unknown' ? ['x'] : valuesHere([...others, ...types])) {
          const made = path.replace('{provider}', 'google').replace(/\{\w+\}/g, 'x')
          if (made === '/auth/logout' || made === '/auth/logout-all' || path === '/me/sessions' || method === 'DELETE')
            continue
          const body = Object.fromEntries(names.map((name) => [name, text]))
          const answer = await world.call(method, made, { token, body })
          expect([method, path, body, answer.status < 500], answer.text).toEqual([method, path, body, true])
        }
  })

  test('in a header never causes a server error', async () => {
    const paths = ['/me', '/auth/google', '/auth/refresh', '/auth/google/callback?code=a&state=b']
    let sent = 0
    for (const name of [
      'authorization',
      'cookie',
      'accept',
      'accept-language',
      'origin',
      'user-agent',
      'flow-token',
      'content-type',
      'x-request-id',
      'x-forwarded-for',
      'forwarded',
    ])
      for (const text of [
        '',
        ' ',
        ';',
        '=',
        ',',
        'Bearer',
        'Bearer ',
        'Bearer  a',
        'é',
        'a=b; a=c',
        '*;q=9',
        'x'.repeat(4000),
        '%00',
        '"',
        '__proto__=1',
      ]) {
        // Each header and each text is sent to all paths, but each header with each text to half of them, by turns.
        const turn = sent++ % 2
        for (const path of isThorough ? paths : paths.filter((_, at) => at % 2 === turn)) {
          const method = path === '/auth/refresh' ? 'POST' : 'GET'
          const answer = await world.call(method, path, { headers: { [name]: text } })
          expect([name, text.slice(0, 20), path, answer.status < 500], answer.text).toEqual([
            name,
            text.slice(0, 20),
            path,
            true,
          ])
        }
      }
  })

  test('as a person’s name is stored unchanged or rejected', async () => {
    for (const text of nasty) {
      const changed = await world.call('PATCH', '/me', { token, body: { name: text } })
      if (changed.status === 200) {
        expect(changed.body.name).toBe(text)
        expect((await world.call('GET', '/me', { token })).body.name).toBe(text)
      } else expect(refusalOf(changed)).toEqual([400, 'invalid_request'])
    }
  })

  test('in a provider’s claims never causes a server error, and the user’s pages stay safe', async () => {
    const all = ['google', 'beta', 'acme', 'atlassian', 'github'] as const
    for (const [at, text] of texts.entries()) {
      // One stage reads the names of all providers, so each text comes from one of them, by turns.
      for (const provider of isThorough ? all : [all[at % all.length] ?? 'google']) {
        const who = world.newcomer({ name: text })
        const answer = await world.enter(provider, who)
        expect([provider, text, answer.status < 500], answer.text).toEqual([provider, text, true])
      }
      const browser = world.openBrowser()
      await browser.signIn('beta', world.newcomer({ name: text }))
      const page = await browser.ask(`${world.base}/account/devices`, {
        headers: { 'user-agent': '<script>alert(2)</script>' },
      })
      expect(page.status).toBe(200)
      // Only files of ours.
      expect(page.text).not.toMatch(/<script(?! src="\/static\/)/i)
    }
  })
})
