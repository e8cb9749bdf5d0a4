/** The commands after `npm start --`: their table, the usage text, and how to read arguments and print reports. */
import { parseArgs } from 'node:util'
import { applyApplicationsCommand, exportApplicationsCommand } from './applications.ts'
import type { Command, CommandReport } from './command.ts'
import { copyTo } from './copy-to.ts'
import { doctor } from './doctor.ts'
import { endSessionsCommand } from './end-sessions.ts'
import { makeAdmin } from './make-admin.ts'
import { applyCommand, exportCommand } from './providers.ts'
import { reseal } from './reseal.ts'
import { rotateKeys } from './rotate-keys.ts'

export const commands: Readonly<Record<string, Command>> = {
  doctor,
  'make-admin': makeAdmin,
  'rotate-keys': rotateKeys,
  reseal,
  'copy-to': copyTo,
  'end-sessions': endSessionsCommand,
  'providers apply': applyCommand,
  'providers export': exportCommand,
  'applications apply': applyApplicationsCommand,
  'applications export': exportApplicationsCommand,
}

const synopsisOf = (name: string, { positionals, options, flags = [] }: Command): string =>
  [
    `npm start -- ${name}`,
    ...positionals.map((positional) => `<${positional}>`),
    ...Object.entries(options).map(([option, value]) => `[--${option} <${value}>]`),
    ...flags.map((flag) => `[--${flag}]`),
  ].join(' ')

/** The usage text: one line for each command. */
export function usage(): string {
  const lines: readonly (readonly [string, string])[] = [
    ['npm start', 'start the service'],
    ...Object.entries(commands).map(([name, command]) => [synopsisOf(name, command), command.summary] as const),
  ]
  const width = Math.max(...lines.map(([synopsis]) => synopsis.length))
  return [
    'Usage:',
    ...lines.map(([synopsis, summary]) => `  ${synopsis.padEnd(width)}  ${summary}`),
    'With --json, every command prints one JSON object. The exit code is 0 on success, and 1 on failure.',
  ].join('\n')
}

export type Invocation = {
  readonly command: Command
  readonly json: boolean
  readonly positionals: readonly string[]
  readonly options: Readonly<Record<string, string | undefined>>
  readonly flags: ReadonlySet<string>
}

/** Reads the arguments of a command. Returns `undefined` unless they match one exactly. */
export function readInvocation(given: readonly string[]): Invocation | undefined {
  const words = [2, 1].find(
    (count) => given.length >= count && Object.hasOwn(commands, given.slice(0, count).join(' ')),
  )
  const command = words === undefined ? undefined : commands[given.slice(0, words).join(' ')]
  if (!command) return undefined
  const withValue = Object.keys(command.options).map((option) => [option, { type: 'string' as const }])
  const without = ['json', ...(command.flags ?? [])].map((flag) => [flag, { type: 'boolean' as const }])
  try {
    const { values, positionals } = parseArgs({
      args: given.slice(words),
      options: Object.fromEntries([...withValue, ...without]),
      allowPositionals: true,
    })
    if (positionals.length !== command.positionals.length) return undefined
    const entries = Object.entries<unknown>(values)
    const options = Object.fromEntries(entries.filter((one): one is [string, string] => typeof one[1] === 'string'))
    const flags = new Set(entries.flatMap(([name, value]) => (value === true && name !== 'json' ? [name] : [])))
    return {
      command,
      json: entries.some(([name, value]) => name === 'json' && value === true),
      positionals,
      options,
      flags,
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')) return undefined
    throw error
  }
}

export const exitCodeOf = ({ ok }: CommandReport): 0 | 1 => (ok ? 0 : 1)

/** The output of a report: one JSON object on standard output with `--json`, otherwise sentences. */
export const formatReport = (
  { ok, done, failed = [], data }: CommandReport,
  json: boolean,
): { stdout: string; stderr: string } => {
  const lines = (sentences: readonly string[]): string => sentences.map((sentence) => `${sentence}\n`).join('')
  return json
    ? { stdout: `${JSON.stringify({ ok, ...data })}\n`, stderr: '' }
    : { stdout: lines(done), stderr: lines(failed) }
}
