import type { ComponentChildren, VNode } from 'preact'
import type { Locale } from '../../errors/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import { page } from '../reply.ts'
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
  /** The scopes of the viewer: administrators get a link to their pages. */
  readonly scopes?: readonly string[]
  /** A notice of what was just done. Screen readers announce it. */
  readonly status?: string | undefined
  /** Where the browser is redirected at once. */
  readonly onward?: string
  readonly children: ComponentChildren
}

/** The frame of every page: one heading, one main landmark, and a link that skips the navigation. */
export function Layout({ locale, say, title, signedIn, scopes = [], status, onward, children }: LayoutProps): VNode {
  return (
    <html lang={locale}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        {onward === undefined ? null : <meta http-equiv="refresh" content={`0; url=${onward}`} />}
        <title>{`${title} — Vinculum`}</title>
        <link rel="stylesheet" href={stylesheet.path} />
      </head>
      <body>
        <a class="skip" href="#content">
          {say.skip}
        </a>
        <header>
          <a class="wordmark" href="/">
            Vinculum
          </a>
          {signedIn === undefined ? null : (
            <nav aria-label={say.navigation}>
              <a href="/account">{say.account}</a>
              <a href="/account/activity">{say.activity}</a>
              <a href="/account/teams">{say.teams.title}</a>
              {scopes.includes('users:read') ? <a href="/admin">{say.admin.title}</a> : null}
              <Form action="/account/sign-out" csrf={signedIn}>
                <button type="submit" class="quiet">
                  {say.signOut}
                </button>
              </Form>
            </nav>
          )}
        </header>
        <main id="content" tabindex={-1}>
          <h1>{title}</h1>
          {status === undefined ? null : (
            <p role="status" class="status">
              {status}
            </p>
          )}
          {children}
        </main>
      </body>
    </html>
  )
}

type FormProps = { readonly action: string; readonly csrf: string; readonly children: ComponentChildren }

export const Form = ({ action, csrf, children }: FormProps): VNode => (
  <form method="post" action={action}>
    <input type="hidden" name="csrf" value={csrf} />
    {children}
  </form>
)

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

/** A time in UTC, and it says so: without a script, a page cannot know the time zone of its reader. */
export function Time({ at, locale, say }: Reader & { at: Date }): VNode {
  const words = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }).format(at)
  return <time datetime={at.toISOString()}>{`${words} ${say.utc}`}</time>
}

/** A definition list. `null` entries are left out. */
export function Facts({ of }: { of: readonly (readonly [string, ComponentChildren] | null)[] }): VNode {
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
