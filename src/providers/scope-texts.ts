/** What scopes let Vinculum do, in words for the people who grant them. */
import type { Locale } from '../kernel/locale.ts'
import type { ScopeNames } from './provider.ts'

/** Completes “You allow us to …”, in every language of the pages. */
export type ScopeText = Readonly<Record<Locale, string>>
export type ScopeTexts = Readonly<Record<string, ScopeText>>

/** The scopes of OpenID Connect Core §5.4 and §11. */
export const openidScopeTexts = {
  openid: { en: 'know who you are', 'pt-BR': 'saber quem você é' },
  email: { en: 'see your email address', 'pt-BR': 'ver o seu endereço de e-mail' },
  profile: { en: 'see your name and picture', 'pt-BR': 'ver o seu nome e a sua foto' },
  offline_access: { en: 'stay connected while you are away', 'pt-BR': 'manter a conexão enquanto você está fora' },
} as const satisfies ScopeTexts

/** The words for a scope, by its own name or by one that its provider uses for it; `null` if there are none. */
export function scopeTextOf(scope: string, texts: ScopeTexts, { aliases = {} }: ScopeNames = {}): ScopeText | null {
  const names = [scope, ...Object.keys(aliases).filter((name) => aliases[name] === scope)]
  const known = names.find((name) => Object.hasOwn(texts, name))
  return known === undefined ? null : (texts[known] ?? null)
}

/** More than any provider has, and longer than a line of a list. */
const mostTexts = 100
const longestText = 120

/**
 * The operator's own words for scopes: `scope=English|Portuguese` pairs, separated by semicolons or line ends. With one
 * text, both languages show it. `fault` reports what is wrong.
 */
export function readScopeTexts(given: string, fault: (message: string) => void): ScopeTexts {
  const texts: [string, ScopeText][] = []
  const pairs = given.split(/[;\n]/).filter((pair) => pair.trim() !== '')
  for (const pair of pairs) {
    const [, scope = '', words = ''] = /^\s*([\x21-\x3c\x3e-\x7e]+)\s*=(.*)$/s.exec(pair) ?? []
    const [en = '', pt = en, ...more] = words.split('|').map((text) => text.trim())
    const isText = (text: string): boolean => text !== '' && text.length <= longestText && !/\p{Cc}/u.test(text)
    if (scope !== '' && isText(en) && isText(pt) && more.length === 0 && !texts.some(([known]) => known === scope))
      texts.push([scope, { en, 'pt-BR': pt }])
    else {
      fault(
        `must be scope=English|Portuguese pairs with unique scopes, separated by semicolons; each text has at most ${longestText} characters`,
      )
      return {}
    }
  }
  if (texts.length === 0 || texts.length > mostTexts) fault(`must have texts for one to ${mostTexts} scopes`)
  return Object.fromEntries(texts)
}
