/** Runs the same load on several servers in turns, so that other load on the machine affects all of them alike. */
import type { Round } from './load.ts'
import type { RunningServer } from './processes.ts'
import { median } from './table.ts'

export type Runner = {
  readonly name: string
  readonly server: RunningServer
  /** The tokens its clients start with; after each round, those they ended with. */
  tokens: readonly string[]
  /** The application whose tokens these are; without one they are of the service itself. */
  readonly application?: string
}
export type Figures = {
  readonly requests: number
  /** Microseconds of CPU for each request, on all threads of the server. */
  readonly cpu: number
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}
/**
 * How many people sign in during W3, in turns. Each device stays signed in, and an account may have 100 sessions. With
 * fewer people all would reach that limit within seconds, and each sign-in would also end a session.
 */
export const people = 1024

export type Plan = {
  readonly rounds: number
  readonly seconds: number
  /**
   * How many requests warm up each server before the first round. The compiler optimizes a function after some thousand
   * calls, however long they take: on a slow machine, it would otherwise be measured while it still compiles sign-ins.
   */
  readonly warmUp: number
}

export async function contest(
  load: RunningServer,
  verb: string,
  runners: readonly Runner[],
  { rounds, seconds, warmUp }: Plan,
) {
  const measured = new Map<string, Figures[]>(runners.map(({ name }) => [name, []]))
  const run = async (runner: Runner, seconds: number): Promise<Figures> => {
    const { server, tokens, application } = runner
    const before = await server.ask<number>('cpu')
    const parameters = { port: server.port, seconds, tokens, application, known: true, people }
    const answer = await load.ask<{ round: Round; tokens?: string[] }>(verb, parameters)
    const used = (await server.ask<number>('cpu')) - before
    if (answer.tokens) runner.tokens = answer.tokens
    const { requests, seconds: took, p50, p99 } = answer.round
    return { requests, cpu: used / requests, perSecond: requests / took, p50, p99 }
  }

  // In turns, like the rounds. A server that is warmed up first and rests until the others are, too, needs more CPU for
  // its next requests: 8 % more for a sign-in, compared with the candidate (three runs each way).
  const warmed = new Map(runners.map((runner) => [runner, 0]))
  while (Math.min(...warmed.values()) < warmUp)
    for (const [runner, requests] of warmed) warmed.set(runner, requests + (await run(runner, seconds)).requests)

  for (let round = 0; round < rounds; round++) {
    const turn = round % runners.length
    for (const runner of [...runners.slice(turn), ...runners.slice(0, turn)])
      measured.get(runner.name)?.push(await run(runner, seconds))
  }

  const of = (name: string): readonly Figures[] => measured.get(name) ?? []
  return {
    /** The median of all rounds. */
    figure: (name: string, which: keyof Figures): number => median(of(name).map((figures) => figures[which])),
    /** The median of the ratios within each round. */
    ratio: (name: string, other: string, which: keyof Figures): number =>
      median(of(name).map((figures, round) => figures[which] / (of(other)[round]?.[which] ?? Number.NaN))),
  }
}
export type Contest = Awaited<ReturnType<typeof contest>>
