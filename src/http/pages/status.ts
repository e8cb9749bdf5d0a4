import { z } from 'zod'
import type { Locale } from '../../errors/catalogue.ts'
import { type Texts, textsFor } from './texts.ts'

export type Notice = keyof Texts['done']

/** The query of a page that can show a notice. Other parameters are ignored. */
export const doneQuery = z.looseObject({ done: z.string().max(40).optional().describe('Which notice the page shows') })

/** The sentence for `?done=`. Only our own sentences are shown: a link must not make a page say anything else. */
export function doneMessageOf(done: string | undefined, locale: Locale): string | undefined {
  const { done: sentences } = textsFor(locale)
  return done !== undefined && Object.hasOwn(sentences, done) ? sentences[done as Notice] : undefined
}

/** The path of a page that shows a notice. */
export const doneAt = (path: `/account${string}` | `/admin${string}` | '/login', done: Notice): string =>
  `${path}?done=${done}`
