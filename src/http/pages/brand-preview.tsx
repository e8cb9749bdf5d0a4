import type { VNode } from 'preact'
import type { AccentPair } from '../../branding/brand.ts'
import type { BrandView } from '../../branding/branding.ts'
import { usePageFrame, useScript } from '../page-frame.ts'
import { brandingScript } from './branding-script.ts'
import type { Reader } from './layout.tsx'

/** The colors of the pages in both schemes, and the accent without an operator's color: see `style.ts`. */
const schemes = {
  light: { paper: '#f6f7f9', sheet: '#ffffff', ink: '#14181f', line: '#dfe3e8', accent: '#3b5bdb', on: '#ffffff' },
  dark: { paper: '#0e1116', sheet: '#161b22', ink: '#e8ecf1', line: '#2b333d', accent: '#9bb0ff', on: '#000000' },
} as const

/**
 * A sign-in page in both color schemes. It is drawn, because the policy of pages permits no inline style: attributes of
 * an SVG are none.
 */
export function BrandPreview({ view, locale, say }: Reader & { readonly view: BrandView }): VNode {
  const { brand } = view
  const { brand: current } = usePageFrame()
  const { branding: words } = say
  const text = brand.formText[locale]
  useScript(brandingScript)
  return (
    <div data-brand="preview" data-name={current.name}>
      <div class="previews">
        {(['light', 'dark'] as const).map((scheme) => (
          <Sample
            key={scheme}
            scheme={scheme}
            name={brand.name ?? current.name}
            pair={brand.accent?.[scheme] ?? null}
            say={say}
          />
        ))}
      </div>
      {(['light', 'dark'] as const).map((scheme) => {
        const other = otherColor(view, scheme)
        const sentence = scheme === 'light' ? words.otherLight : words.otherDark
        return (
          <p key={scheme} class="fine" data-contrast={scheme} data-words={sentence('{color}')} hidden={other === null}>
            {other === null ? '' : sentence(other)}
          </p>
        )
      })}
      <p class="fine prose" data-text="form" hidden={text === null}>
        {text}
      </p>
    </div>
  )
}

/** Which color is used instead, where the operator's own is not readable. */
function otherColor({ values: { color }, brand: { accent } }: BrandView, scheme: 'light' | 'dark'): string | null {
  return color === null || accent === null || accent[scheme].accent === color ? null : accent[scheme].accent
}

type SampleProps = Pick<Reader, 'say'> & {
  readonly scheme: keyof typeof schemes
  readonly name: string
  readonly pair: AccentPair | null
}

function Sample({ scheme, name, pair, say }: SampleProps): VNode {
  const { paper, sheet, ink, line, accent, on } = schemes[scheme]
  const { accent: color, onAccent } = pair ?? { accent, onAccent: on }
  const { branding: words } = say
  const short = [...name].length > 24 ? `${[...name].slice(0, 23).join('')}…` : name
  return (
    <svg
      viewBox="0 0 320 200"
      role="img"
      aria-label={`${words[scheme]}: ${name}, ${color}`}
      font-size="14"
      data-scheme={scheme}
      data-label={words[scheme]}
      data-accent={accent}
      data-on={on}
    >
      <rect width="320" height="200" fill={paper} />
      <rect x="24" y="56" width="272" height="120" rx="12" fill={sheet} stroke={line} />
      <rect x="24" y="16" width="28" height="28" rx="8" fill={color} data-fill="accent" />
      <text x="38" y="36" text-anchor="middle" fill={onAccent} data-fill="on" data-text="initial">
        {[...name][0]?.toUpperCase()}
      </text>
      <text x="62" y="35" font-weight="700" fill={ink} data-text="name">
        {short}
      </text>
      <rect x="44" y="80" width="232" height="40" rx="8" fill={color} data-fill="accent" />
      <text x="160" y="105" text-anchor="middle" fill={onAccent} data-fill="on">
        {say.signIn}
      </text>
      <text x="160" y="150" text-anchor="middle" fill={color} data-fill="accent" text-decoration="underline">
        {words.sampleLink}
      </text>
    </svg>
  )
}
