import type { Brand } from '../../src/branding/brand.ts'

/** An operator who set nothing. */
export const plainBrand: Brand = {
  name: null,
  accent: null,
  logo: null,
  logoDark: null,
  favicon: null,
  supportEmail: null,
  privacyUrl: null,
  termsUrl: null,
  formText: { en: null, 'pt-BR': null },
  mailSender: null,
  mailHeader: { en: null, 'pt-BR': null },
  mailFooter: { en: null, 'pt-BR': null },
}
