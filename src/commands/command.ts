import type { Config } from '../config.ts'
import type { Vinculum } from '../vinculum.ts'

/** What a command did. The exit code is 0 if `ok`, else 1. */
export type Report = {
  readonly ok: boolean
  /** Sentences about what was done, for standard output. */
  readonly done: readonly string[]
  /** Sentences about what failed and what to do next, for standard error. */
  readonly failed?: readonly string[]
  /** The same for programs: what `--json` prints. */
  readonly data: Readonly<Record<string, unknown>>
}

/** What a command works with. The service is built only for a command that needs it. */
export type Context = {
  readonly config: Config
  /** What is wrong with the configuration; nothing, unless the command examines that. */
  readonly configFaults: readonly string[]
  /** Builds the service, which does not listen; it is closed when the command returns. */
  readonly service: () => Promise<Vinculum>
  /** Reports progress, at most about once a second for each subject. Nothing is printed with `--json`. */
  readonly progress: (progress: { table: string; done: number; total: number }) => void
  /** The clock of this machine. Stored times are compared with `now` of the service instead. */
  readonly now: () => Date
}

/** One of the commands after `npm start --`. `--json` is an option of each, and not listed. */
export type Command = {
  /** Names of the positional arguments, each of them required. */
  readonly positionals: readonly string[]
  /** Options with a value, and the name of the value. */
  readonly options: Readonly<Record<string, string>>
  /** One line of the usage text. */
  readonly summary: string
  /** Runs with a broken configuration too, and reports its faults and warnings itself. */
  readonly examinesConfig?: true
  readonly run: (
    context: Context,
    given: { readonly positionals: readonly string[]; readonly options: Readonly<Record<string, string | undefined>> },
  ) => Promise<Report>
}

/** A command that needs no arguments, or only positional ones, states what differs. */
export const plain = { positionals: [], options: {} } as const
