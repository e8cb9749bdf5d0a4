import type { VNode } from 'preact'
import type { PageScripts } from './headers.ts'

/** What a handler returns, as a value; the frame turns it into bytes and headers. */
export type Answer<T> = Json<T> | Stream | Empty | Redirect | Page | Text

/** A cookie by its name without the prefix; `value: null` deletes it, with the attributes it was set with. */
export type CookieChange = {
  readonly name: string
  readonly value: string | null
  /** Absent: the cookie ends with the browser session. */
  readonly maxAgeSeconds?: number
  readonly sameSite: 'lax' | 'strict'
}
export type Headers = Readonly<Record<string, string>>
type Extras = { readonly cookies?: readonly CookieChange[]; readonly headers?: Headers }

export type Json<T> = Extras & { readonly kind: 'json'; readonly value: T; readonly status?: number }
/**
 * A text that is too long for memory, in pieces, such as one JSON value. The next piece is requested once the client has
 * received the previous ones. If one fails, the connection is destroyed, so that the client does not mistake a part for
 * the whole.
 */
export type Stream = Extras & {
  readonly kind: 'stream'
  readonly contentType: string
  readonly pieces: AsyncIterable<string>
}
export type Empty = Extras & { readonly kind: 'empty'; readonly clearSiteData?: boolean }
export type Redirect = Extras & {
  readonly kind: 'redirect'
  readonly location: string
  readonly clearSiteData?: boolean
}
export type Page = Extras & {
  readonly kind: 'page'
  readonly view: VNode
  readonly status?: number
  /** Origins, besides our own, that a form on this page may be redirected to after submission (CSP `form-action`). */
  readonly formAction?: readonly string[]
  /** Which script files may run on it, and call this service. */
  readonly scripts?: PageScripts
  readonly clearSiteData?: boolean
}
export type Text = Extras & {
  readonly kind: 'text'
  readonly contentType: string
  readonly text: string
  readonly status?: number
}

export const json = <T>(
  value: T,
  more: { status?: number; cookies?: readonly CookieChange[]; headers?: Headers } = {},
): Json<T> => ({ kind: 'json', value, ...more })

export const textStream = (
  contentType: string,
  pieces: AsyncIterable<string>,
  more: { headers?: Headers } = {},
): Stream => ({ kind: 'stream', contentType, pieces, ...more })

export const jsonStream = (pieces: AsyncIterable<string>, more: { headers?: Headers } = {}): Stream =>
  textStream('application/json', pieces, more)

export const noContent = (
  more: { cookies?: readonly CookieChange[]; headers?: Headers; clearSiteData?: boolean } = {},
): Empty => ({ kind: 'empty', ...more })

/** Always 303: the next request is a GET, whatever the method of this one, so no body is forwarded. */
export const seeOther = (
  location: string | URL,
  more: { cookies?: readonly CookieChange[]; headers?: Headers; clearSiteData?: boolean } = {},
): Redirect => ({ kind: 'redirect', location: String(location), ...more })

/**
 * A whole document from `<html>` on; the frame adds the doctype and the headers. Pages have no scripts unless `scripts`
 * is set.
 */
export const page = (
  view: VNode,
  more: {
    status?: number
    formAction?: readonly string[]
    scripts?: PageScripts
    cookies?: readonly CookieChange[]
    headers?: Headers
    clearSiteData?: boolean
  } = {},
): Page => ({ kind: 'page', view, ...more })

export const text = (
  contentType: string,
  content: string,
  more: { status?: number; headers?: Headers } = {},
): Text => ({
  kind: 'text',
  contentType,
  text: content,
  ...more,
})
