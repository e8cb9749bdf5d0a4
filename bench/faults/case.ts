/** The definition of a case, and its context. */
import type { Finding } from './judge.ts'

export type SkippedCase = { readonly notRun: string }

export type CaseContext = {
  /** Registers a clean-up step, which runs when the case ends, in reverse order. */
  defer(undo: () => unknown): void
  /** Creates a database on the PostgreSQL server of this run and returns its URL. */
  newDatabase(): Promise<string>
}

export type Case = {
  /** The name. Its prefix selects a group in the filter: `postgres-`, `sqlite-`, `provider-`, `process-`, `growth-`. */
  readonly name: string
  /** What the service promises, in one sentence. */
  readonly promise: string
  /** How the case decides. */
  readonly criteria: string
  /** Seconds after which the case has failed. */
  readonly withinSeconds: number
  run(setting: CaseContext): Promise<readonly Finding[] | SkippedCase>
}
