/** One page per error code, in both languages: complete, and true to the code, the routes, the settings and the log. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import request from 'supertest'
import { describe, expect, test } from 'vitest'
import { type ErrorCode, catalogue as errors, type Locale, texts } from '../../src/errors/catalogue.ts'
import { type Guidance, type Guide, loadGuide } from '../../src/errors/guidance.ts'
import { eventCatalogue as events } from '../../src/events/catalogue.ts'
import { apiRoutes } from '../../src/http/api/index.ts'
import { exampleError, exampleOf, exampleRoute, routesOf } from '../../src/http/error-example.ts'
import { factsOf } from '../../src/http/error-facts.ts'
import { eventsOf, metricsOf, words } from '../../src/http/error-page.tsx'
import { pageRoutes } from '../../src/http/pages/index.ts'
import { createProblems, fault, passwordFaults } from '../../src/http/problem.ts'
import { type Route, route } from '../../src/http/route.ts'
import { counted } from '../../src/telemetry/metrics.ts'
import { createSurface } from './surface.tsx'

const codes = Object.keys(errors) as ErrorCode[]
const locales: readonly Locale[] = ['en', 'pt-BR']
const routes: readonly Route<never>[] = [...apiRoutes, ...pageRoutes]
const guides: Readonly<Record<Locale, Guide>> = { en: await loadGuide('en'), 'pt-BR': await loadGuide('pt-BR') }
const describeProblem = createProblems({ publicUrl: new URL('http://localhost:3000'), recentAuthSeconds: 600 })

const textsOf = ({ happened, causes, person, developer }: Guidance): readonly string[] => [
  happened,
  ...causes,
  person,
  developer,
]
const codesIn = (text: string): readonly string[] => [...text.matchAll(/`([^`]*)`/g)].map(([, code = '']) => code)
const everyText = locales.flatMap((locale) =>
  codes.flatMap((code) => textsOf(guides[locale][code]).map((text) => ({ locale, code, text }))),
)
/** Each piece of code in the guidance, with where it stands. */
const everyCode = everyText.flatMap(({ locale, code, text }) =>
  codesIn(text).map((piece) => ({ at: `${code} (${locale})`, piece })),
)

/** Each language has an app of its own: the pages of all codes are more than one visitor may read in a minute. */
const apps: Readonly<Record<Locale, ReturnType<typeof createSurface>['app']>> = {
  en: createSurface().app,
  'pt-BR': createSurface().app,
}
const read = async (code: string, locale: Locale): Promise<string> =>
  (await request(apps[locale]).get(`/docs/errors/${code}`).set({ Accept: 'text/html', 'Accept-Language': locale })).text

describe.each(locales)('in %s', (locale) => {
  test.each(codes)('%s has a page with every section, and without a script', async (code) => {
    const page = await read(code, locale)
    const say = words[locale]
    expect(page).toContain(`<html lang="${locale}">`)
    expect(page).toContain(`<h1>${texts[locale][code].title}</h1>`)
    expect(page).toContain(`<code>${code}</code> · ${errors[code].status}`)
    const headings = [...page.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, heading]) => heading)
    const { happened, causes, person, developer, example } = say
    expect(headings).toEqual([happened, causes, person, developer, example, say.routes, say.traces, say.more])
    for (const section of page.split('<section>').slice(1)) expect(section).toMatch(/<(?:p|ul|pre|dl)>/)
    expect(page).toContain('docs/troubleshooting.md')
    expect(page).toContain('href="/docs/errors"')
    expect(page).not.toMatch(/<script|style=|\{\w+\}(?!<\/code>)|`/)
  })
})

test('the list has every code with its status and title, in both languages', async () => {
  for (const locale of locales) {
    const list = await request(apps[locale]).get('/docs/errors').set({ Accept: 'text/html', 'Accept-Language': locale })
    for (const code of codes) {
      expect(list.text).toContain(`<a href="/docs/errors/${code}"><code>${code}</code></a> ${errors[code].status}`)
      expect(list.text).toContain(`<dd>${texts[locale][code].title}</dd>`)
    }
  }
})

describe('the example of each code', () => {
  const failing = codes.map((code) => {
    const oauth = exampleRoute(code, routes)?.oauth
    const error = exampleError(code)
    const { faults = passwordFaults('password', error) } = factsOf(code)
    return route({
      method: 'get',
      path: `/failing/${code}`,
      summary: code,
      tag: 'Failing',
      surface: 'api',
      auth: 'none',
      limit: 'none',
      ...(oauth && { oauth }),
      fails: [code],
      handle: () => ({ ok: false as const, error, faults }),
    })
  })
  const surface = createSurface({ routes: failing })

  test.each(codes)('%s is what a route answers that fails with it', async (code) => {
    for (const locale of locales) {
      const answer = await request(surface.app).get(`/failing/${code}`).set('Accept-Language', locale)
      const { status, headers, body } = exampleOf(code, { locale, routes, describe: describeProblem })
      const isStandard = failing.some(({ path, oauth }) => path === `/failing/${code}` && oauth === 'standard')
      const type = isStandard ? 'application/json' : 'application/problem+json'
      expect(answer.headers['content-type']).toBe(type)
      expect([answer.status, answer.body]).toEqual([status, { ...body, request_id: answer.body.request_id }])
      for (const [name, value] of Object.entries(headers)) expect(answer.headers[name.toLowerCase()]).toBe(value)
      for (const name of ['www-authenticate', 'retry-after'])
        expect(Object.keys(headers).some((each) => each.toLowerCase() === name)).toBe(
          answer.headers[name] !== undefined,
        )
    }
  })

  test('says in which field the fault is, where the service does', () => {
    const { body } = exampleOf('password_rejected', { locale: 'en', routes, describe: describeProblem })
    expect(body).toMatchObject({ reason: 'too_short', errors: [fault('password', 'too_short', 'en', { limit: '12' })] })
  })
})

test('the routes of a code are those that can answer it, and those first that name it', () => {
  for (const code of codes) {
    const named = routes.filter(({ fails }) => fails.includes(code))
    expect(routesOf(code, routes).slice(0, named.length), code).toEqual(named)
  }
  // The service answers these before it calls a route.
  const none = codes.filter((code) => routesOf(code, routes).length === 0)
  expect(none).toEqual(['request_timeout', 'method_not_allowed'])
})

describe('the guidance', () => {
  test('is of its own for each code: no two have the same text', () => {
    for (const locale of locales)
      for (const section of ['happened', 'causes', 'person', 'developer'] as const) {
        const all = codes.map((code) => String(guides[locale][code][section]))
        expect(all.filter((text, index) => all.indexOf(text) !== index)).toEqual([])
      }
  })

  test('says more than the error itself, and has no filler', () => {
    const filler =
      /an error occurred|something went wrong|unexpected error|ocorreu um erro|algo deu errado|erro inesperado/i
    expect(everyText.filter(({ text }) => filler.test(text))).toEqual([])
    for (const { locale, code, text } of everyText) {
      expect(text).not.toBe(texts[locale][code].detail)
      expect(text, code).toMatch(/^[`\p{Lu}].*\.$/su)
    }
  })

  test('names the same settings, routes and fields in both languages', () => {
    const named = (locale: Locale, code: ErrorCode) =>
      (['happened', 'causes', 'person', 'developer'] as const).map((section) =>
        [...codesIn(String(guides[locale][code][section]))].sort(),
      )
    for (const code of codes) {
      expect(named('pt-BR', code), code).toEqual(named('en', code))
      expect(guides['pt-BR'][code].causes.length, code).toBe(guides.en[code].causes.length)
    }
  })

  test('names only routes that exist', () => {
    const known = new Set(routes.map(({ method, path }) => `${method.toUpperCase()} ${path.replace(/:\w+/g, ':')}`))
    const named = everyCode.filter(({ piece }) => /^(?:GET|POST|PUT|PATCH|DELETE) \//.test(piece))
    expect(named.length).toBeGreaterThan(50)
    expect(named.filter(({ piece }) => !known.has(piece.replace(/:\w+|<\w+>/g, ':')))).toEqual([])
  })

  test('names only settings, events and codes that exist', () => {
    const settings = readFileSync('.env.example', 'utf8')
    const isSetting = (piece: string): boolean => /^(?:<PROVIDER>)?[A-Z]+(?:_[A-Z]+)+(?:=\S+)?$/.test(piece)
    const nameOf = (piece: string): string => piece.replace('<PROVIDER>', 'ATLASSIAN').replace(/=.*/, '')
    const unknown = everyCode.filter(({ piece }) => isSetting(piece) && !settings.includes(nameOf(piece)))
    expect(unknown).toEqual([])
    // `database.state` is a line of the log, and no event.
    const isEvent = (piece: string): boolean => /^[a-z_]+\.[a-z_]+$/.test(piece) && piece !== 'database.state'
    expect(
      everyCode.filter(({ piece }) => isEvent(piece) && !Object.hasOwn(events, piece) && !piece.endsWith('.json')),
    ).toEqual([])
  })
})

test('each chapter exists, by its heading', () => {
  for (const code of codes)
    for (const [file, heading] of factsOf(code).chapters ?? [])
      expect(readFileSync(join('docs', file), 'utf8').split('\n'), code).toContainEqual(
        expect.stringMatching(new RegExp(`^#+ ${heading.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`)),
      )
})

test('each event is written to the log or counted, and each metric exists', () => {
  const source = readFileSync('src/telemetry/metrics.ts', 'utf8')
  for (const code of codes) {
    for (const { name } of eventsOf(code)) {
      const isLogged = 'log' in events[name as keyof typeof events]
      expect(isLogged || counted.some((each) => each === name), name).toBe(true)
    }
    for (const metric of metricsOf(code)) expect(source).toContain(`'${metric.replace(/\{.*/, '')}'`)
  }
})

test('no start waits for the pages: their texts are loaded when one is opened', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file))
  const late =
    /^(?:import|export)(?! type)[^'\n]*from '[^']*(?:guidance\.(?:en|pt-br)|error-(?:page|facts|example))\.tsx?'/m
  const early = files.filter((file) => late.test(readFileSync(join('src', file), 'utf8')))
  // These are themselves loaded late.
  expect(early.sort()).toEqual(['http/error-example.ts', 'http/error-page.tsx', 'http/openapi.ts'])
})

test('a code that does not exist has no page', async () => {
  for (const code of ['toString', '__proto__', 'constructor', 'no_such_code', '%00', '<script>']) {
    const answer = await request(createSurface().app)
      .get(`/docs/errors/${encodeURIComponent(code)}`)
      .set('Accept', 'text/html')
    expect([code, answer.status]).toEqual([code, 404])
    expect(answer.text).not.toContain('<script>')
  }
})
