import type { ComponentChildren, VNode } from 'preact'
import type { Locale } from '../../errors/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import { readTimeZone } from '../../kernel/time-zone.ts'
import type { PageBrand } from '../brand.ts'
import { type FormRefusal, usePageFrame, useScript } from '../page-frame.ts'
import { page } from '../reply.ts'
import { pageScript } from './page-script.ts'
import { RefusalSummary, useRefusedForm } from './refusal.tsx'
import { isAdministration, Sections } from './sections.tsx'
import { stylesheet } from './style.ts'
import { type Texts, textsFor } from './texts.ts'

/** The language of the reader, and the texts in it. */
export type Reader = { readonly locale: Locale; readonly say: Texts }
export const readerOf = (locale: Locale): Reader => ({ locale, say: textsFor(locale) })

/** Answers with a page, and names its language. */
export const show = (locale: Locale, view: VNode, more: Parameters<typeof page>[1] = {}) =>
  ok(page(view, { ...more, headers: { 'Content-Language': locale, ...more.headers } }))

type LayoutProps = Reader & {
  readonly title: string
  /** The form token, if someone is signed in: then the navigation is shown. */
  readonly signedIn?: string | undefined
  /** Asks one question, although a person is signed in: in a card, without the navigation of the account. */
  readonly card?: true
  /** The scopes of the viewer: administrators get a link to their pages. */
  readonly scopes?: readonly string[]
  /** A notice of what was just done. Screen readers announce it. */
  readonly status?: string | undefined
  /** The notice says what to do next, and reports no success. */
  readonly isRequest?: boolean | undefined
  /** Why the form on the page was refused. */
  readonly refused?: readonly FormRefusal[] | undefined
  /** The page reports an error that no form on it can correct. */
  readonly isError?: true
  /** Where the browser is redirected at once. */
  readonly onward?: string
  readonly children: ComponentChildren
}

/**
 * The frame of every page: one heading, one main landmark, and a link that skips the navigation. Before a sign-in, and
 * for a single question, the page is one card in the middle. Otherwise it has the navigation of its area.
 */
export function Layout(props: LayoutProps): VNode {
  const { locale, say, title, signedIn, card, isError, onward, children } = props
  const refusedForm = useRefusedForm()
  const refused = refusedForm ?? props.refused ?? []
  const status = refusedForm ? undefined : props.status
  const frame = usePageFrame()
  const { brand, path, viewer } = frame
  frame.refusals = refused
  const isArea = signedIn !== undefined && card === undefined
  const main = (
    <main id="content" tabindex={-1}>
      <h1>{title}</h1>
      {status === undefined ? null : (
        <p role="status" class={props.isRequest ? 'status' : 'status good'}>
          {status}
        </p>
      )}
      <RefusalSummary of={refused} say={say} />
      {children}
    </main>
  )
  const ownArea = !isAdministration(path)
  const scopes = props.scopes ?? viewer?.scopes ?? []
  return (
    <html lang={locale}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        {onward === undefined ? null : <meta http-equiv="refresh" content={`0; url=${onward}`} />}
        <title>{`${isError || refused.length > 0 ? `${say.refused.title}: ` : ''}${title} — ${brand.name}`}</title>
        <link rel="stylesheet" href={stylesheet.path} />
        {brand.stylesheet === null ? null : <link rel="stylesheet" href={brand.stylesheet} />}
        {brand.favicon === null ? null : <link rel="icon" href={brand.favicon.path} type={brand.favicon.contentType} />}
      </head>
      <body class={isArea ? 'area' : 'gate'}>
        <a class="skip" href="#content">
          {say.skip}
        </a>
        {isArea ? (
          <>
            <header>
              <div>
                <Wordmark {...brand} />
                <nav aria-label={say.service}>
                  <a href="/account" aria-current={ownArea ? 'true' : undefined}>
                    {say.account}
                  </a>
                  {scopes.includes('users:read') ? (
                    <a href="/admin" aria-current={ownArea ? undefined : 'true'}>
                      {say.admin.title}
                    </a>
                  ) : null}
                  <Form action="/account/sign-out" csrf={signedIn}>
                    <button type="submit" class="quiet">
                      {say.signOut}
                    </button>
                  </Form>
                </nav>
              </div>
            </header>
            <div class="columns-2">
              <Sections say={say} path={path} scopes={scopes} />
              {main}
            </div>
          </>
        ) : (
          <>
            <header>
              <Wordmark {...brand} />
            </header>
            {main}
            {brand.formText[locale] === null || signedIn !== undefined ? null : (
              <p class="fine prose below">{brand.formText[locale]}</p>
            )}
          </>
        )}
        <Foot locale={locale} say={say} />
        <Scripts />
      </body>
    </html>
  )
}

const Wordmark = ({ name, logo, logoDark }: PageBrand): VNode => (
  <a class="wordmark" href="/">
    {logo === null ? (
      <span class="monogram" aria-hidden="true">
        {name.charAt(0).toUpperCase()}
      </span>
    ) : (
      <picture>
        {logoDark === null ? null : <source srcset={logoDark} media="(prefers-color-scheme: dark)" />}
        <img class="logo" src={logo} alt="" />
      </picture>
    )}
    {name}
  </a>
)

/** Help and legal links of the operator, and the other language. */
function Foot({ locale, say }: Reader): VNode | null {
  const { here, csrfToken, brand } = usePageFrame()
  const { supportEmail, privacyUrl, termsUrl } = brand
  const links = [
    supportEmail === null ? null : { href: `mailto:${supportEmail}`, text: say.foot.help },
    privacyUrl === null ? null : { href: privacyUrl, text: say.foot.privacy },
    termsUrl === null ? null : { href: termsUrl, text: say.foot.terms },
  ].filter((link) => link !== null)
  if (here === null && links.length === 0) return null
  const other = locale === 'en' ? 'pt-BR' : 'en'
  return (
    <footer class="foot">
      {links.map(({ href, text }) => (
        <a key={href} href={href}>
          {text}
        </a>
      ))}
      {here === null ? null : (
        <Form action="/language" csrf={csrfToken()}>
          <input type="hidden" name="return_to" value={here} />
          <button type="submit" class="quiet" name="language" value={other} lang={other}>
            {say.otherLanguage}
          </button>
        </Form>
      )}
    </footer>
  )
}

/** The script files that the components above asked for, in that order. They run once the page is parsed. */
const Scripts = (): VNode => (
  <>
    {[...usePageFrame().scripts].map((src) => (
      <script key={src} src={src} defer />
    ))}
  </>
)

type FormProps = {
  readonly action: string
  readonly csrf: string
  /** One of its fields is a file. */
  readonly hasFile?: true
  /** Where a script asks what it would do, without doing it. */
  readonly preview?: string
  readonly children: ComponentChildren
}

export function Form({ action, csrf, hasFile, preview, children }: FormProps): VNode {
  usePageFrame().formAction = action
  return (
    <form method="post" action={action} enctype={hasFile && 'multipart/form-data'} data-preview={preview}>
      <input type="hidden" name="csrf" value={csrf} />
      {children}
    </form>
  )
}

/** The last line of a page below the account page. */
export const BackToAccount = ({ say }: Reader): VNode => (
  <p class="actions">
    <a class="button" href="/account">
      {say.backToAccount}
    </a>
  </p>
)

type SignInAgainProps = Reader & {
  /** The page to return to. */
  readonly returnTo: string
}

/** Replaces what needs a recent sign-in: explains why, and offers to sign in. */
export const SignInAgain = (props: SignInAgainProps): VNode => (
  <>
    <p>{props.say.recent}</p>
    <SignInAgainLink {...props} />
  </>
)

/** A link to the sign-in page, which returns here. */
export const SignInAgainLink = ({ say, returnTo }: SignInAgainProps): VNode => (
  <p class="actions">
    <a class="button" href={`/login?return_to=${encodeURIComponent(returnTo)}`}>
      {say.signInAgain}
    </a>
  </p>
)

/** Text for screen readers only: what a button that occurs several times acts on. */
export const Unseen = ({ children }: { children: ComponentChildren }): VNode => <span class="unseen">{children}</span>

const units = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const

/** "5 minutes ago", "in 3 days", in whole units. Less than a minute is "now", or still "in 1 minute". */
export function relativeTime(at: Date, now: Date, locale: Locale): string {
  const seconds = (at.getTime() - now.getTime()) / 1000
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
  const found = units.find(([, size]) => Math.abs(seconds) >= size)
  if (found === undefined) return seconds > 0 ? format.format(1, 'minute') : format.format(0, 'second')
  const [unit, size] = found
  return format.format(Math.trunc(seconds / size), unit)
}

/**
 * A time relative to now, and exactly as its title. `exact`: the other way around, after words such as "until". It is in
 * the time zone of the account. Without one, it is in UTC and says so, until a script shows it in the zone of the
 * browser.
 */
export function Time({ at, exact: isExact, locale, say }: Reader & { at: Date; exact?: true }): VNode {
  const { now, viewer } = usePageFrame()
  const zone = viewer?.account.timeZone ?? null
  if (zone === null) useScript(pageScript)
  const exact = zone === null ? `${timeIn('UTC', at, locale)} ${say.utc}` : timeIn(zone, at, locale)
  const datetime = at.toISOString()
  return now === null || isExact ? (
    <time datetime={datetime} data-zone={zone === null ? 'text' : undefined}>
      {exact}
    </time>
  ) : (
    <time datetime={datetime} title={exact} data-zone={zone === null ? 'title' : undefined}>
      {relativeTime(at, now, locale)}
    </time>
  )
}

/** One format for each language and zone: creating one takes longer than a page of times. */
const formats = new Map<string, Intl.DateTimeFormat>()
function timeIn(zone: string, at: Date, locale: Locale): string {
  const key = `${locale} ${zone}`
  const known = formats.get(key)
  if (known) return known.format(at)
  // A node with older zone data may not know a zone that another node stored.
  const timeZone = readTimeZone(zone) ?? 'UTC'
  const options = { day: 'numeric', month: 'short', year: 'numeric', hour: 'numeric', minute: '2-digit' } as const
  const made = new Intl.DateTimeFormat(locale, {
    ...(zone === 'UTC' ? { dateStyle: 'medium', timeStyle: 'short' } : { ...options, timeZoneName: 'short' }),
    timeZone,
  })
  if (formats.size >= 500) formats.clear()
  formats.set(key, made)
  return made.format(at)
}

/** Names with what they stand for. */
export type FactList = readonly (readonly [string, ComponentChildren] | null)[]

/** A definition list. `null` entries are left out. */
export function Facts({ of }: { of: FactList }): VNode {
  return (
    <dl class="facts">
      {of.map((fact) =>
        fact === null ? null : (
          <div key={fact[0]}>
            <dt>{fact[0]}</dt>
            <dd>{fact[1]}</dd>
          </div>
        ),
      )}
    </dl>
  )
}
