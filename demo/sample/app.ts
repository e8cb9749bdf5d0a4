import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { packageRoot } from '../../src/root.ts'
import { type SampleServer, serve } from './server.ts'

const page = (): string => readFileSync(new URL('demo/sample/app.html', packageRoot), 'utf8')
const library = (): Buffer =>
  readFileSync(new URL('../browser/oidc-client-ts.min.js', import.meta.resolve('oidc-client-ts')))
/** The content of an element of the page, as its Content-Security-Policy names it. */
const hashOf = (html: string, element: RegExp): string =>
  `'sha256-${createHash('sha256')
    .update(element.exec(html)?.[1] ?? '')
    .digest('base64')}'`

export type SampleAppSettings = { readonly issuer: string; readonly clientId: string; readonly api: string }

/** The sample app: a page that signs people in with a standard client library. It has no server code of its own. */
export async function startSampleApp(
  at: { readonly port: number; readonly host: string | undefined },
  settings: SampleAppSettings,
): Promise<SampleServer> {
  const html = page()
  const files: Readonly<Record<string, readonly [type: string, content: Buffer | string]>> = {
    '/': ['text/html; charset=utf-8', html],
    '/oidc-client-ts.min.js': ['text/javascript; charset=utf-8', library()],
    '/settings.json': ['application/json', JSON.stringify(settings)],
  }
  const policy = [
    "default-src 'none'",
    `script-src 'self' ${hashOf(html, /<script type="module">([\s\S]*?)<\/script>/)}`,
    `style-src ${hashOf(html, /<style>([\s\S]*?)<\/style>/)}`,
    'img-src data:',
    `connect-src 'self' ${settings.issuer} ${settings.api}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
  return serve(at, (path, request, response) => {
    const file = Object.hasOwn(files, path) ? files[path] : undefined
    if (!file || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404).end()
      return
    }
    const [type, content] = file
    response.writeHead(200, {
      'content-type': type,
      'content-security-policy': policy,
      // The address contains the code of a sign-in.
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    response.end(content)
  })
}
