import type { Locale } from '../kernel/locale.ts'
import type { Picture } from '../kernel/picture.ts'

/** How pages and messages present the operator of the service. */
export type Brand = {
  /** `null`: the operator set none. */
  readonly name: string | null
  /** Accent colors that are readable on the pages; `null` for the built-in ones. */
  readonly accent: Accent | null
  /** The logo on a light background. */
  readonly logo: Picture | null
  /** The logo on a dark background; `null`: the same one. */
  readonly logoDark: Picture | null
  /** What browsers show next to the title of a page. */
  readonly favicon: Picture | null
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

/** The fields of a brand that are pictures. */
export const brandPictureFields = ['logo', 'logoDark', 'favicon'] as const
export type BrandPictureField = (typeof brandPictureFields)[number]

/** What the operator sets in the environment. The colors derive from one color. */
export type BrandSettings = Pick<Brand, 'name' | BrandPictureField | 'supportEmail' | 'privacyUrl' | 'termsUrl'> & {
  readonly color: string | null
}
