import type { ComponentChildren, VNode } from 'preact'
import { renderToString } from 'preact-render-to-string'
import type { Accent } from '../branding/brand.ts'
import type { Locale } from '../kernel/locale.ts'
import type { Block } from './templates.ts'

/** Text on each of its grounds has a contrast of at least 4.5:1 in both schemes, like the pages. */
const light = { paper: '#f6f7f9', sheet: '#ffffff', ink: '#14181f', soft: '#545e6d', line: '#dfe3e8' }
const dark = { paper: '#0e1116', sheet: '#161b22', ink: '#e8ecf1', soft: '#a0abba', line: '#2b333d' }
const builtIn: Accent = {
  light: { accent: '#3b5bdb', onAccent: '#ffffff' },
  dark: { accent: '#9bb0ff', onAccent: '#000000' },
}

const font = 'system-ui,Segoe UI,Roboto,Helvetica,Arial,sans-serif'

/**
 * Colors for the dark scheme. Mail programs that ignore style sheets keep the inline colors, which are readable on
 * their own; `!important` is needed because inline styles would win otherwise.
 */
const darkStyle = ({ accent, onAccent }: Accent['dark']): string => `
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) {
  .paper { background: ${dark.paper} !important; }
  .sheet { background: ${dark.sheet} !important; border-color: ${dark.line} !important; color: ${dark.ink} !important; }
  .soft { color: ${dark.soft} !important; }
  .name, .link { color: ${accent} !important; }
  .button { background: ${accent} !important; color: ${onAccent} !important; }
}
`

export type HtmlMessage = {
  readonly locale: Locale
  readonly title: string
  /** The name of the service, above the message. */
  readonly service: string
  /** Colors of the operator; `null` for the built-in ones. */
  readonly accent: Accent | null
  /** Text of the operator above the message; `null` for none. */
  readonly header: string | null
  readonly body: readonly Block[]
  /** Smaller text below the message. */
  readonly footer: readonly string[]
}

/**
 * A message as HTML. It has no images, scripts or remote content, not even the operator's logo: opening a message is
 * reported to no one. The layout is a table with inline styles, since many mail programs ignore anything newer.
 */
export function renderHtml({ locale, title, service, accent, header, body, footer }: HtmlMessage): string {
  const colors = accent ?? builtIn
  const firstLink = body.findIndex((block) => typeof block !== 'string' && 'link' in block)
  const view = (
    <html lang={locale}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="supported-color-schemes" content="light dark" />
        <title>{title}</title>
        {/* The content is ours: colors that were checked when they were read. */}
        <style dangerouslySetInnerHTML={{ __html: darkStyle(colors.dark) }} />
      </head>
      <body class="paper" style={`margin:0;padding:0;background:${light.paper}`}>
        <Box class="paper" style={`background:${light.paper};padding:24px 12px`}>
          <Box
            class="sheet"
            width={560}
            style={`background:${light.sheet};border:1px solid ${light.line};border-radius:12px;padding:28px;color:${light.ink};font:16px/1.5 ${font}`}
          >
            <p class="name" style={`margin:0 0 20px;font-weight:700;color:${colors.light.accent}`}>
              {service}
            </p>
            {header === null ? null : (
              <p class="soft" style={`margin:0 0 20px;color:${light.soft}`}>
                {header}
              </p>
            )}
            {body.map((block, at) => (
              <Part key={at} block={block} colors={colors.light} isFirstLink={at === firstLink} />
            ))}
            {footer.map((line) => (
              <p key={line} class="soft" style={`margin:16px 0 0;font-size:14px;color:${light.soft}`}>
                {line}
              </p>
            ))}
          </Box>
        </Box>
      </body>
    </html>
  )
  return `<!doctype html>\n${renderToString(view)}\n`
}

type BoxProps = { class: string; style: string; width?: number; children: ComponentChildren }

/** A box that Outlook, which knows no `max-width` for blocks, shows as well. */
const Box = ({ class: name, style, width, children }: BoxProps): VNode => (
  <table
    role="presentation"
    width="100%"
    cellPadding="0"
    cellSpacing="0"
    style={`border-collapse:separate;margin:0 auto${width === undefined ? '' : `;max-width:${width}px`}`}
  >
    <tbody>
      <tr>
        <td class={name} style={style}>
          {children}
        </td>
      </tr>
    </tbody>
  </table>
)

type PartProps = { block: Block; colors: Accent['light']; isFirstLink: boolean }

function Part({ block, colors: { accent, onAccent }, isFirstLink }: PartProps): VNode {
  const paragraph = 'margin:0 0 16px'
  if (typeof block === 'string') return <p style={paragraph}>{block}</p>
  if ('code' in block)
    return (
      <p style={`${paragraph};font:600 28px/1.4 ui-monospace,Menlo,Consolas,monospace;letter-spacing:.15em`}>
        {block.code}
      </p>
    )
  if ('facts' in block)
    return (
      <p style={paragraph}>
        {block.facts.map(([name, value], at) => (
          <>
            {at === 0 ? null : <br />}
            <span class="soft" style={`color:${light.soft}`}>
              {name}:
            </span>{' '}
            {value}
          </>
        ))}
      </p>
    )
  return (
    <p style={isFirstLink ? 'margin:24px 0' : paragraph}>
      {isFirstLink ? (
        <a
          class="button"
          href={block.link}
          style={`display:inline-block;padding:12px 20px;border-radius:8px;background:${accent};color:${onAccent};font-weight:600;text-decoration:none`}
        >
          {block.label}
        </a>
      ) : (
        <a class="link" href={block.link} style={`color:${accent}`}>
          {block.label}
        </a>
      )}
    </p>
  )
}
