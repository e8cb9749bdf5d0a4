/** Time zones by their IANA names. Which ones exist depends on the ICU data of the runtime. */

/** Names only: the runtime would also accept offsets such as `+03:00`, which do not know about daylight saving time. */
const zoneName = /^[A-Za-z][\w+-]*(\/[\w+-]+){0,2}$/

/** The name that the runtime uses for a zone (`UTC` for `Etc/UTC`); `undefined` if it knows no such zone. */
export function readTimeZone(text: string): string | undefined {
  if (text.length > 64 || !zoneName.test(text)) return undefined
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}

let all: readonly string[] | undefined
/** Every zone that a person can choose, in alphabetical order. */
export function timeZones(): readonly string[] {
  all ??= [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])].sort()
  return all
}
