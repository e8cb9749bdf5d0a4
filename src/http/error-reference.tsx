import type { ComponentChildren } from 'preact'
import { z } from 'zod'
import { type ErrorCode, catalogue as errors, fail, type Locale, texts } from '../errors/catalogue.ts'
import { loadGuide } from '../errors/guidance.ts'
import type { Describe } from './problem.ts'
import type { Page } from './reply.ts'
import { object, type Route, route } from './route.ts'

type ErrorReferenceParts = {
  readonly routes: () => readonly Route<never>[]
  readonly describe: Describe
  /** The frame of a page of the documentation. */
  readonly show: (locale: Locale, title: string, content: ComponentChildren) => { ok: true; value: Page }
}

const facts = { method: 'get', tag: 'Documentation', auth: 'none', limit: 'browse', surface: 'browser' } as const

const isCode = (code: string): code is ErrorCode => Object.hasOwn(errors, code)

/** The list of all error codes, and one page for each: the `type` of every problem is the URL of its page. */
export function errorReference({ routes, describe, show }: ErrorReferenceParts): readonly Route<unknown>[] {
  return [
    route({
      ...facts,
      path: '/docs/errors',
      summary: 'List every error code',
      fails: [],
      async handle({ locale }) {
        const { ErrorList, words } = await import('./error-page.tsx')
        return show(locale, words[locale].errors, <ErrorList locale={locale} />)
      },
    }),
    route({
      ...facts,
      path: '/docs/errors/:code',
      summary: 'Explain one error code: causes, what to do, an example; the `type` of its problems',
      params: object({ code: z.string().describe('An error code') }),
      fails: ['not_found'],
      async handle({ params: { code }, locale }) {
        if (!isCode(code)) return fail('not_found')
        const [{ ErrorPage }, guide] = await Promise.all([import('./error-page.tsx'), loadGuide(locale)])
        const about = { code, locale, describe, routes: routes(), guidance: guide[code] }
        return show(locale, texts[locale][code].title, <ErrorPage {...about} />)
      },
    }),
  ]
}
