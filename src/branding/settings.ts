import type { Picture } from '../kernel/picture.ts'
import type { BrandSettings } from './brand.ts'
import { brandFields, mostNameLength } from './fields.ts'
import { readLogo } from './logo.ts'

/** The settings as text, as the environment has them. */
export type BrandTexts = {
  readonly BRAND_NAME?: string | undefined
  readonly BRAND_COLOR?: string | undefined
  readonly BRAND_LOGO?: string | undefined
  readonly BRAND_LOGO_DARK?: string | undefined
  readonly BRAND_FAVICON?: string | undefined
  readonly SUPPORT_EMAIL?: string | undefined
  readonly PRIVACY_URL?: string | undefined
  readonly TERMS_URL?: string | undefined
}

/** Reads the operator's name, color, pictures and addresses. Adds all errors to `faults`. */
export function readBrand(texts: BrandTexts, faults: string[]): BrandSettings {
  const fault = (setting: keyof BrandTexts, message: string): null => {
    faults.push(`${setting}: ${message}`)
    return null
  }
  const read = (setting: keyof BrandTexts, field: keyof typeof messages): string | null => {
    const text = texts[setting]
    if (text === undefined) return null
    const value = brandFields[field](text)
    return value.ok ? value.value : fault(setting, messages[field])
  }
  const picture = (setting: 'BRAND_LOGO' | 'BRAND_LOGO_DARK' | 'BRAND_FAVICON'): Picture | null => {
    const path = texts[setting]
    if (path === undefined) return null
    const file = readLogo(path)
    return file.ok ? file.value : fault(setting, `the file ${file.error}`)
  }
  return {
    name: read('BRAND_NAME', 'name'),
    color: read('BRAND_COLOR', 'color'),
    logo: picture('BRAND_LOGO'),
    logoDark: picture('BRAND_LOGO_DARK'),
    favicon: picture('BRAND_FAVICON'),
    supportEmail: read('SUPPORT_EMAIL', 'supportEmail'),
    privacyUrl: read('PRIVACY_URL', 'privacyUrl'),
    termsUrl: read('TERMS_URL', 'termsUrl'),
  }
}

const messages = {
  name: `must have at most ${mostNameLength} characters`,
  color: 'must be a color like #1f4f82',
  supportEmail: 'must be an email address',
  privacyUrl: 'must be an https URL',
  termsUrl: 'must be an https URL',
} as const
