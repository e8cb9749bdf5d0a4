import { parseCookie, stringifySetCookie } from 'cookie'
import type { CookieChange } from './reply.ts'

/**
 * Our cookies: opaque, `HttpOnly`, `Path=/`, no `Domain`. `__Host-` makes the browser hold them to that, so that a
 * neighbouring subdomain cannot plant one. Browsers refuse the prefix and `Secure` on plain http, so there both are
 * left away; the configuration lets plain http pass on loopback outside production alone.
 */
export function createCookies({ publicUrl }: { publicUrl: URL }) {
  const secure = publicUrl.protocol === 'https:'
  const prefix = secure ? '__Host-vinculum_' : 'vinculum_'

  return {
    secure,
    nameOf: (name: string): string => `${prefix}${name}`,
    /** Every cookie of a request, by whole name. */
    parse: (header: string): Readonly<Record<string, string | undefined>> => parseCookie(header),

    /** The `Set-Cookie` of a change. Deleting repeats the attributes: a browser ignores a deletion that differs. */
    write({ name, value, maxAgeSeconds, sameSite }: CookieChange): string {
      const line = stringifySetCookie({
        name: `${prefix}${name}`,
        value: value ?? '',
        path: '/',
        httpOnly: true,
        secure,
        sameSite,
        ...(value === null
          ? { maxAge: 0, expires: new Date(0) }
          : maxAgeSeconds === undefined
            ? {}
            : { maxAge: maxAgeSeconds }),
      })
      if (line.length > 4096) throw new Error(`the cookie ${name} is larger than browsers keep`)
      return line
    },
  }
}
export type Cookies = ReturnType<typeof createCookies>
