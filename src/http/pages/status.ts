import { z } from 'zod'
import type { Locale } from '../../errors/catalogue.ts'
import { type Texts, textsFor } from './texts.ts'

export type Done = keyof Texts['done']

/** The query of a page that tells what was done; another site may add to it what it likes. */
export const doneQuery = z.looseObject({ done: z.string().max(40).optional().describe('Which notice the page shows') })

/** The sentence for `?done=`. Only our own words are ever shown: an address must not put words into our mouth. */
export function statusOf(done: string | undefined, locale: Locale): string | undefined {
  const { done: sentences } = textsFor(locale)
  return done !== undefined && Object.hasOwn(sentences, done) ? sentences[done as Done] : undefined
}

/** Back to a page of ours that says what was done. */
export const doneAt = (path: `/account${string}` | `/admin${string}` | '/login', done: Done): string =>
  `${path}?done=${done}`
