import type { ComponentChildren, VNode } from 'preact'
import type { Locale } from '../errors/catalogue.ts'
import { eventCatalogue as events } from '../events/catalogue.ts'
import { ok } from '../kernel/result.ts'
import { errorReference } from './error-reference.tsx'
import type { openapi } from './openapi.ts'
import type { Describe } from './problem.ts'
import { referenceScripts, referenceStyles } from './reference-files.ts'
import { page, text } from './reply.ts'
import { isForPrograms, type Route, route } from './route.ts'

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
  /** Loaded and built on request: neither the start nor an idle service pays for it. */
  const build = async (document: 'api' | 'pages') => {
    const [written, { examples }] = await Promise.all([import('./openapi.ts'), import('./openapi/examples.ts')])
    return written.openapi(routes(), { version, publicUrl, sessionCookie, describe, document, examples })
  }
  const texts = new Map<'api' | 'pages', Promise<string>>()
  const textOf = (document: 'api' | 'pages'): Promise<string> => {
    const known = texts.get(document) ?? build(document).then((built) => JSON.stringify(built))
    texts.set(document, known)
    // A module that could not be read this time is read again at the next request.
    known.catch(() => texts.delete(document))
    return known
  }
  let groups: readonly OperationGroup[] | undefined
  const show = (at: string, locale: Locale, title: string, content: ComponentChildren) =>
    ok(
      page(
        <Document locale={locale} title={title} stylesheets={stylesheet === undefined ? [] : [stylesheet]}>
          <Catalogue locale={locale} at={at} title={title}>
            {content}
          </Catalogue>
        </Document>,
        { headers: { 'Content-Language': locale } },
      ),
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
      handle: async () => ok(text('application/json', await textOf('api'))),
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
      handle: async () => ok(text('application/json', await textOf('pages'))),
    }),
    route({
      ...facts,
      path: '/docs',
      summary: 'Show the API reference',
      surface: 'browser',
      fails: [],
      handle: async ({ locale }) => {
        groups ??= groupsOf(await build('api'), routes())
        return ok(
          page(
            <Document
              locale={locale}
              title={words[locale].reference}
              stylesheets={referenceStyles.map(({ path }) => path)}
            >
              <Reference groups={groups} origin={publicUrl.origin} locale={locale} />
            </Document>,
            { headers: { 'Content-Language': locale }, scripts: 'api-reference' },
          ),
        )
      },
    }),
    ...errorReference({
      routes,
      describe,
      show: (locale, title, content) => show('/docs/errors', locale, title, content),
    }),
    route({
      ...facts,
      path: '/docs/events',
      summary: 'List every event',
      surface: 'browser',
      fails: [],
      handle: ({ locale }) => show('/docs/events', locale, words[locale].events, <Events />),
    }),
  ]
}

const words = {
  en: {
    documentation: 'Documentation',
    skip: 'Skip to content',
    back: 'Back to the service',
    reference: 'API reference',
    errors: 'Errors',
    events: 'Events',
    contents: 'Contents',
    baseUrl: 'Base URL',
    search: 'Search operations',
    found: 'Operations found: {count}',
    withoutScripts: 'Fields and examples are shown with JavaScript. They are also in the OpenAPI document:',
    access: 'Who can call it',
    permission: 'with the permission',
    who: {
      none: 'anyone',
      public: 'anyone, signed in or not',
      user: 'signed-in users',
      recent: 'users who signed in recently',
      refresh: 'clients with a refresh token or the session cookie',
      service: 'programs with a service credential',
      registration: 'programs with a registration token',
      metrics: 'programs with the metrics token',
      doctor: 'the doctor command',
    },
  },
  'pt-BR': {
    documentation: 'Documentação',
    skip: 'Pular para o conteúdo',
    back: 'Voltar ao serviço',
    reference: 'Referência da API',
    errors: 'Erros',
    events: 'Eventos',
    contents: 'Conteúdo',
    baseUrl: 'URL base',
    search: 'Buscar operações',
    found: 'Operações encontradas: {count}',
    withoutScripts: 'Campos e exemplos aparecem com JavaScript. Eles também estão no documento OpenAPI:',
    access: 'Quem pode chamar',
    permission: 'com a permissão',
    who: {
      none: 'qualquer pessoa',
      public: 'qualquer pessoa, com ou sem login',
      user: 'pessoas com login',
      recent: 'pessoas com login recente',
      refresh: 'clientes com um token de renovação ou o cookie da sessão',
      service: 'programas com uma credencial de serviço',
      registration: 'programas com um token de registro',
      metrics: 'programas com o token das métricas',
      doctor: 'o comando doctor',
    },
  },
} as const satisfies Record<Locale, Words>

type WordKey =
  | 'documentation'
  | 'skip'
  | 'back'
  | 'reference'
  | 'errors'
  | 'events'
  | 'contents'
  | 'baseUrl'
  | 'search'
  | 'found'
  | 'withoutScripts'
  | 'access'
  | 'permission'
type Words = Readonly<Record<WordKey, string>> & {
  readonly who: Readonly<Record<Route['auth'] | NonNullable<Route['credential']>, string>>
}

type OperationEntry = {
  readonly method: string
  /** As in OpenAPI: `/things/{id}`. */
  readonly path: string
  readonly id: string
  readonly route: Route<never>
}
type OperationGroup = { readonly tag: string; readonly operations: readonly OperationEntry[] }

type ApiDescription = Pick<ReturnType<typeof openapi>, 'paths' | 'tags'>

/** The operations of the document by tag, in the order of its tags: that is how Swagger UI shows them. */
function groupsOf({ paths, tags }: ApiDescription, routes: readonly Route<never>[]): readonly OperationGroup[] {
  const groups = new Map<string, OperationEntry[]>(tags.map(({ name }) => [name, []]))
  // A form of a page may have the method and the path of an operation.
  for (const each of routes.filter(isForPrograms)) {
    const path = each.path.replace(/:(\w+)/g, '{$1}')
    const operation = paths[path]?.[each.method] as { operationId: string } | undefined
    if (operation === undefined) continue
    const group = groups.get(each.tag) ?? []
    groups.set(each.tag, group)
    group.push({ method: each.method, path, id: operation.operationId, route: each })
  }
  return [...groups].map(([tag, operations]) => ({ tag, operations }))
}

type DocumentProps = { locale: Locale; title: string; stylesheets: readonly string[]; children?: ComponentChildren }

function Document({ locale, title, stylesheets, children }: DocumentProps): VNode {
  return (
    <html lang={locale}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} — Vinculum`}</title>
        {stylesheets.map((href) => (
          <link key={href} rel="stylesheet" href={href} />
        ))}
      </head>
      <body>{children}</body>
    </html>
  )
}

const places = [
  ['/docs', 'reference'],
  ['/docs/errors', 'errors'],
  ['/docs/events', 'events'],
] as const

/** `at` is the path of the page it is on. */
function Header({ locale, at }: { locale: Locale; at: string }): VNode {
  const say = words[locale]
  return (
    <>
      <a class="skip" href="#content">
        {say.skip}
      </a>
      <header>
        <a class="wordmark" href="/">
          Vinculum
        </a>
        <nav aria-label={say.documentation}>
          {places.map(([path, name]) => (
            <a key={path} href={path} aria-current={path === at ? 'page' : undefined}>
              {say[name]}
            </a>
          ))}
          <a href="/openapi.json">OpenAPI</a>
          <a href="/">{say.back}</a>
        </nav>
      </header>
    </>
  )
}

type CatalogueProps = { locale: Locale; at: string; title: string; children?: ComponentChildren }

/** A page without scripts. */
function Catalogue({ locale, at, title, children }: CatalogueProps): VNode {
  return (
    <>
      <Header locale={locale} at={at} />
      <main id="content" tabindex={-1}>
        <h1>{title}</h1>
        {children}
      </main>
    </>
  )
}

type ReferenceProps = { groups: readonly OperationGroup[]; origin: string; locale: Locale }

/**
 * Swagger UI shows the document, and the contents next to it are a list of links to its operations. Without scripts the
 * contents are the page: what each route is for, and who can call it.
 */
function Reference({ groups, origin, locale }: ReferenceProps): VNode {
  const say = words[locale]
  return (
    <>
      <Header locale={locale} at="/docs" />
      <div class="columns">
        <details id="contents" open>
          <summary>{say.contents}</summary>
          <search hidden>
            <form>
              <label for="search">{say.search}</label>
              <input id="search" type="search" autocomplete="off" />
              <p id="found" role="status" data-text={say.found} />
            </form>
          </search>
          <noscript>
            <p>
              {say.withoutScripts} <a href="/openapi.json">/openapi.json</a>
            </p>
          </noscript>
          <nav aria-label={say.contents}>
            {groups.map(({ tag, operations }) => (
              <details key={tag} data-tag={tag}>
                <summary lang="en">{tag}</summary>
                <ul>
                  {operations.map((each) => (
                    <Operation key={each.id} operation={each} tag={tag} locale={locale} />
                  ))}
                </ul>
              </details>
            ))}
          </nav>
        </details>
        {/* Swagger UI brings the `main` of the page. */}
        <div id="content" tabindex={-1}>
          <h1>{say.reference}</h1>
          <p>
            {say.baseUrl}: <code>{origin}</code>
          </p>
          <div id="reference" lang="en" data-url="/openapi.json" />
        </div>
      </div>
      {referenceScripts.map(({ path }) => (
        <script key={path} src={path} defer />
      ))}
    </>
  )
}

function Operation({ operation, tag, locale }: { operation: OperationEntry; tag: string; locale: Locale }): VNode {
  const { method, path, id, route } = operation
  const say = words[locale]
  return (
    <li data-operation={`${method} ${path}`}>
      <a href={`#/${encodeURIComponent(tag)}/${encodeURIComponent(id)}`}>
        <code>{`${method.toUpperCase()} ${path}`}</code>
      </a>
      <p lang="en">{route.summary}</p>
      <p class="access">
        {say.access}: {say.who[route.credential ?? route.auth]}
        {route.scope === undefined ? null : (
          <>
            , {say.permission} <code>{route.scope}</code>
          </>
        )}
      </p>
    </li>
  )
}

/** The list of events is in English, and is marked so for screen readers. */
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
