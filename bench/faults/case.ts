/** What a case is, and what it may use while it runs. */
import type { Finding } from './judge.ts'

export type NotRun = { readonly notRun: string }

export type Setting = {
  /** Undoes something when the case is over, however it ends; the last one first. */
  defer(undo: () => unknown): void
  /** The URL of a new database on the PostgreSQL server of this run. */
  newDatabase(): Promise<string>
}

export type Case = {
  /** Begins with what fails, so that a filter selects a group: `postgres-`, `sqlite-`, `provider-`, `process-`, `growth-`. */
  readonly name: string
  /** What the service promises, in one sentence. */
  readonly promise: string
  /** What the case looks at to decide. */
  readonly judged: string
  /** Seconds after which the case has failed. */
  readonly withinSeconds: number
  run(setting: Setting): Promise<readonly Finding[] | NotRun>
}
