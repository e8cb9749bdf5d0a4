import type { Locale } from '../kernel/locale.ts'
import type { ErrorCode } from './catalogue.ts'

/** What the page of an error code explains. `code` in backticks is shown as code. */
export type Guidance = {
  /** What happened, more exactly than the detail of the error says. */
  readonly happened: string
  /** What it usually comes from, the most frequent cause first. */
  readonly causes: readonly [string, ...string[]]
  /** What the person in front of the screen can do. */
  readonly person: string
  /** What the developer of the client, or the operator of the service, can do. */
  readonly developer: string
}

/** The guidance of every code in one language. A missing code or section does not compile. */
export type Guide = Readonly<Record<ErrorCode, Guidance>>

/** Reads the guidance of a language when a page first needs it, so that no start waits for it. */
export async function loadGuide(locale: Locale): Promise<Guide> {
  if (locale === 'pt-BR') return (await import('./guidance.pt-br.ts')).portugueseGuide
  return (await import('./guidance.en.ts')).guide
}
