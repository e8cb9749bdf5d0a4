import { readEmail } from '../kernel/email.ts'
import { ok } from '../kernel/result.ts'
import type { BrandSettings } from './brand.ts'
import { readLogo } from './logo.ts'

/** The settings as text, as the environment has them. */
export type BrandTexts = {
  readonly BRAND_NAME?: string | undefined
  readonly BRAND_COLOR?: string | undefined
  readonly BRAND_LOGO?: string | undefined
  readonly SUPPORT_EMAIL?: string | undefined
  readonly PRIVACY_URL?: string | undefined
  readonly TERMS_URL?: string | undefined
}

/** A longer name would break the heading of a page on a phone. */
const mostNameLength = 40

/** Reads the operator's name, color, logo and addresses. Adds all errors to `faults`. */
export function readBrand(texts: BrandTexts, faults: string[]): BrandSettings {
  const fault = (setting: keyof BrandTexts, message: string): null => {
    faults.push(`${setting}: ${message}`)
    return null
  }
  const readUrl = (setting: 'PRIVACY_URL' | 'TERMS_URL'): string | null => {
    const text = texts[setting]
    if (text === undefined) return null
    // People follow these links from a page that asks for a password.
    const url = URL.canParse(text) ? new URL(text) : undefined
    const isFine = url?.protocol === 'https:' && url.username === '' && url.password === ''
    return isFine ? url.href : fault(setting, 'must be an https URL')
  }
  const { BRAND_NAME: name, BRAND_COLOR: color, BRAND_LOGO: path, SUPPORT_EMAIL: email } = texts
  if ([...(name ?? '')].length > mostNameLength) fault('BRAND_NAME', `must have at most ${mostNameLength} characters`)
  if (color !== undefined && !/^#[0-9a-f]{6}$/i.test(color)) fault('BRAND_COLOR', 'must be a color like #1f4f82')
  if (email !== undefined && !readEmail(email)) fault('SUPPORT_EMAIL', 'must be an email address')
  const logo = path === undefined ? ok(null) : readLogo(path)
  return {
    name: name ?? null,
    color: color?.toLowerCase() ?? null,
    logo: logo.ok ? logo.value : fault('BRAND_LOGO', `the file ${logo.error}`),
    supportEmail: email ?? null,
    privacyUrl: readUrl('PRIVACY_URL'),
    termsUrl: readUrl('TERMS_URL'),
  }
}
