// The order matters: nearly every user agent also names the browsers it descends from.
const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(e|A|iOS)?\//, 'Edge'],
  [/\b(OPR|OPiOS|Opera)\b/, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\b(Chrome|CriOS|HeadlessChrome)\//, 'Chrome'],
  [/\bVersion\/[\d.]+.* Safari\//, 'Safari'],
]
const systems: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
]

/** How a language names a device. */
export type DeviceNames = { readonly unknown: string; readonly on: (browser: string, system: string) => string }

/**
 * A device name that its owner recognizes, such as `Firefox on Linux`. Only for recognition: a user agent can claim
 * anything. Other programs are named by the first word of their user agent (`curl`).
 */
export function deviceName(userAgent: string | null, names: DeviceNames): string {
  if (userAgent === null || userAgent === '') return names.unknown
  const find = (list: readonly (readonly [RegExp, string])[]) => list.find(([shape]) => shape.test(userAgent))?.[1]
  const [browser, system] = [find(browsers), find(systems)]
  if (browser && system) return names.on(browser, system)
  return browser ?? system ?? /^[\p{L}\d._-]{1,40}/u.exec(userAgent)?.[0] ?? names.unknown
}
