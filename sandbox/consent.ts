/**
 * Chooses the user who signs in: on a page, or automatically so that tests can use plain HTTP. The provider has already
 * validated the request.
 */
import { type Answer, type ProviderRequest, reader } from './exchange.ts'
import type { Holder, Place } from './look-alike.ts'

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)

/** Sets no `form-action`: browsers also apply it to the redirect after the form, which leads to the application. */
const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
}

const STYLE = `
  :root { color-scheme: light dark; font: 1.0625rem/1.5 system-ui, sans-serif }
  body { max-width: 30rem; margin: 12vh auto; padding: 0 1rem }
  h1 { font-size: 1.375rem; line-height: 1.3 }
  ul { list-style: none; padding: 0 }
  li { margin: .5rem 0 }
  button { font: inherit; width: 100%; min-height: 2.75rem; padding: .5rem .875rem; text-align: start; cursor: pointer }
  .deny { margin-top: 1.5rem }`

export function page(status: number, title: string, content: string): Answer {
  const body = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title><style>${STYLE}
</style></head>
<body><main><h1>${escaped(title)}</h1>
${content}
</main></body>
</html>
`
  return { status, headers: PAGE_HEADERS, body }
}

/** An error that only the user sees. The application is not notified. */
export const errorPage = (status: number, title: string, detail: string): Answer =>
  page(status, title, `<p>${escaped(detail)}</p>`)

function consentPage<Account, Switches>(
  { people, label }: Place<Account, Switches>,
  app: string,
  scopes: readonly string[],
): Answer {
  const buttons = people
    .all()
    .map(
      (who) =>
        `<li><button type="submit" name="as" value="${escaped(who.key)}">Continue as ${escaped(who.title)}</button></li>`,
    )
  const asks = scopes.length > 0 ? `<p>${escaped(app)} asks for: ${escaped(scopes.join(', '))}</p>` : ''
  // Without an action the form is sent to the current URL, including its query.
  return page(
    200,
    `Sign in to ${app} with ${label}`,
    `<p>This is a local sandbox. The users are fictional, and no data leaves this computer.</p>
${asks}
<form method="post"><ul>
${buttons.join('\n')}
</ul>
<p class="deny"><button type="submit" name="deny" value="1">Deny</button></p></form>`,
  )
}

export type Consent<Account> = {
  readonly app: string
  readonly scopes: readonly string[]
  chosen(who: Holder<Account>, how: { clicked: boolean }): Answer | Promise<Answer>
  denied(): Answer | Promise<Answer>
}

/** The user who signs in without a page, if any: the one hinted at in the request, or the sandbox's default. */
export function automatic<Account, Switches>(
  { people, mode }: Place<Account, Switches>,
  request: ProviderRequest,
): Holder<Account | undefined> | undefined {
  const hint = request.query.get('login_hint') ?? request.query.get('login')
  const hinted = hint ? people.hinted(hint) : undefined
  return hinted ?? (mode.as === 'click' ? undefined : people.get(mode.as))
}

/**
 * Uses the submitted form, then the sandbox's default answer, then the hint in the request, then the default user.
 * Otherwise shows the page.
 */
export function askPerson<Account, Switches>(
  place: Place<Account, Switches>,
  request: ProviderRequest,
  consent: Consent<Account>,
): Answer | Promise<Answer> {
  const field = reader(request)
  const clicked = request.method === 'POST' ? field('as') : undefined
  if (request.method === 'POST' && field('deny') !== undefined) return consent.denied()
  if (clicked === undefined && place.mode.deny) return consent.denied()
  const who = clicked !== undefined ? place.people.get(clicked) : automatic(place, request)
  if (who === undefined) return consentPage(place, consent.app, consent.scopes)
  const { account } = who
  if (account === undefined) return errorPage(403, 'No such account', `${who.key} has no account at ${place.label}.`)
  return consent.chosen({ ...who, account }, { clicked: clicked !== undefined })
}
