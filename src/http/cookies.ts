import { parseCookie, stringifySetCookie } from 'cookie'
import type { CookieChange } from './reply.ts'

/**
 * Our cookies: opaque, `HttpOnly`, `Path=/`, no `Domain`. `__Host-` makes the browser enforce this, so that a sibling
 * subdomain cannot set one. Browsers refuse the prefix and `Secure` on plain http, so both are omitted there. The
 * configuration allows plain http only on loopback, outside of production.
 */
export function createCookies({ publicUrl }: { publicUrl: URL }) {
  const secure = publicUrl.protocol === 'https:'
  const prefix = secure ? '__Host-vinculum_' : 'vinculum_'

  return {
    secure,
    nameOf: (name: string): string => `${prefix}${name}`,
    /** Every cookie of a request, by its full name. */
    parse: (header: string): Readonly<Record<string, string | undefined>> => parseCookie(header),

    /**
     * The `Set-Cookie` header of a change. A deletion repeats the attributes: a browser ignores a deletion that
     * differs.
     */
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
