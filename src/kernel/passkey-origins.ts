import { isLoopback } from './loopback.ts'
import { parseUrl } from './parse-url.ts'

/** An Android app: the SHA-256 of its signing certificate, and its package name if known. */
export type AndroidApp = { readonly certificate: Buffer; readonly packageName: string | null }

/** Where passkeys may be used, besides the pages of the service. */
export type PasskeyOrigins = {
  /** Other web origins, as browsers write them. */
  readonly web: readonly string[]
  readonly android: readonly AndroidApp[]
  /** App IDs of Apple: team ID, dot, bundle ID. */
  readonly apple: readonly string[]
}

const androidScheme = 'android:apk-key-hash:'

/** Parses one item of the setting; `undefined` if it is invalid. */
function readItem(text: string, production: boolean): Partial<PasskeyOrigins> | undefined {
  if (text.startsWith(androidScheme)) {
    const [hash = '', packageName, ...more] = text.slice(androidScheme.length).split('@')
    const certificate = readCertificateHash(hash)
    const fine = packageName === undefined || /^[a-z]\w*(\.[a-z]\w*)+$/i.test(packageName)
    return certificate && fine && more.length === 0
      ? { android: [{ certificate, packageName: packageName ?? null }] }
      : undefined
  }
  if (/^[A-Z0-9]{10}(\.[A-Za-z0-9-]+)+$/.test(text)) return { apple: [text] }
  // For the URL parser `*` is an ordinary host, and it would match nothing.
  const url = !text.includes('*') ? parseUrl(text) : undefined
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname) && !production)
  return url && secure && `${url.origin}/` === url.href ? { web: [url.origin] } : undefined
}

/**
 * The hash of a certificate in either spelling. Android sends base64url. The Play Console, `keytool` and
 * `assetlinks.json` write pairs of hexadecimal digits with colons.
 */
function readCertificateHash(text: string): Buffer | undefined {
  if (/^[0-9a-f]{2}(:[0-9a-f]{2}){31}$/i.test(text)) return Buffer.from(text.replaceAll(':', ''), 'hex')
  const plain = text.replace(/=$/, '').replaceAll('+', '-').replaceAll('/', '_')
  const bytes = Buffer.from(plain, 'base64url')
  return bytes.length === 32 && bytes.toString('base64url') === plain ? bytes : undefined
}

/** The value of `PASSKEY_ORIGINS`, and the positions, from 1, of invalid items. */
export function readPasskeyOrigins(
  items: readonly string[],
  production: boolean,
): { readonly origins: PasskeyOrigins; readonly faulty: readonly number[] } {
  const read = items.map((item) => readItem(item, production))
  return {
    origins: {
      web: [...new Set(read.flatMap((item) => item?.web ?? []))],
      android: read.flatMap((item) => item?.android ?? []),
      apple: [...new Set(read.flatMap((item) => item?.apple ?? []))],
    },
    faulty: read.flatMap((item, at) => (item ? [] : at + 1)),
  }
}

/**
 * All values of `origin` that the client data of a passkey may contain. Apple writes the https origin of the relying
 * party for its apps, without a port. Android writes `android:apk-key-hash:` and base64url without padding. Some
 * password managers write the same hash as plain base64, with or without padding.
 */
export function clientOrigins({ web, android, apple }: PasskeyOrigins, publicUrl: URL): string[] {
  const hashes = android.flatMap(({ certificate }) => {
    const plain = certificate.toString('base64')
    return [certificate.toString('base64url'), plain.replace(/=$/, ''), plain]
  })
  return [
    ...new Set([
      publicUrl.origin,
      ...web,
      ...(apple.length > 0 ? [`https://${publicUrl.hostname}`] : []),
      ...hashes.map((hash) => androidScheme + hash),
    ]),
  ]
}

/** The hash of a certificate as in `assetlinks.json`: upper-case pairs of hexadecimal digits with colons. */
export const fingerprintOf = ({ certificate }: AndroidApp): string =>
  certificate
    .toString('hex')
    .toUpperCase()
    .replace(/..(?=.)/g, '$&:')
