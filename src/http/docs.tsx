import type { ComponentChildren, VNode } from 'preact'
import { catalogue as errors, type Locale } from '../errors/catalogue.ts'
import { catalogue as events } from '../events/catalogue.ts'
import { ok } from '../kernel/result.ts'
import { errorReference } from './error-reference.tsx'
import { answersOf, failuresOf } from './openapi/outcomes.ts'
import type { Describe } from './problem.ts'
import { page, text } from './reply.ts'
import { type AnswerKind, type Route, route } from './route.ts'

type Sources = {
  readonly routes: () => readonly Route<never>[]
  readonly publicUrl: URL
  readonly version: string
  readonly stylesheet: string | undefined
  /** The whole name of the session's cookie. */
  readonly sessionCookie: string
  readonly describe: Describe
}

const facts = { method: 'get', tag: 'Documentation', auth: 'none', limit: 'browse' } as const

/** The documents about this service, read off the same lists it runs on, so that they cannot be out of date. */
export function documentation({
  routes,
  publicUrl,
  version,
  stylesheet,
  sessionCookie,
  describe,
}: Sources): readonly Route<unknown>[] {
  const written = new Map<'api' | 'pages', Promise<string>>()
  /** Written at the first request and kept: neither the start nor an idle service pays for it. */
  const write = async (document: 'api' | 'pages'): Promise<string> => {
    const { openapi } = await import('./openapi.ts')
    const { examples } = await import('./openapi/examples.ts')
    return JSON.stringify(openapi(routes(), { version, publicUrl, sessionCookie, describe, document, examples }))
  }
  const read = (document: 'api' | 'pages'): Promise<string> => {
    const known = written.get(document) ?? write(document)
    written.set(document, known)
    // A module that could not be read this time is read again at the next request.
    known.catch(() => written.delete(document))
    return known
  }
  const show = (locale: Locale, title: string, content: ComponentChildren) =>
    ok(
      page(<Document {...{ locale, title, stylesheet }}>{content}</Document>, {
        headers: { 'Content-Language': locale },
      }),
    )

  return [
    route({
      ...facts,
      path: '/openapi.json',
      summary: 'Get the API description',
      description: 'This document: the API as OpenAPI 3.1. Generate a client from it, or import it into an API tool.',
      surface: 'api',
      contentType: 'application/json',
      example: { response: { openapi: '3.1.0', info: { title: 'Vinculum API', version: '1.0.0' }, paths: {} } },
      fails: [],
      handle: async () => ok(text('application/json', await read('api'))),
    }),
    route({
      ...facts,
      path: '/openapi.pages.json',
      summary: 'Get the description of the pages',
      description: 'The pages people see in a browser and their forms, as OpenAPI 3.1.',
      surface: 'api',
      contentType: 'application/json',
      example: { response: { openapi: '3.1.0', info: { title: 'Vinculum pages', version: '1.0.0' }, paths: {} } },
      fails: [],
      handle: async () => ok(text('application/json', await read('pages'))),
    }),
    route({
      ...facts,
      path: '/docs',
      summary: 'This interface, to read',
      surface: 'browser',
      fails: [],
      handle: ({ locale }) => show(locale, words[locale].routes, <Routes routes={routes()} locale={locale} />),
    }),
    ...errorReference({ routes, describe, show }),
    route({
      ...facts,
      path: '/docs/events',
      summary: 'Every event and who hears it',
      surface: 'browser',
      fails: [],
      handle: ({ locale }) => show(locale, words[locale].events, <Events />),
    }),
  ]
}

const words = {
  en: {
    routes: 'Interface',
    errors: 'Errors',
    events: 'Events',
    answers: 'Answers',
    refusals: 'Refusals',
    who: {
      none: 'Anybody',
      public: 'Anybody, signed in or not',
      user: 'Signed in',
      recent: 'Signed in recently',
      refresh: 'A refresh token, or the session',
      service: 'A service credential',
      metrics: 'The metrics token',
      doctor: 'The command `doctor`',
    },
    kinds: { json: 'JSON', empty: 'nothing', redirect: 'a redirect', page: 'a page', text: 'text' },
  },
  'pt-BR': {
    routes: 'Interface',
    errors: 'Erros',
    events: 'Eventos',
    answers: 'Respostas',
    refusals: 'Recusas',
    who: {
      none: 'Qualquer pessoa',
      public: 'Qualquer pessoa, com ou sem login',
      user: 'Com login',
      recent: 'Com login recente',
      refresh: 'Um token de renovação, ou a sessão',
      service: 'Uma credencial de serviço',
      metrics: 'O token das métricas',
      doctor: 'O comando `doctor`',
    },
    kinds: { json: 'JSON', empty: 'nada', redirect: 'um redirecionamento', page: 'uma página', text: 'texto' },
  },
} as const satisfies Record<Locale, Words>

type Words = Readonly<Record<'routes' | 'errors' | 'events' | 'answers' | 'refusals', string>> & {
  /** Who may ask. */
  readonly who: Readonly<Record<Route['auth'] | NonNullable<Route['credential']>, string>>
  readonly kinds: Readonly<Record<AnswerKind, string>>
}

type DocumentProps = { locale: Locale; title: string; stylesheet: string | undefined; children?: ComponentChildren }

function Document({ locale, title, stylesheet, children }: DocumentProps): VNode {
  const say = words[locale]
  return (
    <html lang={locale}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{`${title} — Vinculum`}</title>
        {stylesheet ? <link rel="stylesheet" href={stylesheet} /> : null}
      </head>
      <body>
        <header>
          <nav aria-label="Vinculum">
            <a href="/docs">{say.routes}</a> <a href="/docs/errors">{say.errors}</a>{' '}
            <a href="/docs/events">{say.events}</a> <a href="/openapi.json">OpenAPI</a>
          </nav>
        </header>
        <main>
          <h1>{title}</h1>
          {children}
        </main>
      </body>
    </html>
  )
}

function Routes({ routes, locale }: { routes: readonly Route<never>[]; locale: Locale }): VNode {
  const tags = [...new Set(routes.map(({ tag }) => tag))].sort()
  return (
    <>
      {tags.map((tag) => (
        <section key={tag}>
          <h2 lang="en">{tag}</h2>
          {routes
            .filter((each) => each.tag === tag)
            .map((each) => (
              <OneRoute key={`${each.method} ${each.path}`} route={each} locale={locale} />
            ))}
        </section>
      ))}
    </>
  )
}

function OneRoute({ route: shown, locale }: { route: Route<never>; locale: Locale }): VNode {
  const say = words[locale]
  return (
    <article>
      <h3>
        <code>{`${shown.method.toUpperCase()} ${shown.path}`}</code>
      </h3>
      <p lang="en">{shown.summary}</p>
      <p>
        {say.who[shown.credential ?? shown.auth]}
        {shown.scope === undefined ? null : (
          <>
            {' '}
            + <code>{shown.scope}</code>
          </>
        )}{' '}
        · {say.answers}:{' '}
        {answersOf(shown)
          .map((kind) => say.kinds[kind])
          .join(', ')}
      </p>
      <details>
        <summary>{say.refusals}</summary>
        <ul>
          {failuresOf(shown).map((code) => (
            <li key={code}>
              {errors[code].status} <a href={`/docs/errors/${code}`}>{code}</a>
            </li>
          ))}
        </ul>
      </details>
    </article>
  )
}

/** The lists of routes and events are written in English, and say so to whoever reads the page aloud. */
function Events(): VNode {
  return (
    <dl lang="en">
      {Object.entries(events).map(([name, event]) => (
        <div key={name}>
          <dt>
            <code>{event.kind === 'span' ? `${name}.start, ${name}.stop, ${name}.exception` : name}</code>
            {'audit' in event && event.audit ? ' · audit' : ''}
          </dt>
          <dd>
            {event.meaning}
            {Object.keys(event.payload.shape).length > 0 ? (
              <>
                {' ('}
                <code>{Object.keys(event.payload.shape).join(', ')}</code>)
              </>
            ) : null}
          </dd>
        </div>
      ))}
    </dl>
  )
}
