/** Writes the catalogues into `docs/`, and the settings of providers into `.env.example`: `npm run docs`. A test fails while they differ from the code. */
import { readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { applicationsFile } from '../src/commands/applications-file.ts'
import { providersFile } from '../src/commands/providers-file.ts'
import { type ErrorCode, catalogue as errors, type Locale, texts } from '../src/errors/catalogue.ts'
import { guide as english } from '../src/errors/guidance.en.ts'
import { portugueseGuide as portuguese } from '../src/errors/guidance.pt-br.ts'
import type { Guidance, Guide } from '../src/errors/guidance.ts'
import { eventCatalogue as events } from '../src/events/catalogue.ts'
import { apiRoutes } from '../src/http/api/index.ts'
import { routesOf } from '../src/http/error-example.ts'
import { factsOf } from '../src/http/error-facts.ts'
import { eventsOf, exampleText, metricsOf, words } from '../src/http/error-page.tsx'
import { pageRoutes } from '../src/http/pages/index.ts'
import { createProblems } from '../src/http/problem.ts'
import type { Route } from '../src/http/route.ts'
import { counted } from '../src/telemetry/metrics.ts'
import { providerSections } from './provider-settings.ts'

const row = (...cells: string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

const routes: readonly Route<never>[] = [...apiRoutes, ...pageRoutes]
const describe = createProblems({ publicUrl: new URL('https://id.example.com'), recentAuthSeconds: 600 })
const codes = Object.keys(errors) as ErrorCode[]

/** What a heading is called in an address, as GitHub does it. */
const slugOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-')

/** One sentence a line, and no line over 120 characters, so that changes can be reviewed. */
const prose = (text: string): string =>
  text
    .split(/(?<=[.!?:]) (?=[\p{Lu}`])/u)
    .map((sentence) => (sentence.length > 120 ? sentence.replace(/(.{1,116})(?: |$)/g, '$1\n').trimEnd() : sentence))
    .join('\n')

const list = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n')
const code = (text: string): string => `\`${text}\``

/** Routes beyond these are counted, not listed. */
const fewRoutes = 12

function routeLines(of: ErrorCode, locale: Locale): string {
  const say = words[locale]
  const answering = routesOf(of, routes)
  if (answering.length === 0) return say.noRoute
  if (answering.length === routes.length) return say.everyRoute
  if (answering.length > fewRoutes) return `${say.someRoutes(answering.length)}.`
  return list(answering.map(({ method, path }) => code(`${method.toUpperCase()} ${path}`)))
}

function errorSection(of: ErrorCode, locale: Locale, { happened, causes, person, developer }: Guidance): string {
  const say = words[locale]
  const { title, detail } = texts[locale][of]
  const { chapters = [] } = factsOf(of)
  const traces = [...eventsOf(of).map(({ name }) => name), ...metricsOf(of)].map(code)
  return `## \`${of}\`

**${errors[of].status} · ${title}.**
${prose(detail)}

**${say.happened}.**
${prose(happened)}

**${say.causes}.**

${list(causes)}

**${say.person}.**
${prose(person)}

**${say.developer}.**
${prose(developer)}

\`\`\`http
${exampleText(of, { locale, routes, describe })}
\`\`\`

**${say.routes}.**

${routeLines(of, locale)}

**${say.traces}.** ${say.log}

${list([...traces, ...chapters.map(([file, heading]) => `[${heading}](${file}#${slugOf(heading)})`)])}
`
}

const errorTable = (locale: Locale): string =>
  codes.map((each) => row(`[\`${each}\`](#${each})`, String(errors[each].status), texts[locale][each].title)).join('\n')

const errorSections = (locale: Locale, guide: Guide): string =>
  codes.map((each) => errorSection(each, locale, guide[each])).join('\n')

const fieldsOf = (shape: object): string =>
  Object.keys(shape)
    .map((name) => `\`${name}\``)
    .join(', ') || '—'

const isCounted = (name: string): boolean => counted.some((each) => each === name || each.startsWith(`${name}.`))

const eventRows = Object.entries(events).map(([name, entry]) => {
  const spoken = entry.kind === 'span' ? `\`${name}.start\` · \`.stop\` · \`.exception\`` : `\`${name}\``
  const outcome = entry.kind === 'span' ? Object.keys(entry.outcome.shape) : []
  const fields =
    fieldsOf(entry.payload.shape) +
    (outcome.length > 0 ? `; on stop ${outcome.map((field) => `\`${field}\``).join(', ')}` : '')
  const heard = [
    'audit' in entry ? 'audit' : '',
    entry.kind === 'span' ? 'log' : 'log' in entry ? `log (${String(entry.log)})` : '',
    isCounted(name) ? 'metrics' : '',
  ]
    .filter(Boolean)
    .join(', ')
  return row(spoken, entry.meaning, fields, heard || '—')
})

/** The first line of the generated part of `.env.example`. */
const firstSection = '# --- Google'
const envExample = readFileSync(new URL('../.env.example', import.meta.url), 'utf8')
const generalSettings = envExample.slice(0, envExample.indexOf(firstSection))

/** Each generated file and what it should hold. */
export const documents: Readonly<Record<string, string>> = {
  '.env.example': generalSettings + providerSections(),
  'docs/applications.schema.json': `${JSON.stringify(z.toJSONSchema(applicationsFile, { io: 'input' }), null, 2)}\n`,
  'docs/providers.schema.json': `${JSON.stringify(z.toJSONSchema(providersFile, { io: 'input' }), null, 2)}\n`,
  'docs/errors.md': `# Errors

Generated by \`npm run docs\` from \`src/errors\`. [Em português](errors.pt-BR.md).

- Every error is \`application/problem+json\` (RFC 9457) with a stable \`code\`.
- \`title\` and \`detail\` are in the language of \`Accept-Language\`, with each \`{…}\` filled in.
- A running service explains each code at \`/docs/errors/<code>\`, the \`type\` of the error, with all its routes.
- To find a cause by symptom, see [troubleshooting](troubleshooting.md).

| code | status | title |
| --- | --- | --- |
${errorTable('en')}

${errorSections('en', english)}`,
  'docs/errors.pt-BR.md': `# Erros

Gerado por \`npm run docs\` a partir de \`src/errors\`. [In English](errors.md).

- Todo erro é \`application/problem+json\` (RFC 9457) com um \`code\` estável.
- \`title\` e \`detail\` vêm no idioma de \`Accept-Language\`, com cada \`{…}\` preenchido.
- Um serviço em execução explica cada código em \`/docs/errors/<code>\`, o \`type\` do erro, com todas as rotas.
- Para procurar a causa pelo sintoma, veja a [solução de problemas](troubleshooting.md), em inglês.

| código | status | título |
| --- | --- | --- |
${errorTable('pt-BR')}

${errorSections('pt-BR', portuguese)}`,
  'docs/events.md': `# Events

Generated by \`npm run docs\` from \`src/events/catalogue.ts\`.

- A fact happened once.
- A span starts, then stops (success) or ends in an exception. Both carry \`ms\`.
  Its start and its success are logged at \`debug\`, an exception at \`warn\`.
  The log field \`outcome\` of an exception is its code from the error catalogue.
- A log line has the \`request_id\` of its request. Lines about calls to providers (\`provider.*\`) have none, because
  requests can share a call: match them by \`provider\` and time.
- Audited facts are written in the transaction of the change they explain.
- No payload contains a secret.

| event | meaning | payload | recorded in |
| --- | --- | --- | --- |
${eventRows.join('\n')}
`,
}

if (process.argv[1]?.endsWith('generate.ts'))
  for (const [file, text] of Object.entries(documents)) writeFileSync(new URL(`../${file}`, import.meta.url), text)
