import type { Locale } from '../../errors/catalogue.ts'
import { type Texts, textsFor } from './texts.ts'

export type Done = keyof Texts['done']

/** The sentence for `?done=`. Only our own words are ever shown: an address must not put words into our mouth. */
export function statusOf(done: string | undefined, locale: Locale): string | undefined {
  const { done: sentences } = textsFor(locale)
  return done !== undefined && Object.hasOwn(sentences, done) ? sentences[done as Done] : undefined
}

/** Back to a page of ours that says what was done. */
export const doneAt = (path: `/account${string}` | `/admin${string}` | '/login', done: Done): string =>
  `${path}?done=${done}`
