import type { Brand } from '../branding/brand.ts'
import { type StaticFile, staticFile } from './static.ts'

/** What every page shows of the operator. Files are paths of this service. */
export type PageBrand = Pick<Brand, 'supportEmail' | 'privacyUrl' | 'termsUrl'> & {
  readonly name: string
  readonly stylesheet: string | null
  readonly logo: string | null
}

const product = 'Vinculum'

export const plainPageBrand: PageBrand = {
  name: product,
  stylesheet: null,
  logo: null,
  supportEmail: null,
  privacyUrl: null,
  termsUrl: null,
}

const extensions = { 'image/png': 'png', 'image/svg+xml': 'svg' } as const

/** What pages show of a brand, and the files it needs: its colors, and its logo. */
export function pageBrandOf(
  { name, accent, logo, supportEmail, privacyUrl, termsUrl }: Brand,
  publicUrl: URL,
): { readonly page: PageBrand; readonly files: readonly StaticFile[] } {
  const style = accent && staticFile('brand.css', 'text/css; charset=utf-8', colorsOf(accent))
  const picture = logo && staticFile(`logo.${extensions[logo.contentType]}`, logo.contentType, logo.body)
  return {
    page: {
      name: name ?? nameOf(publicUrl),
      stylesheet: style?.path ?? null,
      logo: picture?.path ?? null,
      supportEmail,
      privacyUrl,
      termsUrl,
    },
    files: [style, picture].filter((file) => file !== null),
  }
}

/** Without a name, the service is known by its host; where the host says nothing, by the product. */
function nameOf({ hostname }: URL): string {
  const isLocal = hostname === 'localhost' || hostname.endsWith('.localhost') || /^[\d.]+$|^\[/.test(hostname)
  return isLocal ? product : hostname
}

const colorsOf = ({ light, dark }: NonNullable<Brand['accent']>): string =>
  `:root { --accent: ${light.accent}; --on-accent: ${light.onAccent}; --link: ${light.accent}; }
@media (prefers-color-scheme: dark) {
  :root { --accent: ${dark.accent}; --on-accent: ${dark.onAccent}; --link: ${dark.accent}; }
}
`
