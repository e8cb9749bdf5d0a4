import { message } from '../errors/catalogue.ts'
import type { ApplicationStep, AppliedApplication } from '../flows/apply-applications.ts'
import { readSecretFile } from '../settings/secret-file.ts'
import { memberNames, readApplicationsFile } from './applications-file.ts'
import { type Command, plain } from './command.ts'
import { type FileFault, failure, pathText, readDeclarationText } from './declaration-file.ts'

const stepWords: Readonly<Record<ApplicationStep, readonly [done: string, planned: string]>> = {
  created: ['created', 'create'],
  changed: ['changed', 'change'],
  secret_rotated: ['secret rotated', 'rotate the secret'],
  enabled: ['enabled', 'enable'],
  disabled: ['disabled', 'disable'],
}

const membersOf = ({ changes }: AppliedApplication): readonly string[] => changes.map((name) => memberNames[name])

/** What was done with one application, or would be. */
function sentenceOf(one: AppliedApplication, isPlan: boolean): string {
  const { id, steps } = one
  if (steps.length === 0) return `${id}: as declared; nothing ${isPlan ? 'to change' : 'was changed'}.`
  const words = steps.map((step) => stepWords[step][isPlan ? 1 : 0]).join(', ')
  const members = membersOf(one).join(', ')
  return `${id}: ${words}${members === '' ? '' : ` (${members})`}.`
}

/** Why a member is refused, as it continues its path. No value is shown: it may be a secret in the wrong place. */
const reasons: Readonly<Record<AppliedApplication['faults'][number]['reason'], string>> = {
  invalid: 'is not accepted for this kind of application',
  invalid_format: 'does not have the right format',
  required: 'is required',
  too_long: 'is too long',
  too_small: 'is too small',
  too_large: 'is too large',
  too_many: 'has too many entries',
  duplicate: 'is given twice',
  fragment: 'must not have a fragment',
  credentials: 'must not contain a user name or a password',
  scheme: 'has a scheme that is not accepted',
  https_required: 'must use https, except on a loopback address',
  wildcard: 'must not contain a wildcard',
  in_use: 'cannot change after people have signed in',
  several_hosts: 'is required: the redirect URIs have several hosts',
  unreachable: 'could not be read as a JSON array of redirect URIs',
  not_listed: 'does not list all redirect URIs',
  not_an_origin: 'must be only scheme, host and port',
}

/** The errors of one application, with their paths in the file. */
function faultsOf({ faults, refusal }: AppliedApplication, index: number): readonly FileFault[] {
  const at = pathText(['applications', index])
  return [
    ...faults.map(({ path, reason, limit }) => ({
      path: `${at}.${path}`,
      message: `${reasons[reason]}${limit === undefined ? '' : ` (${limit})`}`,
    })),
    ...(refusal === null ? [] : [{ path: at, message: message(refusal, 'en').detail }]),
  ]
}

export const applyApplicationsCommand: Command = {
  ...plain,
  positionals: ['file'],
  flags: ['dry-run'],
  summary: 'make the applications of a file as it declares them, while the service runs',
  async run({ service }, { positionals: [path = ''], flags }) {
    const text = readDeclarationText(path)
    if (text === undefined) return failure('unreadable', [{ path: '', message: 'cannot be read' }])
    const declared = readApplicationsFile(text, { env: process.env, secretFile: readSecretFile })
    if (!declared.ok) return failure('invalid', declared.error)
    const dryRun = flags.has('dry-run')
    const { applied, applications } = await (await service()).applyApplications(declared.value, { dryRun })
    const faults = applications.flatMap(faultsOf)
    if (!applied && faults.length > 0) return failure('invalid', faults)
    const isChanged = applications.some(({ steps }) => steps.length > 0)
    return {
      ok: faults.length === 0,
      done: [
        ...applications.map((one) => sentenceOf(one, dryRun)),
        ...applications.flatMap(({ id, secret }) =>
          secret === null ? [] : [`The secret of ${id}, which is shown only now: ${secret}`],
        ),
        ...(dryRun ? ['This was a dry run: nothing was changed.'] : []),
        ...(!dryRun && !isChanged && faults.length === 0 ? ['Nothing was changed.'] : []),
      ],
      failed: faults.map(({ path: where, message: what }) => `${where}: ${what}`),
      data: {
        result: faults.length > 0 ? 'incomplete' : dryRun ? 'planned' : isChanged ? 'applied' : 'unchanged',
        applications: applications.map((one) => ({
          id: one.id,
          steps: one.steps,
          changes: membersOf(one),
          ...(one.secret === null ? {} : { secret: one.secret }),
        })),
        ...(faults.length > 0 ? { errors: faults } : {}),
      },
    }
  },
}

export const exportApplicationsCommand: Command = {
  ...plain,
  summary: 'print the registered applications as a file for applications apply, without secrets',
  printsDocument: true,
  async run({ service }) {
    // What registered itself manages its registration itself.
    const all = (await (await service()).listApplications()).filter(({ source }) => source === 'administrator')
    const applications = all.map((one) => ({
      id: one.id,
      kind: one.kind,
      enabled: one.disabledAt === null,
      ...Object.fromEntries(
        Object.entries(memberNames).map(([name, inFile]) => [inFile, one[name as keyof typeof memberNames]]),
      ),
    }))
    return { ok: true, done: [JSON.stringify({ applications }, null, 2)], data: { result: 'exported', applications } }
  },
}
