import type { VNode } from 'preact'
import type { AccentPair, Brand } from '../../branding/brand.ts'
import { usePageFrame } from '../page-frame.ts'
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
export function BrandPreview({ brand, locale, say }: Reader & { readonly brand: Brand }): VNode {
  const { brand: current } = usePageFrame()
  const text = brand.formText[locale]
  return (
    <>
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
      {text === null ? null : <p class="fine prose">{text}</p>}
    </>
  )
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
    <svg viewBox="0 0 320 200" role="img" aria-label={`${words[scheme]}: ${name}, ${color}`} font-size="14">
      <rect width="320" height="200" fill={paper} />
      <rect x="24" y="56" width="272" height="120" rx="12" fill={sheet} stroke={line} />
      <rect x="24" y="16" width="28" height="28" rx="8" fill={color} />
      <text x="38" y="36" text-anchor="middle" fill={onAccent}>
        {[...name][0]?.toUpperCase()}
      </text>
      <text x="62" y="35" font-weight="700" fill={ink}>
        {short}
      </text>
      <rect x="44" y="80" width="232" height="40" rx="8" fill={color} />
      <text x="160" y="105" text-anchor="middle" fill={onAccent}>
        {say.signIn}
      </text>
      <text x="160" y="150" text-anchor="middle" fill={color} text-decoration="underline">
        {words.sampleLink}
      </text>
    </svg>
  )
}
