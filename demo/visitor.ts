export type Visit = { readonly url: URL; readonly status: number; readonly headers: Headers; readonly text: string }

/** Where a browser goes next without a click: by a redirect, or by a page that leaves at once. */
export function nextOf({ url, headers, text }: Visit): URL | undefined {
  const refresh = /<meta http-equiv="refresh" content="0; url=([^"]*)"/.exec(text)?.[1]
  const to = headers.get('location') ?? refresh?.replaceAll('&amp;', '&')
  return to === undefined ? undefined : new URL(to, url)
}

type Send = (to: URL, init: RequestInit) => Promise<Pick<Response, 'status' | 'headers' | 'text'>>

/**
 * A minimal browser: keeps cookies, follows redirects, submits forms. `send` makes the requests; tests replace it to
 * see the responses.
 */
export function createVisitor(send: Send = fetch) {
  const jar = new Map<string, Map<string, string>>()

  const remember = (url: URL, headers: Headers): void => {
    const cookies = jar.get(url.host) ?? new Map<string, string>()
    jar.set(url.host, cookies)
    for (const line of headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '' || /max-age=0/i.test(line)) cookies.delete(name)
      else cookies.set(name, value)
    }
  }

  /** Makes one request without following redirects. */
  async function ask(to: string | URL, init: RequestInit = {}): Promise<Visit> {
    const url = new URL(to)
    const cookies = [...(jar.get(url.host) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = new Headers({ accept: 'text/html', ...(cookies ? { cookie: cookies } : {}) })
    new Headers(init.headers).forEach((value, name) => {
      headers.set(name, value)
    })
    const response = await send(url, { ...init, headers, redirect: 'manual' })
    remember(url, response.headers)
    return { url, status: response.status, headers: response.headers, text: await response.text() }
  }

  /** Makes a request and follows up to ten redirects. */
  async function go(to: string | URL, init: RequestInit = {}): Promise<Visit> {
    let visit = await ask(to, init)
    for (let step = 0; step < 10; step++) {
      const location = visit.headers.get('location')
      if (location === null || visit.status < 300 || visit.status > 399) return visit
      const next = new URL(location, visit.url)
      visit = await ask(next)
    }
    throw new Error(`too many redirects at ${visit.url.origin}${visit.url.pathname}`)
  }

  return {
    ask,
    go,
    /** Submits the form with this `action`, including its hidden fields, like a browser. */
    submit(page: Visit, action: string, fields: Record<string, string> = {}): Promise<Visit> {
      const form = [...page.text.matchAll(/<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/g)].find(
        ([, to]) => to === action,
      )
      if (!form) throw new Error(`there is no form for ${action} on ${page.url.pathname}`)
      const hidden = [...(form[2] ?? '').matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([input]) => [
        /name="([^"]*)"/.exec(input)?.[1] ?? '',
        /value="([^"]*)"/.exec(input)?.[1] ?? '',
      ])
      const body = new URLSearchParams([...hidden, ...Object.entries(fields)] as [string, string][])
      return go(new URL(action, page.url), {
        method: 'POST',
        body,
        headers: { origin: page.url.origin, 'sec-fetch-site': 'same-origin' },
      })
    },
  }
}
