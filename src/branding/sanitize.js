/**
 * The rules of an SVG, with DOMPurify. JavaScript, because the thread that runs it does (`svg-thread.js`).
 */
import createDOMPurify from 'dompurify'
import { JSDOM } from 'jsdom'

const svgNamespace = 'http://www.w3.org/2000/svg'
/**
 * What DOMPurify permits and a still picture does not need: it loads something, moves, or is a link. `use` is not
 * permitted anyway: a few of them, nested, draw millions of elements.
 */
const forbidden = ['a', 'image', 'feimage', 'animatecolor', 'animatemotion', 'animatetransform', 'mpath', 'view']
/** References within the file: of colors, masks and markers. */
const inner = /url\(\s*(["']?)#[\w.:-]+\1\s*\)/gi
/**
 * Whether CSS can load something. An escape is not permitted: it could spell a name differently. Media queries are: a
 * logo may have other colors on dark pages.
 * @param {string} css
 */
const canLoad = (css) =>
  /[\\<]|url|(?:src|image|cross-fade|expression)[\w-]*\s*\(|@(?!media\b)|binding|behavior/i.test(css.replace(inner, ''))

/** No drawing program nests groups like this. */
const mostDepth = 100

/** @param {number} most @param {Element} root */
function isDeeperThan(most, root) {
  let level = [root]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > most) return true
    level = level.flatMap((element) => [...element.children])
  }
  return false
}

/**
 * What is left of an SVG without anything that runs, loads, links or moves. Throws if it is nested too deeply to be read.
 * @param {Uint8Array} file @returns {import('./svg.ts').SanitizedSvg}
 */
export function sanitizeNow(file) {
  let text
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(file)
  } catch {
    return { reason: 'malformed' }
  }
  // Of a document type, only its name is needed. Entities could refer to files, or grow without end.
  if (/<!ENTITY|<!DOCTYPE[^>]*\[/i.test(text)) return { reason: 'entities' }
  const { window } = new JSDOM('<!doctype html>')
  const parsed = new window.DOMParser().parseFromString(text, 'image/svg+xml')
  if (parsed.getElementsByTagName('parsererror').length > 0) return { reason: 'malformed' }
  const root = parsed.documentElement
  if (root.nodeName !== 'svg' || root.namespaceURI !== svgNamespace) return { reason: 'not_a_picture' }
  if (isDeeperThan(mostDepth, root)) return { reason: 'too_complex' }
  const purify = createDOMPurify(window)
  purify.addHook('uponSanitizeElement', (node, { tagName }) => {
    if (tagName === 'style' && canLoad(node.textContent ?? '')) node.textContent = ''
  })
  purify.addHook('uponSanitizeAttribute', (_node, data) => {
    const { attrName, attrValue } = data
    const isReference = attrName === 'href' || attrName === 'xlink:href'
    if (isReference ? !/^#[\w.:-]+$/.test(attrValue) : attrName === 'src' || loadsAsStyle(attrName, attrValue))
      data.keepAttr = false
  })
  purify.sanitize(root, {
    IN_PLACE: true,
    USE_PROFILES: { svg: true, svgFilters: true },
    FORBID_TAGS: forbidden,
    KEEP_CONTENT: false,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    // For names of elements of a page. Here it would take names away that colors refer to.
    SANITIZE_DOM: false,
  })
  return { svg: new window.XMLSerializer().serializeToString(root) }
}

/** Any attribute may be one of style. Names and texts do not contain such words often. @param {string} name @param {string} value */
const loadsAsStyle = (name, value) =>
  name === 'style'
    ? canLoad(value)
    : /\\|url\s*\(|image(?:-set)?\s*\(|javascript:|data:/i.test(value.replace(inner, ''))
