/**
 * Finds variables that look like settings but are not. Nothing reads them, so a misspelled name silently means the
 * default. Other programs share the environment, such as the shell and the container runtime, so this only causes
 * warnings.
 */

/** All settings, and the prefixes of providers' settings (`GOOGLE_`). */
export type KnownNames = {
  readonly names: ReadonlySet<string>
  readonly prefixes: readonly string[]
  /** Variables of other programs whose names start like a provider's. */
  readonly foreign: ReadonlySet<string>
}

const mostWarnings = 20
const mostDistance = 2

/** Variables of operating systems, shells and package managers. */
const ofSystem = new Set(
  `
  HOME HOMEPATH HOMEDRIVE HOSTNAME HOSTTYPE MACHTYPE OSTYPE PATH PWD OLDPWD SHELL SHLVL USER USERNAME LOGNAME MAIL MAILPATH
  LANG LANGUAGE TERM TZ TMP TEMP TMPDIR EDITOR VISUAL PAGER LESS COLUMNS LINES DISPLAY PS1 PS2 IFS CI DEBUG
  HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY NODE_PATH NODE_OPTIONS NODE_VERSION NODE_HOME YARN_VERSION
  `
    .trim()
    .split(/\s+/),
)
/** Variables that Kubernetes and Docker links set for a service named like a provider: `GITHUB_PORT_80_TCP_ADDR`. */
const serviceLink = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)$/

const isForeign = (name: string, foreign: KnownNames['foreign']): boolean =>
  ofSystem.has(name) || foreign.has(name) || serviceLink.test(name)

/**
 * Returns a warning for each variable that starts like a provider's setting, differs from a setting by at most two
 * letters, or names a file for a setting that is not secret. It names variables and settings, never values.
 */
export function unknownNames(given: readonly string[], { names, prefixes, foreign }: KnownNames): readonly string[] {
  const warnings = given
    .filter((name) => !names.has(name) && !isForeign(name, foreign))
    .sort()
    .flatMap((name) => {
      const isCandidate = mayBeNear(name)
      const [nearest] = [...names]
        .filter(isCandidate)
        .map((known) => ({ known, letters: distance(name, known, mostDistance) }))
        // In a name as short as OS, a change of every letter would count as a typo.
        .filter(({ letters }) => letters <= mostDistance && letters < name.length)
        .sort((a, b) => a.letters - b.letters)
      if (nearest) return `${escapeName(name)} is not a setting and is ignored; did you mean ${nearest.known}?`
      const ofFile = name.endsWith('_FILE') ? name.slice(0, -'_FILE'.length) : ''
      if (names.has(ofFile))
        return `${escapeName(name)} is ignored; ${ofFile} cannot be read from a file, so set ${ofFile} itself`
      return prefixes.some((prefix) => name.startsWith(prefix))
        ? `${escapeName(name)} starts like a provider's setting but is not one; it is ignored`
        : []
    })
  const left = warnings.length - mostWarnings
  return left > 0 ? [...warnings.slice(0, mostWarnings), `${left} more variables look like settings`] : warnings
}

/** Makes invisible characters visible: a name may start with a byte order mark. */
const escapeName = (name: string): string =>
  name.replace(/[^\x21-\x7e]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)

/**
 * A cheap test before `distance`, which would otherwise take a twentieth of the startup. Of the parts of a name, one more
 * than there may be edits, at least one is unchanged: it occurs in the other name.
 */
function mayBeNear(name: string): (known: string) => boolean {
  const length = Math.floor(name.length / (mostDistance + 1))
  const parts = Array.from({ length: mostDistance + 1 }, (_, at) =>
    name.slice(at * length, at === mostDistance ? undefined : (at + 1) * length),
  )
  return (known) => Math.abs(known.length - name.length) <= mostDistance && parts.some((part) => known.includes(part))
}

/** The edit distance (Levenshtein), or more than `most`. */
function distance(a: string, b: string, most: number): number {
  const tooFar = most + 1
  let row = Array.from({ length: b.length + 1 }, (_, at) => Math.min(at, tooFar))
  for (let i = 1; i <= a.length; i++) {
    const next = new Array<number>(b.length + 1).fill(tooFar)
    next[0] = Math.min(i, tooFar)
    let least = next[0]
    // Only what is at most this far from the diagonal can be near enough.
    for (let j = Math.max(1, i - most); j <= Math.min(b.length, i + most); j++) {
      const replaced = (row[j - 1] ?? tooFar) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next[j] = Math.min((row[j] ?? tooFar) + 1, (next[j - 1] ?? tooFar) + 1, replaced)
      least = Math.min(least, next[j] ?? tooFar)
    }
    if (least > most) return tooFar
    row = next
  }
  return row[b.length] ?? tooFar
}
