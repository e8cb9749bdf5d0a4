/** The file of `providers apply` and `providers export`: its schema, and how it is read. */
import { z } from 'zod'
import type { DeclaredProvider } from '../flows/apply-providers.ts'
import { repeatedMember } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { isKind, kinds, secretSettingsOf } from '../providers/settings.ts'

/** More than the largest list of providers needs. A longer file is the wrong one. */
const mostCharacters = 1_048_576

const reference = z
  .union(
    [
      z.strictObject({ env: z.string().describe('The name of an environment variable with the secret') }),
      z.strictObject({ file: z.string().describe('The path of a file with the secret') }),
    ],
    { error: 'must be text, {"env": "NAME"} or {"file": "/path"}' },
  )
  .meta({ id: 'SecretReference', description: 'Where the command reads the value of a secret' })

const declaration = z
  .strictObject({
    id: z.string().describe('The ID of the provider, as in its redirect URI'),
    kind: z.enum(kinds as [string, ...string[]]).describe('The kind of provider'),
    enabled: z.boolean().default(true).describe('Whether users can sign in with it'),
    order: z
      .int()
      .min(0)
      .max(1_000_000)
      .optional()
      .describe('Its place in the list; without it, the place stays as it is'),
    secret_expires_at: z.iso
      .datetime({ offset: true })
      .refine((text) => text >= '2000', 'must be after 1999')
      .nullable()
      .optional()
      .describe('When its client secret expires; null if never; without it, the time stays as it is'),
    settings: z
      .record(
        z.string(),
        z.union([z.string(), reference], { error: 'must be text, {"env": "NAME"} or {"file": "/path"}' }),
      )
      .describe(
        'All its settings, with their names in the environment without the prefix. ' +
          'Others are removed, except a secret that is left out: the stored one is kept.',
      ),
  })
  .meta({ id: 'Provider' })

export const providersFile = z
  .strictObject({
    $schema: z.string().optional(),
    providers: z.array(declaration).max(100).describe('The providers. Others that are stored stay as they are.'),
  })
  .meta({ title: 'Vinculum providers', description: 'The file of `npm start -- providers apply`' })

/** What is wrong with the file, and where. It contains no value of a setting. */
export type FileFault = { readonly path: string; readonly message: string }

type SecretSources = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly secretFile: (path: string) => Result<string, string>
}

/** `providers[0].settings.CLIENT_ID` */
export const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')

/** Reads the text of the file, and the secrets that it refers to. Reports all errors together. */
export function readProvidersFile(
  text: string,
  { env, secretFile }: SecretSources,
): Result<readonly DeclaredProvider[], readonly FileFault[]> {
  if (text.length > mostCharacters) return err([{ path: '', message: 'must not be longer than a mebibyte' }])
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return err([{ path: '', message: 'must be valid JSON' }])
  }
  const repeated = repeatedMember(text)
  if (repeated !== undefined) return err([{ path: repeated, message: 'is given twice' }])
  const read = providersFile.safeParse(json)
  if (!read.success) return err(read.error.issues.flatMap(faultsOf))

  const faults: FileFault[] = []
  const declared = read.data.providers.map((one, index): DeclaredProvider => {
    const secrets = isKind(one.kind) ? secretSettingsOf(one.kind) : []
    const settings = Object.entries(one.settings).flatMap(([name, given]): [string, string][] => {
      const fault = (message: string): [] => {
        faults.push({ path: pathText(['providers', index, 'settings', name]), message })
        return []
      }
      if (typeof given === 'string')
        return secrets.includes(name)
          ? fault('is a secret: give {"env": "NAME"} or {"file": "/path"} instead of its value')
          : [[name, given]]
      if (!secrets.includes(name)) return fault('is not a secret: give its value')
      if ('file' in given) {
        const value = secretFile(given.file)
        return value.ok ? [[name, value.value]] : fault(`the file ${value.error}`)
      }
      const value = env[given.env]
      return value ? [[name, value]] : fault(`the environment variable ${printable(given.env)} is not set`)
    })
    if (read.data.providers.findIndex(({ id }) => id === one.id) < index)
      faults.push({ path: pathText(['providers', index, 'id']), message: 'is given twice' })
    return {
      id: one.id,
      kind: one.kind,
      enabled: one.enabled,
      ...(one.order === undefined ? {} : { order: one.order }),
      ...(one.secret_expires_at === undefined
        ? {}
        : { secretExpiresAt: one.secret_expires_at === null ? null : new Date(one.secret_expires_at) }),
      settings: Object.fromEntries(settings),
    }
  })
  return faults.length > 0 ? err(faults) : ok(declared)
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
