/** The commands after `npm start --`: their table, their usage, and how one is run and reported. */
import { parseArgs } from 'node:util'
import type { Command, Report } from './command.ts'
import { copyTo } from './copy-to.ts'
import { doctor } from './doctor.ts'
import { endSessions } from './end-sessions.ts'
import { makeAdmin } from './make-admin.ts'
import { reseal } from './reseal.ts'
import { rotateKeys } from './rotate-keys.ts'

export const commands: Readonly<Record<string, Command>> = {
  doctor,
  'make-admin': makeAdmin,
  'rotate-keys': rotateKeys,
  reseal,
  'copy-to': copyTo,
  'end-sessions': endSessions,
}

const synopsisOf = (name: string, { positionals, options }: Command): string =>
  [
    `npm start -- ${name}`,
    ...positionals.map((positional) => `<${positional}>`),
    ...Object.entries(options).map(([option, value]) => `[--${option} <${value}>]`),
  ].join(' ')

/** Every command, with its arguments and one line about it. */
export function usage(): string {
  const lines: readonly (readonly [string, string])[] = [
    ['npm start', 'start the service'],
    ...Object.entries(commands).map(([name, command]) => [synopsisOf(name, command), command.summary] as const),
  ]
  const width = Math.max(...lines.map(([synopsis]) => synopsis.length))
  return [
    'Usage:',
    ...lines.map(([synopsis, summary]) => `  ${synopsis.padEnd(width)}  ${summary}`),
    'Every command takes --json, and then prints one JSON object. The exit code is 0 if it succeeded, else 1.',
  ].join('\n')
}

export type Invocation = {
  readonly command: Command
  readonly json: boolean
  readonly positionals: readonly string[]
  readonly options: Readonly<Record<string, string | undefined>>
}

/** The command that these arguments ask for; `undefined` if they do not fit one exactly. */
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

/** What is written where: with `--json` one object on standard output, else sentences. */
export const written = ({ ok, done, failed = [], data }: Report, json: boolean): { stdout: string; stderr: string } => {
  const lines = (sentences: readonly string[]): string => sentences.map((sentence) => `${sentence}\n`).join('')
  return json
    ? { stdout: `${JSON.stringify({ ok, ...data })}\n`, stderr: '' }
    : { stdout: lines(done), stderr: lines(failed) }
}
