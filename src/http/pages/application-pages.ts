import { applicationLimits } from '../../applications/policy.ts'
import type { Locale } from '../../errors/catalogue.ts'

/** Where the administrators' pages about applications are. */
export const applicationsPath = '/admin/applications'
/** Not below the other one: an application could have any ID. */
export const newApplicationPath = '/admin/new-application'
/** Initial access tokens. */
export const registrationTokensPath = '/admin/registration-tokens'
export const applicationPage = (id: string): `/admin/applications/${string}` =>
  `${applicationsPath}/${encodeURIComponent(id)}`

/** A number of people; they are counted up to a limit. */
export const numberOf = (count: number, locale: Locale): string =>
  `${new Intl.NumberFormat(locale).format(count)}${count === applicationLimits.countedUsers ? '+' : ''}`
