/** The commands after `npm start --`: their table, the usage text, and how to read arguments and print reports. */
import { parseArgs } from 'node:util'
import type { Command, CommandReport } from './command.ts'
import { copyTo } from './copy-to.ts'
import { doctor } from './doctor.ts'
import { endSessionsCommand } from './end-sessions.ts'
import { makeAdmin } from './make-admin.ts'
import { reseal } from './reseal.ts'
import { rotateKeys } from './rotate-keys.ts'

export const commands: Readonly<Record<string, Command>> = {
  doctor,
  'make-admin': makeAdmin,
  'rotate-keys': rotateKeys,
  reseal,
  'copy-to': copyTo,
  'end-sessions': endSessionsCommand,
}

const synopsisOf = (name: string, { positionals, options }: Command): string =>
  [
    `npm start -- ${name}`,
    ...positionals.map((positional) => `<${positional}>`),
    ...Object.entries(options).map(([option, value]) => `[--${option} <${value}>]`),
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
    'With --json, every command prints one JSON object. The exit code is 0 on success, else 1.',
  ].join('\n')
}

export type Invocation = {
  readonly command: Command
  readonly json: boolean
  readonly positionals: readonly string[]
  readonly options: Readonly<Record<string, string | undefined>>
}

/** Reads the arguments of a command. Returns `undefined` unless they match one exactly. */
export function readInvocation([name = '', ...args]: readonly string[]): Invocation | undefined {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) return undefined
  const options = Object.fromEntries(
    Object.keys(command.options).map((option) => [option, { type: 'string' as const }]),
  )
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { ...options, json: { type: 'boolean' } },
      allowPositionals: true,
    })
    if (positionals.length !== command.positionals.length) return undefined
    const { json, ...given } = values as { json?: boolean } & Record<string, string | undefined>
    return { command, json: json === true, positionals, options: given }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')) return undefined
    throw error
  }
}

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
