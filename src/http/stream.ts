import type { Response } from 'express'

/** How long a client may read nothing of a streamed response, in milliseconds. */
const longestStallMs = 30_000

/** The body of a response to HEAD. */
export async function* nothing(): AsyncGenerator<string> {}

/** Writes the pieces no faster than the client reads them. Ends early if the client is gone or stalls. */
export async function pour(pieces: AsyncIterable<string | Buffer>, response: Response): Promise<void> {
  for await (const piece of pieces) {
    if (!response.write(piece) && !(await hasDrained(response))) response.destroy()
    if (response.destroyed) return
  }
  response.end()
}

/** `false`: the connection was closed, or the client read nothing for too long. */
const hasDrained = (response: Response): Promise<boolean> =>
  new Promise((resolve) => {
    const settle = (drained: boolean) => (): void => {
      clearTimeout(timer)
      response.off('drain', onDrain)
      response.off('close', onClose)
      resolve(drained)
    }
    const [onDrain, onClose] = [settle(true), settle(false)]
    const timer = setTimeout(onClose, longestStallMs)
    response.on('drain', onDrain)
    response.on('close', onClose)
    if (response.destroyed) onClose()
  })
