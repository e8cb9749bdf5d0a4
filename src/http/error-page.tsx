/** The pages of the error codes. Loaded when the first one is opened: no start waits for them. */
import { STATUS_CODES } from 'node:http'
import type { ComponentChildren, VNode } from 'preact'
import { type ErrorCode, catalogue as errors, type Locale, texts } from '../errors/catalogue.ts'
import type { Guidance } from '../errors/guidance.ts'
import { eventCatalogue as events } from '../events/catalogue.ts'
import { exampleOf, exampleRoute, routesOf } from './error-example.ts'
import { factsOf } from './error-facts.ts'
import type { Describe } from './problem.ts'
import type { Route } from './route.ts'

type Words = Readonly<
  Record<
    | 'errors'
    | 'intro'
    | 'status'
    | 'code'
    | 'happened'
    | 'causes'
    | 'person'
    | 'developer'
    | 'example'
    | 'exampleFor'
    | 'routes'
    | 'everyRoute'
    | 'noRoute'
    | 'traces'
    | 'events'
    | 'metrics'
    | 'log'
    | 'more'
    | 'list'
    | 'troubleshooting',
    string
  >
> & {
  readonly someRoutes: (number: number) => string
}

export const words = {
  en: {
    errors: 'Errors',
    intro: 'Every error is `application/problem+json` (RFC 9457) with a stable `code`. Its page explains it.',
    status: 'Status',
    code: 'Code',
    happened: 'What happened',
    causes: 'Likely causes',
    person: 'What you can do',
    developer: 'What a developer can do',
    example: 'Example',
    exampleFor: 'A response of',
    routes: 'Routes that answer it',
    everyRoute: 'Every route.',
    noRoute: 'Any URL: the service answers before it calls a route.',
    someRoutes: (number) => `${number} routes`,
    traces: 'Log and metrics',
    events: 'Log events',
    metrics: 'Metrics',
    log: 'Search the log for the `request_id` of the response.',
    more: 'More about it',
    list: 'All error codes',
    troubleshooting: 'Troubleshooting by symptom',
  },
  'pt-BR': {
    errors: 'Erros',
    intro: 'Todo erro é `application/problem+json` (RFC 9457) com um `code` estável. A página dele o explica.',
    status: 'Status',
    code: 'Código',
    happened: 'O que aconteceu',
    causes: 'Causas prováveis',
    person: 'O que você pode fazer',
    developer: 'O que quem desenvolve pode fazer',
    example: 'Exemplo',
    exampleFor: 'Uma resposta de',
    routes: 'Rotas que respondem com este erro',
    everyRoute: 'Todas as rotas.',
    noRoute: 'Qualquer URL: o serviço responde antes de chamar uma rota.',
    someRoutes: (number) => `${number} rotas`,
    traces: 'Log e métricas',
    events: 'Eventos no log',
    metrics: 'Métricas',
    log: 'Procure no log o `request_id` da resposta.',
    more: 'Saiba mais',
    list: 'Todos os códigos de erro',
    troubleshooting: 'Solução de problemas por sintoma',
  },
} as const satisfies Record<Locale, Words>

/** A text with what stands in backticks shown as code. */
const Prose = ({ of }: { of: string }): VNode => (
  <>{of.split('`').map((part, index) => (index % 2 === 0 ? part : <code key={`${index}`}>{part}</code>))}</>
)

const codes = Object.keys(errors) as ErrorCode[]

export function ErrorList({ locale }: { locale: Locale }): VNode {
  return (
    <>
      <p>
        <Prose of={words[locale].intro} />
      </p>
      <dl>
        {codes.map((code) => (
          <div key={code}>
            <dt>
              <a href={`/docs/errors/${code}`}>
                <code>{code}</code>
              </a>{' '}
              {errors[code].status}
            </dt>
            <dd>{texts[locale][code].title}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}

type ErrorPageProps = {
  readonly code: ErrorCode
  readonly locale: Locale
  readonly guidance: Guidance
  readonly routes: readonly Route<never>[]
  readonly describe: Describe
}

export function ErrorPage({ code, locale, guidance, routes, describe }: ErrorPageProps): VNode {
  const say = words[locale]
  const { status } = errors[code]
  const { chapters = [] } = factsOf(code)
  return (
    <>
      <p>
        <code>{code}</code> · {status} {STATUS_CODES[status]}
      </p>
      <Section title={say.happened}>
        <p>
          <Prose of={guidance.happened} />
        </p>
      </Section>
      <Section title={say.causes}>
        <ul>
          {guidance.causes.map((cause) => (
            <li key={cause}>
              <Prose of={cause} />
            </li>
          ))}
        </ul>
      </Section>
      <Section title={say.person}>
        <p>
          <Prose of={guidance.person} />
        </p>
      </Section>
      <Section title={say.developer}>
        <p>
          <Prose of={guidance.developer} />
        </p>
      </Section>
      <Example {...{ code, locale, routes, describe }} />
      <Section title={say.routes}>
        <RouteList of={routesOf(code, routes)} all={routes} locale={locale} />
      </Section>
      <Traces code={code} locale={locale} />
      <Section title={say.more}>
        <ul>
          {chapters.map(([file, heading]) => (
            <li key={heading}>
              <span lang="en">
                <Prose of={heading} />
              </span>{' '}
              (<code>docs/{file}</code>)
            </li>
          ))}
          <li>
            {say.troubleshooting} (<code>docs/troubleshooting.md</code>)
          </li>
        </ul>
        <p class="actions">
          <a class="button" href="/docs/errors">
            {say.list}
          </a>
        </p>
      </Section>
    </>
  )
}

const Section = ({ title, children }: { title: string; children: ComponentChildren }): VNode => (
  <section>
    <h2>{title}</h2>
    <div>{children}</div>
  </section>
)

type ExampleProps = Pick<ErrorPageProps, 'code' | 'locale' | 'routes' | 'describe'>

function Example({ code, locale, routes, describe }: ExampleProps): VNode {
  const say = words[locale]
  const route = exampleRoute(code, routes)
  return (
    <Section title={say.example}>
      {route === undefined ? null : (
        <p>
          {say.exampleFor} <code>{nameOf(route)}</code>
        </p>
      )}
      <pre>
        <code>{exampleText(code, { locale, routes, describe })}</code>
      </pre>
    </Section>
  )
}

/** The response as it is sent: status, the headers that belong to the error, and the body. */
export function exampleText(code: ErrorCode, of: Pick<ErrorPageProps, 'locale' | 'routes' | 'describe'>): string {
  const { status, headers, body } = exampleOf(code, of)
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/problem+json',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    JSON.stringify(body, null, 2),
  ].join('\n')
}

const nameOf = ({ method, path }: Route<never>): string => `${method.toUpperCase()} ${path}`

/** So many are listed at once; more are behind a button. */
const fewRoutes = 12

type RouteListProps = {
  readonly of: readonly Route<never>[]
  readonly all: readonly Route<never>[]
  readonly locale: Locale
}

function RouteList({ of, all, locale }: RouteListProps): VNode {
  const say = words[locale]
  if (of.length === 0) return <p>{say.noRoute}</p>
  if (of.length === all.length) return <p>{say.everyRoute}</p>
  const list = (
    <ul>
      {of.map((route) => (
        <li key={nameOf(route)}>
          <code>{nameOf(route)}</code>
        </li>
      ))}
    </ul>
  )
  if (of.length <= fewRoutes) return list
  return (
    <details>
      <summary>{say.someRoutes(of.length)}</summary>
      {list}
    </details>
  )
}

function Traces({ code, locale }: { code: ErrorCode; locale: Locale }): VNode {
  const say = words[locale]
  const named = eventsOf(code)
  return (
    <Section title={say.traces}>
      <p>
        <Prose of={say.log} />
      </p>
      <dl>
        {named.length === 0 ? null : (
          <div>
            <dt>{say.events}</dt>
            {named.map(({ name, meaning }) => (
              <dd key={name}>
                <code>{name}</code>:{' '}
                <span lang="en">
                  <Prose of={meaning} />
                </span>
              </dd>
            ))}
          </div>
        )}
        <div>
          <dt>{say.metrics}</dt>
          {metricsOf(code).map((metric) => (
            <dd key={metric}>
              <code>{metric}</code>
            </dd>
          ))}
        </div>
      </dl>
    </Section>
  )
}

/** The events that say more about an error, with their meaning. */
export function eventsOf(code: ErrorCode) {
  const { events: names = [] } = factsOf(code)
  return names.map((name) => ({ name, meaning: events[name].meaning }))
}

/** The metrics that count an error: those of its events, its own, and that of its status. */
export function metricsOf(code: ErrorCode): readonly string[] {
  const { events: names = [], metrics = [] } = factsOf(code)
  return [
    ...(names.includes('authentication.failed') ? [`vinculum_authentication_attempts_total{status="${code}"}`] : []),
    ...(names.includes('provider.call_failed') ? ['vinculum_provider_call_failures_total'] : []),
    ...metrics,
    `vinculum_http_requests_total{status="${errors[code].status}"}`,
  ]
}
