import type { Config } from '../config.ts'
import type { Vinculum } from '../vinculum.ts'

/** The result of a command. */
export type CommandReport = {
  readonly ok: boolean
  /** Sentences about what was done, for standard output. */
  readonly done: readonly string[]
  /** Sentences about what failed and what to do next, for standard error. */
  readonly failed?: readonly string[]
  /** The same for programs: the output of `--json`. */
  readonly data: Readonly<Record<string, unknown>>
}

/** What a command can use. The service is built only for a command that needs it. */
export type CommandContext = {
  readonly config: Config
  /** The configuration errors. Empty, unless the command has `examinesConfig`. */
  readonly configFaults: readonly string[]
  /** Builds the service without listening. It is closed when the command returns. */
  readonly service: () => Promise<Vinculum>
  /** Reports progress, at most about once a second for each subject. Nothing is printed with `--json`. */
  readonly progress: (progress: { table: string; done: number; total: number }) => void
  /** The clock of this machine. To compare with stored times, use `now` of the service instead. */
  readonly now: () => Date
}

/** A command after `npm start --`, of one or two words. Every command has `--json`, which is not listed in `options`. */
export type Command = {
  /** Names of the positional arguments, all required. */
  readonly positionals: readonly string[]
  /** Options with a value, and the name of the value. */
  readonly options: Readonly<Record<string, string>>
  /** Options without a value. */
  readonly flags?: readonly string[]
  /** One line of the usage text. */
  readonly summary: string
  /** Runs even with a broken configuration, and reports its errors and warnings itself. */
  readonly examinesConfig?: true
  /** Standard output contains only what it prints, so that it can be saved to a file. */
  readonly printsDocument?: true
  readonly run: (
    context: CommandContext,
    given: {
      readonly positionals: readonly string[]
      readonly options: Readonly<Record<string, string | undefined>>
      readonly flags: ReadonlySet<string>
    },
  ) => Promise<CommandReport>
}

/** The defaults of a command: no arguments and no options. */
export const plain = { positionals: [], options: {} } as const
