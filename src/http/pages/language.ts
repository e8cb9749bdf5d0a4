import { z } from 'zod'
import { ok } from '../../kernel/result.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { LocaleName } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { languageCookie } from '../sign-in-answers.ts'

/**
 * The switch at the foot of every page. The device remembers the language in a cookie, and the account for its email.
 * The page to return to is in the body, because its URL may contain a ticket.
 */
const choose = route({
  method: 'post',
  path: '/language',
  summary: 'Choose the language of the pages, and of my email',
  tag: 'Pages',
  surface: 'browser',
  auth: 'public',
  limit: 'browse',
  body: object({
    language: LocaleName,
    // A path of ours. Browsers skip tabs and line ends, and read a backslash as a slash: none of them is accepted.
    return_to: z
      .string()
      .max(8192)
      .regex(/^\/([\x21-\x2e\x30-\x5b\x5d-\x7e][\x21-\x5b\x5d-\x7e]*)?$/)
      .describe('The path of the page to show again'),
  }),
  status: 303,
  fails: ['invalid_request'],
  async handle({ body: { language, return_to: returnTo }, who, origin }, { profiles, settings }: Services) {
    if (who && who.account.locale !== language) await profiles.update(who.accountId, { locale: language }, origin)
    return ok(seeOther(returnTo, { cookies: [languageCookie(language, settings.deviceCookieSeconds)] }))
  },
})
export const languageRoutes = [choose]
