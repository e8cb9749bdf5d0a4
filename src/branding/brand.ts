import type { Locale } from '../kernel/locale.ts'

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
  /** Text below the forms of the sign-in pages. */
  readonly formText: LocalText
  /** The name that messages are sent under; `null` for the name in `MAIL_FROM`. */
  readonly mailSender: string | null
  /** Text above and below every message. */
  readonly mailHeader: LocalText
  readonly mailFooter: LocalText
}

/** A text in both languages. Where the operator wrote only one, readers of the other language get that one. */
export type LocalText = Readonly<Record<Locale, string | null>>

/** Colors as `#rrggbb`, for both color schemes. */
export type Accent = { readonly light: AccentPair; readonly dark: AccentPair }
/** The color of buttons and links, and the color of text on such a button. */
export type AccentPair = { readonly accent: string; readonly onAccent: string }

export type Logo = { readonly contentType: LogoType; readonly body: Buffer }
export type LogoType = 'image/png' | 'image/svg+xml'

/** What the operator sets in the environment. The colors derive from one color. */
export type BrandSettings = Pick<Brand, 'name' | 'logo' | 'supportEmail' | 'privacyUrl' | 'termsUrl'> & {
  readonly color: string | null
}
