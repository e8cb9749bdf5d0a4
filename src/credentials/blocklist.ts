import { createRequire } from 'node:module'

/**
 * The person who chooses a password. Their own data must not be the password: it is what an attacker who knows them
 * tries first.
 */
export type PasswordOwner = { readonly email?: string | null; readonly name?: string | null }

const require = createRequire(import.meta.url)
let common: ReadonlySet<string> | undefined

/**
 * The 49,000 most common passwords, from a maintained list. It is loaded when the first password is chosen, since most
 * processes never need it.
 */
function commonPasswords(): ReadonlySet<string> {
  if (!common) {
    const { dictionary } = require('@zxcvbn-ts/language-common') as typeof import('@zxcvbn-ts/language-common')
    common = new Set(dictionary['passwords-common'].map((word) => word.toLowerCase()))
  }
  return common
}

const substitutions: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
}
const undoSubstitutions = (text: string): string => text.replace(/[013457@$!]/g, (sign) => substitutions[sign] ?? sign)

/** The word without surrounding digits and symbols, which are the first thing an attacker adds. */
const core = (text: string): string => text.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '')

/** Whether the text is a sequence like `abcdefgh` or `8901234567`. */
function isRun(text: string): boolean {
  const codes = [...text].map((sign) => sign.codePointAt(0) ?? 0)
  const digits = /^\d+$/.test(text)
  const steps = new Set(
    codes.slice(1).map((code, index) => {
      const step = code - (codes[index] ?? 0)
      return digits ? (step + 10) % 10 : step
    }),
  )
  return steps.size === 1
}

/** Whether a password is common, as it is or with trivial changes. */
export function isCommon(password: string): boolean {
  const known = commonPasswords()
  const text = password.toLowerCase()
  const [, unit] = /^(.+?)\1+$/su.exec(text) ?? []
  if (isRun(text) || (unit !== undefined && ([...unit].length < 5 || known.has(core(unit))))) return true
  return [text, core(text), core(undoSubstitutions(text)), undoSubstitutions(core(text))].some((each) =>
    known.has(each),
  )
}

/** Shorter words are part of too many unrelated words. */
const leastWord = 4

/** Whether little is left of a password after removing words about the person or this service (ASVS 6.2.11). */
export function isAboutPerson(password: string, about: PasswordOwner, own: readonly string[]): boolean {
  const personal = [about.email, about.email?.split('@')[0], about.name].flatMap((text) => text ?? [])
  const words = [...own, ...personal, ...[...own, ...personal].flatMap((text) => text.split(/[^\p{L}\p{N}]+/u))]
    .map((word) => word.normalize('NFC').toLowerCase())
    .filter((word) => [...word].length >= leastWord)
    .sort((a, b) => b.length - a.length)
  const remainsOf = (text: string): string => words.reduce((rest, word) => rest.split(word).join(' '), text)
  const typed = password.toLowerCase()
  return [typed, undoSubstitutions(core(typed))].some((text) => {
    const rest = remainsOf(text)
    return rest !== text && [...rest.replace(/[^\p{L}]/gu, '')].length < leastWord
  })
}
