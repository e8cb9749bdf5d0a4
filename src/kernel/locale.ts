/** The supported languages. */
export const locales = ['en', 'pt-BR'] as const
export type Locale = (typeof locales)[number]
export const isLocale = (value: unknown): value is Locale => locales.some((locale) => locale === value)
