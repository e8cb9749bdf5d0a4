/** Requests and responses between the bench and the processes it measures, over Node's own channel. */
import type { ChildProcess } from 'node:child_process'

type Question = { readonly id: number; readonly ask: string; readonly given: unknown }
type Answer = { readonly id: number; readonly value?: unknown; readonly error?: string }

/** In the measured process: handles these verbs and ignores others, which another handler may answer. */
export function answerParent(verbs: Readonly<Record<string, (given: never) => unknown>>): void {
  process.on('message', async ({ id, ask, given }: Question) => {
    const verb = verbs[ask]
    if (!verb) return
    try {
      process.send?.({ id, value: await verb(given as never) } satisfies Answer)
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
}

/** In the measured process: reports that it is ready, with its port if it listens. */
export function tellReady(port = 0): void {
  process.channel?.ref()
  process.once('SIGTERM', () => process.exit(0))
  process.send?.({ ready: port })
}

export type Ask = <T>(verb: string, given?: unknown) => Promise<T>
type Asked = { ask: Ask; ready: Promise<number> }

/** In the bench: how to call this child, and when it is ready. If the child exits, pending calls fail. */
export function asking(child: ChildProcess, name: string): Asked {
  type Open = { resolve: (value: never) => void; reject: (error: Error) => void }
  const open = new Map<number | 'ready', Open>()
  const question = <T>(id: number | 'ready'): Promise<T> =>
    new Promise((resolve, reject) => open.set(id, { resolve, reject }))
  let next = 0

  child.on('message', ({ id, value, error, ready: port }: Answer & { ready?: number }) => {
    const key = port === undefined ? id : 'ready'
    const waiting = open.get(key)
    open.delete(key)
    if (error === undefined) waiting?.resolve((port ?? value) as never)
    else waiting?.reject(new Error(`${name}: ${error}`))
  })
  child.on('exit', (code, signal) => {
    for (const { reject } of open.values()) reject(new Error(`${name} ended (${signal ?? code})`))
    open.clear()
  })

  const ready = question<number>('ready')
  ready.catch(() => {})
  return {
    ready,
    ask(verb, given) {
      const id = next++
      const answer = question<never>(id)
      child.send({ id, ask: verb, given } satisfies Question, (error) => error && open.get(id)?.reject(error))
      return answer
    },
  }
}
