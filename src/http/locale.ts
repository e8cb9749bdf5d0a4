import type { Locale } from '../errors/catalogue.ts'

/** The languages or media types of an `Accept…` header, most preferred first; entries with `q=0` are left out. */
export function byPreference(header: string): readonly string[] {
  const wanted: { name: string; q: number }[] = []
  for (const item of header.slice(0, 1024).split(',')) {
    const [name = '', ...parameters] = item.split(';')
    const weight = parameters.map((text) => /^\s*q\s*=\s*(\d(?:\.\d{0,3})?)\s*$/i.exec(text)?.[1]).find(Boolean)
    const q = weight === undefined ? 1 : Math.min(1, Number(weight))
    if (q > 0 && name.trim()) wanted.push({ name: name.trim().toLowerCase(), q })
  }
  // The sort is stable: of equal entries, the first one wins.
  return wanted.sort((a, b) => b.q - a.q).map(({ name }) => name)
}

/**
 * The language that a request asks for, if we have it; `undefined` if it states none, or only others. Any variant of
 * Portuguese selects Brazilian Portuguese, which its readers understand better than English.
 */
export const readLocale = (acceptLanguage: string | undefined): Locale | undefined =>
  firstLocale(byPreference(acceptLanguage ?? ''))

/** The same for `ui_locales`: language tags separated by spaces, most preferred first (OpenID Connect Core §3.1.2.1). */
export const readUiLocales = (tags: string): Locale | undefined =>
  firstLocale(tags.slice(0, 1024).toLowerCase().split(' '))

function firstLocale(tags: readonly string[]): Locale | undefined {
  for (const tag of tags) {
    if (tag === 'en' || tag.startsWith('en-')) return 'en'
    if (tag === 'pt' || tag.startsWith('pt-')) return 'pt-BR'
  }
  return undefined
}

/** Whether a page is wanted and not JSON. A header that accepts everything (curl, fetch) selects `otherwise`. */
export function wantsHtml(accept: string | undefined, otherwise: boolean): boolean {
  if (!accept || accept === '*/*') return otherwise
  for (const type of byPreference(accept)) {
    if (type === 'text/html' || type === 'application/xhtml+xml' || type === 'text/*') return true
    if (type === 'application/json' || type === 'application/problem+json' || type === 'application/*') return false
  }
  return otherwise
}
