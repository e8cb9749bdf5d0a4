/** Requests and responses between the bench and the processes it measures, over Node's own channel. */
import type { ChildProcess } from 'node:child_process'

type CallMessage = { readonly id: number; readonly ask: string; readonly argument: unknown }
type ReplyMessage = { readonly id: number; readonly value?: unknown; readonly error?: string }

/** In the measured process: handles these verbs and ignores others, which another handler may answer. */
export function answerParent(verbs: Readonly<Record<string, (argument: never) => unknown>>): void {
  process.on('message', async ({ id, ask, argument }: CallMessage) => {
    const verb = verbs[ask]
    if (!verb) return
    try {
      process.send?.({ id, value: await verb(argument as never) } satisfies ReplyMessage)
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
}

/** In the measured process: reports that it is ready, with its port if it listens. */
export function reportReady(port = 0): void {
  process.channel?.ref()
  process.once('SIGTERM', () => process.exit(0))
  process.send?.({ ready: port })
}

export type CallVerb = <T>(verb: string, argument?: unknown) => Promise<T>
type ChildHandle = { ask: CallVerb; ready: Promise<number> }

/** In the bench: how to call this child, and when it is ready. If the child exits, pending calls fail. */
export function connectChild(child: ChildProcess, name: string): ChildHandle {
  type PendingCall = { resolve: (value: never) => void; reject: (error: Error) => void }
  const open = new Map<number | 'ready', PendingCall>()
  const awaitReply = <T>(id: number | 'ready'): Promise<T> =>
    new Promise((resolve, reject) => open.set(id, { resolve, reject }))
  let next = 0

  child.on('message', ({ id, value, error, ready: port }: ReplyMessage & { ready?: number }) => {
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

  const ready = awaitReply<number>('ready')
  ready.catch(() => {})
  return {
    ready,
    ask(verb, argument) {
      const id = next++
      const answer = awaitReply<never>(id)
      child.send(
        { id, ask: verb, argument: argument } satisfies CallMessage,
        (error) => error && open.get(id)?.reject(error),
      )
      return answer
    },
  }
}
