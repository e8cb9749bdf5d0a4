/** The file of `providers apply` and `providers export`: its schema, and how it is read. */
import { z } from 'zod'
import type { DeclaredProvider } from '../flows/apply-providers.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { isKind, kinds, secretSettingsOf } from '../providers/settings.ts'
import {
  type FileFault,
  pathText,
  readDeclarations,
  readReference,
  reference,
  type SecretSources,
} from './declaration-file.ts'

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

/** Reads the text of the file, and the secrets that it refers to. Reports all errors together. */
export function readProvidersFile(
  text: string,
  sources: SecretSources,
): Result<readonly DeclaredProvider[], readonly FileFault[]> {
  const read = readDeclarations(text, providersFile)
  if (!read.ok) return read

  const faults: FileFault[] = []
  const declared = read.value.providers.map((one, index): DeclaredProvider => {
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
      const value = readReference(given, sources)
      return value.ok ? [[name, value.value]] : fault(value.error)
    })
    if (read.value.providers.findIndex(({ id }) => id === one.id) < index)
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
