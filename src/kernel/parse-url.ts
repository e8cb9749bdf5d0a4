/**
 * Parses a URL (WHATWG URL); `undefined` if the text is none. `URL.canParse` must not be used. On Node 20 and 22, once
 * its caller is optimized, it refuses every text with a character from U+0080 to U+00FF, such as `https://büro.example`.
 */
export function parseUrl(text: string, base?: URL): URL | undefined {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}
