/** OAuth 2.0 Form Post Response Mode: https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html */
import type { Answer } from './exchange.ts'

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)

/** A page that sends the parameters to the redirect URI as a form, at once or, without scripts, with a button. */
export function formPostPage(redirectUri: string, params: Readonly<Record<string, string | undefined>>): Answer {
  const inputs = Object.entries(params).flatMap(([name, value]) =>
    value === undefined ? [] : [`<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`],
  )
  const body = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Continue</title></head>
<body><form method="post" action="${escaped(redirectUri)}">
${inputs.join('\n')}
<noscript><button type="submit">Continue</button></noscript>
</form><script>document.forms[0].submit()</script></body>
</html>
`
  // The page of another site, with the scripts that it needs. `form-action` would also apply to redirects.
  return { status: 200, headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }, body }
}

const unescaped = (text: string) => text.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))

/** The form on such a page, as a browser would send it; `undefined` on any other page. */
export function readFormPost(page: string): { action: URL; fields: Record<string, string> } | undefined {
  const [, action] = /<form method="post" action="([^"]+)">/.exec(page) ?? []
  if (action === undefined || !page.includes('document.forms[0].submit()')) return undefined
  const inputs = page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)
  const fields = [...inputs].map(([, name = '', value = '']) => [unescaped(name), unescaped(value)])
  return { action: new URL(unescaped(action)), fields: Object.fromEntries(fields) }
}
