/**
 * The marks of providers, for their buttons and entries.
 *
 * The paths of brands come from Font Awesome Free (https://fontawesome.com), CC BY 4.0: see docs/providers.md, “Marks”.
 */

/** One SVG path and its view box. It has no color of its own, and takes that of the text around it. */
export type Mark = { readonly width: number; readonly height: number; readonly path: string }

/** The part of an icon of Font Awesome that this uses. Its path has two parts in icons of two tones, which no brand has. */
type Icon = { readonly icon: readonly [width: number, height: number, ...names: unknown[], path: string | string[]] }

export function markOf({ icon }: Icon): Mark {
  const path = icon.at(-1) as string | string[]
  return { width: icon[0], height: icon[1], path: [path].flat().join('') }
}

/** A key: the mark of a provider whose brand is not known here. */
export const neutralMark: Mark = {
  width: 512,
  height: 512,
  path: 'M160 96a160 160 0 1 0 152 210l40 0 0 78 80 0 0-78 80 0 0-100-200 0a160 160 0 0 0-152-110zm0 108a52 52 0 1 1 0 104 52 52 0 1 1 0-104z',
}
