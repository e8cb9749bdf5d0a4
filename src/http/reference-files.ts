/**
 * The files of the API reference: Swagger UI (Apache-2.0) from its package, and a script and a stylesheet of ours. Both
 * are text in a module because the build only compiles.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { z } from 'zod'
import { palette } from './palette.ts'
import { packageFile, staticFile } from './static.ts'

/**
 * Shows `/openapi.json` with Swagger UI, next to the contents that the page already has. The contents are the one list
 * that is searched: Swagger UI shows the operations that match, and moves to the one that is chosen.
 */
const script = `'use strict'
// Swagger UI assigns HTML as strings, which DOMPurify has sanitized. No policy is given for scripts and their URLs.
globalThis.trustedTypes?.createPolicy('default', { createHTML: (html) => html })

const root = document.documentElement
const dark = matchMedia('(prefers-color-scheme: dark)')
const setTheme = () => root.classList.toggle('dark-mode', dark.matches)
setTheme()
dark.addEventListener('change', setTheme)

const contents = document.getElementById('contents')
const search = document.getElementById('search')
const found = document.getElementById('found')
const groups = [...contents.querySelectorAll('details')].map((element) => ({
  element,
  entries: [...element.querySelectorAll('li')].map((entry) => ({
    element: entry,
    link: entry.querySelector('a'),
    operation: entry.dataset.operation,
    access: entry.querySelector('.access').textContent,
    text: (element.dataset.tag + ' ' + entry.textContent).toLowerCase(),
  })),
}))
const entries = groups.flatMap((group) => group.entries)
const accessOf = new Map(entries.map(({ operation, access }) => [operation, access]))
let matching = new Set(accessOf.keys())

/**
 * A part of the document with what it refers to in place. Swagger UI's own resolver reads the whole document for each
 * operation that is opened, which takes seconds. All references of ours are into the document; one that leads back to
 * itself stays a reference.
 */
function inlined(value, document, within = []) {
  if (Array.isArray(value)) return value.map((each) => inlined(each, document, within))
  if (value === null || typeof value !== 'object') return value
  const { $ref, ...rest } = value
  if (typeof $ref !== 'string') {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, inlined(each, document, within)]))
  }
  if (within.includes($ref)) return value
  const names = $ref.replace(/^#\\//, '').split('/').map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
  const target = names.reduce((found, name) => found?.[name], document)
  const inner = [...within, $ref]
  return { ...inlined(target, document, inner), ...inlined(rest, document, inner) }
}

const plugin = ({ React }) => {
  const nothing = () => () => null
  return {
    fn: {
      resolveSubtree: async (document, path) => ({
        spec: inlined(path.reduce((value, name) => value?.[name], document), document),
        errors: [],
      }),
      opsFilter: (groups) =>
        groups
          .map((group) =>
            group.set(
              'operations',
              group.get('operations').filter((one) => matching.has(one.get('method') + ' ' + one.get('path'))),
            ),
          )
          .filter((group) => group.get('operations').size > 0),
    },
    wrapComponents: {
      // Requests are not sent from here, so there is nothing to authorize. Who may call is shown with each operation.
      authorizeBtn: nothing,
      // The page itself names the service and searches the contents.
      FilterContainer: nothing,
      ServersContainer: nothing,
      // The original does not label its list.
      ExamplesSelect: (Select) => (props) =>
        React.createElement(
          'label',
          null,
          React.createElement('span', { className: 'unseen' }, 'Example'),
          React.createElement(Select, props),
        ),
      // The original is a link within the button that opens the operation: a screen reader announces only one of them.
      DeepLink: () => ({ text }) => React.createElement('span', null, text),
      authorizeOperationBtn: nothing,
      // Each body has one example: there is nothing to choose from. The menu selects it, and has no name to be read out.
      ExamplesSelect: (Original) => (props) =>
        React.createElement('div', { hidden: true }, React.createElement(Original, props)),
      parameters: (Parameters) => (props) => {
        const [path, method] = props.pathMethod
        const access = accessOf.get(method + ' ' + path)
        const shown = access && React.createElement('p', { className: 'access' }, access)
        return React.createElement(React.Fragment, null, shown, React.createElement(Parameters, props))
      },
    },
    statePlugins: {
      layout: {
        wrapActions: {
          // The original reads the underscores of operation IDs as spaces. \`onComplete\` does its work.
          parseDeepLinkHash: () => () => () => undefined,
        },
      },
    },
  }
}

/** Opens the operation or the tag that the fragment of the URL names, '#/Tag/operation', and scrolls to it. */
function openOperation({ layoutActions }, hash) {
  const [tag, operation] = hash.replace(/^#?\\/?/, '').split('/')
  if (!tag) return
  const key = operation ? ['operations', tag, operation] : ['operations-tag', tag]
  layoutActions.show(['operations-tag', tag], true)
  layoutActions.show(key, true)
  const selector = operation ? '.opblock[id$="-' + CSS.escape(operation) + '"]' : '[data-tag="' + CSS.escape(tag) + '"]'
  scrollToPart(selector, () => layoutActions.scrollToVirtualizedOperation(key))
}

/**
 * Swagger UI draws an operation shortly before it is seen. It scrolls there on request. While it still draws its list on
 * a slow machine, the request may have no effect, so it is repeated until the part is drawn: for 600 frames, or until
 * another part is chosen.
 */
let chosen
function scrollToPart(selector, request) {
  const own = (chosen = {})
  const next = (frame) => {
    const shown = document.getElementById('reference').querySelector(selector)
    if (shown) return shown.scrollIntoView()
    if (own !== chosen || frame === 600) return
    if (frame % 30 === 0) request()
    requestAnimationFrame(() => next(frame + 1))
  }
  next(0)
}

const readHash = () => {
  try {
    return decodeURIComponent(location.hash)
  } catch {
    // Swagger UI would stop at it.
    history.replaceState(null, '', location.pathname)
    return ''
  }
}
readHash()
const ui = SwaggerUIBundle({
  dom_id: '#reference',
  url: document.getElementById('reference').dataset.url,
  plugins: [plugin],
  deepLinking: true,
  docExpansion: 'list',
  // The default asks a public service whether the document is valid.
  validatorUrl: null,
  supportedSubmitMethods: [],
  defaultModelsExpandDepth: -1,
  defaultModelExpandDepth: 3,
  onComplete: () => openOperation(ui.getSystem(), readHash()),
})

const wide = matchMedia('(min-width: 60rem)')
const fold = () => { contents.open = wide.matches }
fold()
wide.addEventListener('change', fold)
addEventListener('hashchange', () => openOperation(ui.getSystem(), readHash()))
contents.addEventListener('click', (event) => {
  const link = event.target.closest('a')
  if (!link) return
  if (!wide.matches) contents.open = false
  // The same fragment again is no change of it.
  if (link.hash === location.hash) openOperation(ui.getSystem(), readHash())
})

let waiting
function filter() {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean)
  const matches = ({ text }) => words.every((word) => text.includes(word))
  matching = new Set(entries.filter(matches).map(({ operation }) => operation))
  for (const group of groups) {
    const shown = group.entries.filter(({ operation }) => matching.has(operation))
    for (const { element, operation } of group.entries) element.hidden = !matching.has(operation)
    group.element.hidden = shown.length === 0
    group.element.open = words.length > 0
  }
  found.textContent = words.length === 0 ? '' : found.dataset.text.replace('{count}', matching.size)
  clearTimeout(waiting)
  waiting = setTimeout(() => ui.getSystem().layoutActions.updateFilter(words.join(' ')), 150)
}
search.addEventListener('input', filter)
search.form.addEventListener('submit', (event) => {
  event.preventDefault()
  entries.find(({ operation }) => matching.has(operation))?.link.click()
})
root.classList.add('interactive')
search.closest('search').hidden = false
`

const css = `
${palette}
*, *::before, *::after { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body {
  margin: 0;
  background: var(--paper);
  color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 2px; }
[hidden] { display: none !important; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; top: -6rem; left: .5rem; z-index: 1; padding: .75rem 1rem; background: var(--sheet); }
.skip:focus { top: .5rem; }
body > header {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  justify-content: space-between;
  gap: 0 1.5rem;
  padding: .75rem 1.25rem;
  border-bottom: 1px solid var(--line);
}
body > header a { display: inline-flex; align-items: center; min-width: 2.75rem; min-height: 2.75rem; }
body > header nav { display: flex; flex-wrap: wrap; gap: 0 1.25rem; }
body > header a[aria-current] { color: inherit; font-weight: 600; text-decoration: none; }
.wordmark {
  color: var(--ink);
  font-weight: 650;
  letter-spacing: .02em;
  text-decoration: overline 2px var(--accent);
}
#content { min-width: 0; padding: 0 1.25rem 4rem; }
#content:focus { outline: none; }
#content > h1 { margin: 1.5rem 0 1rem; font-size: 1.75rem; line-height: 1.25; }
#contents { padding: .75rem 1.25rem; }
#contents summary { min-height: 2.75rem; padding: .5rem 0; font-weight: 600; cursor: pointer; }
#contents label { display: block; margin: 0 0 .25rem; font-weight: 600; }
#search {
  width: 100%;
  min-height: 2.75rem;
  padding: .5rem .75rem;
  border: 1px solid var(--edge);
  border-radius: .375rem;
  background: var(--sheet);
  color: var(--ink);
  font: inherit;
}
#found { min-height: 1.5em; margin: .25rem 0 .5rem; color: var(--soft); font-size: .875rem; }
#contents ul { margin: 0 0 .5rem; padding: 0; list-style: none; }
#contents li { padding: .25rem 0; }
#contents li a { text-decoration: none; overflow-wrap: anywhere; }
#contents li a:hover { text-decoration: underline; }
#contents code, .access { font-size: .875rem; }
code { font-family: ui-monospace, SFMono-Regular, Consolas, "Liberation Mono", monospace; }
#contents li p { margin: 0; color: var(--soft); font-size: .875rem; }
.interactive #contents li a { display: block; padding: .25rem 0; }
.interactive #contents li .access { display: none; }
/* Swagger UI on the background of our pages, with less space around it. */
html.dark-mode .swagger-ui, .swagger-ui, .swagger-ui .scheme-container, html.dark-mode .swagger-ui .scheme-container {
  background: transparent;
}
.swagger-ui .wrapper, .swagger-ui .scheme-container { padding: 0; }
.swagger-ui .scheme-container { margin: 0 0 1rem; box-shadow: none; }
.swagger-ui .info { margin: 0 0 1rem; }
/* There are no links between operations, and no requests whose headers could be chosen. */
.swagger-ui .response-col_links, .swagger-ui .response-control-media-type__accept-message { display: none; }
/* Colors that can be read, and examples without a scroll bar that no keyboard reaches. */
.swagger-ui .info .title small, .swagger-ui .info .title small.version-stamp { background: var(--soft) !important; }
.swagger-ui .info .title small pre { color: var(--paper); }
.swagger-ui .markdown code, .swagger-ui .renderedMarkdown code { color: var(--ink); }
.swagger-ui .info a, .swagger-ui .info .link, .swagger-ui .markdown a { color: var(--link); }
html.dark-mode .swagger-ui .examples-select__section-label, html.dark-mode .swagger-ui .headers .header-col {
  color: var(--ink);
}
.swagger-ui .opblock .opblock-summary-method { color: #000; text-shadow: none; }
.swagger-ui .headers .header-col, html.dark-mode .swagger-ui .headers .header-col { color: var(--ink); }
.swagger-ui .opblock .opblock-summary-path, .swagger-ui .opblock .opblock-summary-description { overflow-wrap: anywhere; }
.swagger-ui .highlight-code > .microlight, html.dark-mode .swagger-ui .opblock .highlight-code > .example.microlight {
  max-height: none;
  background: #111 !important;
  white-space: pre-wrap !important;
  overflow-wrap: anywhere;
}
.swagger-ui .highlight-code > .microlight code { white-space: inherit !important; }
.swagger-ui .opblock-body > .access { margin: 0; padding: .75rem 1.25rem; }
@media (max-width: 40rem) {
  .swagger-ui .opblock .opblock-summary-method { min-width: 4rem; }
  .swagger-ui .opblock .opblock-section-header, .swagger-ui .table-container, .swagger-ui .responses-inner { padding: .75rem; }
}
@media (min-width: 60rem) {
  .interactive .columns { display: grid; grid-template-columns: 21rem minmax(0, 1fr); }
  .interactive #contents {
    position: sticky;
    top: 0;
    max-height: 100vh;
    overflow-y: auto;
    border-right: 1px solid var(--line);
  }
  .interactive #contents > summary { display: none; }
}
`.trimStart()

const require = createRequire(import.meta.url)
const manifest = require.resolve('swagger-ui-dist/package.json')
const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(manifest, 'utf8')))
const swagger = { folder: dirname(manifest), version }

const [cssType, scriptType] = ['text/css; charset=utf-8', 'text/javascript; charset=utf-8']

/** In the order in which the page loads them: what comes later changes what came before. */
export const referenceStyles = [
  packageFile(swagger, 'swagger-ui.css', cssType),
  staticFile('reference.css', cssType, css),
] as const
export const referenceScripts = [
  packageFile(swagger, 'swagger-ui-bundle.js', scriptType),
  staticFile('reference.js', scriptType, script),
] as const
export const referenceFiles = [...referenceStyles, ...referenceScripts] as const
