/** Questions and answers between the bench and the processes it measures, over Node's own channel. */
import type { ChildProcess } from 'node:child_process'

type Asked = { readonly id: number; readonly ask: string; readonly given: unknown }
type Answered = { readonly id: number; readonly value?: unknown; readonly error?: string }

/** In the process that is asked: what is not in `verbs` is left to whoever else answers there. */
export function answerParent(verbs: Readonly<Record<string, (given: never) => unknown>>): void {
  process.on('message', async ({ id, ask, given }: Asked) => {
    const verb = verbs[ask]
    if (!verb) return
    try {
      process.send?.({ id, value: await verb(given as never) } satisfies Answered)
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
}

/** In the process that is asked, when it can be: with the port it listens on, if it does. */
export const tellReady = (port = 0): void => void process.send?.({ ready: port })

export type Ask = <T>(verb: string, given?: unknown) => Promise<T>

/** In the bench: a function that asks this child. A child that ends leaves no question open. */
export function asking(child: ChildProcess, name: string): { ask: Ask; ready: Promise<number> } {
  const open = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  let next = 0
  let [resolve, reject]: [(port: number) => void, (error: Error) => void] = [() => {}, () => {}]
  const ready = new Promise<number>((...settle) => {
    ;[resolve, reject] = settle
  })
  ready.catch(() => {})
  child.on('message', ({ id, value, error, ready: port }: Answered & { ready?: number }) => {
    if (port !== undefined) return resolve(port)
    const question = open.get(id)
    open.delete(id)
    if (error === undefined) question?.resolve(value as never)
    else question?.reject(new Error(`${name}: ${error}`))
  })
  child.on('exit', (code, signal) => {
    const gone = new Error(`${name} ended (${signal ?? code})`)
    for (const { reject } of open.values()) reject(gone)
    open.clear()
    reject(gone)
  })
  const ask: Ask = (verb, given) =>
    new Promise((...[resolve, reject]) => {
      const id = next++
      open.set(id, { resolve, reject })
      child.send({ id, ask: verb, given } satisfies Asked)
    })
  return { ask, ready }
}
