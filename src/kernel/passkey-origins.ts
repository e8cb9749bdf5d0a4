import { isLoopback } from './loopback.ts'

/** An Android app, by the SHA-256 of the certificate that signs it, and its package name where we know that. */
export type AndroidApp = { readonly certificate: Buffer; readonly packageName: string | null }

/** Where passkeys may be used, beside the pages of the service. */
export type PasskeyOrigins = {
  /** Other web origins, as browsers write them. */
  readonly web: readonly string[]
  readonly android: readonly AndroidApp[]
  /** App IDs of Apple: the team, a dot and the bundle. */
  readonly apple: readonly string[]
}

const androidScheme = 'android:apk-key-hash:'

/** One item of the setting as the part of `PasskeyOrigins` it is, or `undefined` where it is none. */
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
  // To the URL parser `*` is a host like any other, and would match nothing.
  const url = URL.canParse(text) && !text.includes('*') ? new URL(text) : undefined
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname) && !production)
  return url && secure && `${url.origin}/` === url.href ? { web: [url.origin] } : undefined
}

/**
 * The hash of a certificate in either of its spellings: base64url, as Android sends it, or pairs of hexadecimal digits
 * with colons, as the Play Console, `keytool` and `assetlinks.json` write it.
 */
function readCertificateHash(text: string): Buffer | undefined {
  if (/^[0-9a-f]{2}(:[0-9a-f]{2}){31}$/i.test(text)) return Buffer.from(text.replaceAll(':', ''), 'hex')
  const plain = text.replace(/=$/, '').replaceAll('+', '-').replaceAll('/', '_')
  const bytes = Buffer.from(plain, 'base64url')
  return bytes.length === 32 && bytes.toString('base64url') === plain ? bytes : undefined
}

/** The value of `PASSKEY_ORIGINS`, and the positions, from 1, of the items in it that are none of the three kinds. */
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
 * Every `origin` that may stand in the client data of a passkey. Apple writes the https origin of the relying party for
 * its apps, without our port. Android writes `android:apk-key-hash:` and base64url without padding; some password
 * managers write the same hash as plain base64, with or without padding.
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

/** A certificate's hash as `assetlinks.json` writes it: upper-case pairs of hexadecimal digits with colons. */
export const fingerprintOf = ({ certificate }: AndroidApp): string =>
  certificate
    .toString('hex')
    .toUpperCase()
    .replace(/..(?=.)/g, '$&:')
