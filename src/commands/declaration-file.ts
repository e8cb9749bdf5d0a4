/** What the files of `providers apply` and `applications apply` have in common. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { repeatedMember } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { CommandReport } from './command.ts'

/** More than the largest list of declarations needs. A longer file is the wrong one. */
const mostCharacters = 1_048_576

export const reference = z
  .union(
    [
      z.strictObject({ env: z.string().describe('The name of an environment variable with the secret') }),
      z.strictObject({ file: z.string().describe('The path of a file with the secret') }),
    ],
    { error: 'must be {"env": "NAME"} or {"file": "/path"}' },
  )
  .meta({ id: 'SecretReference', description: 'Where the command reads the value of a secret' })

/** What is wrong with the file, and where. It contains no value of a setting. */
export type FileFault = { readonly path: string; readonly message: string }

export type SecretSources = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly secretFile: (path: string) => Result<string, string>
}

/** `providers[0].settings.CLIENT_ID` */
export const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')

/** Reads the text of a file with a schema. Reports all errors together. */
export function readDeclarations<S extends z.ZodType>(
  text: string,
  schema: S,
): Result<z.output<S>, readonly FileFault[]> {
  if (text.length > mostCharacters) return err([{ path: '', message: 'must not be longer than a mebibyte' }])
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return err([{ path: '', message: 'must be valid JSON' }])
  }
  const repeated = repeatedMember(text)
  if (repeated !== undefined) return err([{ path: repeated, message: 'is given twice' }])
  const read = schema.safeParse(json)
  return read.success ? ok(read.data) : err(read.error.issues.flatMap(faultsOf))
}

/** The value of a secret that a file refers to; otherwise what is wrong. */
export function readReference(
  given: z.output<typeof reference>,
  { env, secretFile }: SecretSources,
): Result<string, string> {
  if ('file' in given) {
    const value = secretFile(given.file)
    return value.ok ? value : err(`the file ${value.error}`)
  }
  const value = env[given.env]
  return value ? ok(value) : err(`the environment variable ${printable(given.env)} is not set`)
}

/** The report of a command that changed nothing, because of these errors. */
export const failure = (result: string, faults: readonly FileFault[]): CommandReport => ({
  ok: false,
  done: [],
  failed: [
    ...faults.map(({ path, message: what }) => (path === '' ? `The file ${what}.` : `${path}: ${what}`)),
    'Nothing was changed.',
  ],
  data: { result, errors: faults },
})

/** The text of the file; `undefined` if it cannot be read. */
export function readDeclarationText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** The name of a variable. Anything else may be the secret itself, in the wrong place. */
const printable = (name: string): string => (/^[A-Z][A-Z0-9_]{0,80}$/.test(name) ? name : 'in this place')

function faultsOf(issue: z.core.$ZodIssue): FileFault[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: pathText([...issue.path, key]), message: 'is unknown' }))
  return [{ path: pathText(issue.path), message: plainMessages[issue.code]?.(issue) ?? issue.message }]
}

/** Messages in our words. None contains a value: it may be a secret in the wrong place. */
const plainMessages: Readonly<Record<string, (issue: z.core.$ZodIssue) => string>> = {
  invalid_type: (issue) => `must be ${'expected' in issue ? nounOf(String(issue.expected)) : 'of another type'}`,
  invalid_value: (issue) => ('values' in issue ? `must be one of: ${issue.values.join(', ')}` : 'is invalid'),
  invalid_format: () => 'must be a time like 2027-05-31T18:00:00Z',
  too_big: (issue) => `must be at most ${'maximum' in issue ? String(issue.maximum) : ''}`,
  too_small: (issue) => `must be at least ${'minimum' in issue ? String(issue.minimum) : ''}`,
}
const nouns: Readonly<Record<string, string>> = {
  string: 'text',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
}
const nounOf = (type: string): string => nouns[type] ?? type
