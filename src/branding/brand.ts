/** How pages and messages present the operator of the service. */
export type Brand = {
  /** `null`: the operator set none. */
  readonly name: string | null
  /** Accent colors that are readable on the pages; `null` for the built-in ones. */
  readonly accent: Accent | null
  readonly logo: Logo | null
  readonly supportEmail: string | null
  readonly privacyUrl: string | null
  readonly termsUrl: string | null
}

/** Colors as `#rrggbb`, for both color schemes. */
export type Accent = { readonly light: AccentPair; readonly dark: AccentPair }
/** The color of buttons and links, and the color of text on such a button. */
export type AccentPair = { readonly accent: string; readonly onAccent: string }

export type Logo = { readonly contentType: LogoType; readonly body: Buffer }
export type LogoType = 'image/png' | 'image/svg+xml'

/** What the operator sets. The colors derive from one color. */
export type BrandSettings = Omit<Brand, 'accent'> & { readonly color: string | null }
