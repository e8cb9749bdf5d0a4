import { message } from '../errors/catalogue.ts'
import type { AppliedProvider, ApplyStep } from '../flows/apply-providers.ts'
import { prefix } from '../providers/settings.ts'
import { readSecretFile } from '../settings/secret-file.ts'
import { type Command, plain } from './command.ts'
import { type FileFault, failure, pathText, readDeclarationText } from './declaration-file.ts'
import { readProvidersFile } from './providers-file.ts'

const stepWords: Readonly<Record<ApplyStep, readonly [done: string, planned: string]>> = {
  created: ['created', 'create'],
  changed: ['changed', 'change'],
  published: ['made live', 'make live'],
  enabled: ['enabled', 'enable'],
  disabled: ['disabled', 'disable'],
}

/** What was done with one provider, or would be. Settings are named without their values. */
function sentenceOf({ id, steps, changes }: AppliedProvider, isPlan: boolean): string {
  if (steps.length === 0) return `${id}: as declared; nothing ${isPlan ? 'to change' : 'was changed'}.`
  const words = steps.map((step) => stepWords[step][isPlan ? 1 : 0]).join(', ')
  const settings = changes.map(({ setting }) => setting).join(', ')
  return `${id}: ${words}${settings === '' ? '' : ` (${settings})`}.`
}

/** The errors of one provider, with their paths in the file. */
function faultsOf({ refusal }: AppliedProvider, index: number): readonly FileFault[] {
  if (refusal === null) return []
  if ('faults' in refusal)
    return refusal.faults.map(({ field, message: what }) => ({
      path: `${pathText(['providers', index])}.${field}`,
      message: what,
    }))
  return [{ path: pathText(['providers', index]), message: message(refusal, 'en').detail }]
}

export const applyCommand: Command = {
  ...plain,
  positionals: ['file'],
  flags: ['dry-run'],
  summary: 'make the providers of a file as it declares them, while the service runs',
  async run({ service }, { positionals: [path = ''], flags }) {
    const text = readDeclarationText(path)
    if (text === undefined) return failure('unreadable', [{ path: '', message: 'cannot be read' }])
    const declared = readProvidersFile(text, { env: process.env, secretFile: readSecretFile })
    if (!declared.ok) return failure('invalid', declared.error)
    const dryRun = flags.has('dry-run')
    const { applied, providers } = await (await service()).applyProviders(declared.value, { dryRun })
    const faults = providers.flatMap(faultsOf)
    if (!applied && faults.length > 0) return failure('invalid', faults)
    const isChanged = providers.some(({ steps }) => steps.length > 0)
    return {
      ok: faults.length === 0,
      done: [
        ...providers.map((one) => sentenceOf(one, dryRun)),
        ...(dryRun ? ['This was a dry run: nothing was changed.'] : []),
        ...(!dryRun && !isChanged && faults.length === 0 ? ['Nothing was changed.'] : []),
      ],
      failed: faults.map(({ path: where, message: what }) => `${where}: ${what}`),
      data: {
        result: faults.length > 0 ? 'incomplete' : dryRun ? 'planned' : isChanged ? 'applied' : 'unchanged',
        providers: providers.map(({ id, steps, changes }) => ({ id, steps, changes })),
        ...(faults.length > 0 ? { errors: faults } : {}),
      },
    }
  },
}

export const exportCommand: Command = {
  ...plain,
  summary: 'print the providers that were added at run time as a file for providers apply, without secrets',
  printsDocument: true,
  async run({ service }) {
    const providers = (await (await service()).listProviders()).flatMap((one) => {
      const version = one.live ?? one.draft
      if (one.source === 'environment' || !version) return []
      return [
        {
          id: one.id,
          kind: one.kind,
          enabled: one.enabled,
          order: one.record?.position ?? 0,
          ...(version.secretExpiresAt ? { secret_expires_at: version.secretExpiresAt.toISOString() } : {}),
          settings: {
            ...version.settings,
            ...Object.fromEntries(version.secrets.map((name) => [name, { env: prefix(one.id) + name }])),
          },
        },
      ]
    })
    return { ok: true, done: [JSON.stringify({ providers }, null, 2)], data: { result: 'exported', providers } }
  },
}
