import type { Accent, AccentPair } from './brand.ts'

/** The backgrounds that links and buttons stand on: those of the pages in both color schemes. */
export const backgrounds = {
  light: ['#f6f7f9', '#ffffff', '#eff1f5', '#e9eefc'],
  dark: ['#0e1116', '#161b22', '#1f2630', '#1b2440'],
} as const

/** Text needs this contrast with its background (WCAG 2.2, success criterion 1.4.3). */
const leastContrast = 4.5
/** Fifty steps reach black or white, which have enough contrast with every background. */
const steps = 50

/**
 * The operator's color for both schemes. A color that is too pale for a light page is darkened, and one that is too dark
 * for a dark page is lightened, only as far as text in it is readable. The hue stays. `color` is `#rrggbb`.
 */
export async function accentFor(color: string): Promise<Accent> {
  // Loaded only for an operator who has set a color.
  const { formatHex, interpolate, wcagContrast } = await import('culori')

  const readable = (behind: readonly string[], toward: string): AccentPair => {
    const mix = interpolate([color, toward], 'oklab')
    const shades = Array.from({ length: steps + 1 }, (_, step) => formatHex(mix(step / steps)))
    const accent = shades.find((shade) => behind.every((one) => wcagContrast(shade, one) >= leastContrast)) ?? toward
    const onAccent = wcagContrast(accent, '#ffffff') >= leastContrast ? '#ffffff' : '#000000'
    return { accent, onAccent }
  }
  return {
    light: readable(backgrounds.light, '#000000'),
    dark: readable(backgrounds.dark, '#ffffff'),
  }
}
