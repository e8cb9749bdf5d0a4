import { wcagContrast } from 'culori'
import { expect, test } from 'vitest'
import { accentFor, backgrounds } from '../../src/branding/accent.ts'
import { palette } from '../../src/http/palette.ts'

test.each(['#000000', '#ffffff', '#ffff00', '#ff6600', '#1f4f82', '#777777', '#00ff88', '#7a00ff'])(
  'text in %s, and text on it, is readable on light and on dark pages',
  async (color) => {
    const accent = await accentFor(color)
    for (const scheme of ['light', 'dark'] as const) {
      const { accent: shade, onAccent } = accent[scheme]
      for (const background of backgrounds[scheme])
        expect(wcagContrast(shade, background), `${scheme} ${background}`).toBeGreaterThanOrEqual(4.5)
      expect(wcagContrast(onAccent, shade), `text on ${shade}`).toBeGreaterThanOrEqual(4.5)
    }
  },
)

test('a color that is readable already stays as it is', async () => {
  const { light, dark } = await accentFor('#1f4f82')
  expect(light.accent).toBe('#1f4f82')
  expect(dark.accent).not.toBe('#1f4f82')
})

test('the backgrounds are those of the pages', () => {
  for (const background of [...backgrounds.light, ...backgrounds.dark]) expect(palette).toContain(`: ${background};`)
})
