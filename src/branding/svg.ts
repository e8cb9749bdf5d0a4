import { Worker } from 'node:worker_threads'
import { BusyError } from '../kernel/busy.ts'
import { untimed } from '../kernel/limit.ts'
import { mostPictureBytes } from '../kernel/picture.ts'
import { err, ok, type Result } from '../kernel/result.ts'

/** Why an SVG is refused. */
export type SvgFault = 'malformed' | 'entities' | 'too_complex' | 'not_a_picture'
/** What the thread reports. */
export type SanitizedSvg = { readonly svg: string } | { readonly reason: SvgFault }

/** A logo has tens of elements, a drawing hundreds. */
const mostElements = 5000
const deadlineMs = 30_000
/** How many files may wait. Each upload is by an administrator. */
const mostWaiting = 4

let waiting = 0
let last: Promise<unknown> = Promise.resolve()

/**
 * An SVG without anything that runs, loads or links: with DOMPurify, in a thread that ends afterwards. One after
 * another, because each needs as much memory as the rest of the service.
 */
export async function sanitizeSvg(file: Buffer): Promise<Result<Buffer, SvgFault>> {
  // Each element begins with one. Beyond this number, a browser would need long to draw it, too.
  if (file.filter((byte) => byte === 0x3c).length > 2 * mostElements) return err('too_complex')
  if (waiting === mostWaiting) throw new BusyError('the check of pictures', 5)
  waiting += 1
  const turn = last.then(() => inThread(file))
  last = turn.catch(() => {})
  try {
    // Nothing waits for the store in the meantime.
    const done = await untimed(() => turn)
    if ('reason' in done) return err(done.reason)
    const body = Buffer.from(done.svg)
    return body.length > mostPictureBytes ? err('too_complex') : ok(body)
  } finally {
    waiting -= 1
  }
}

function startThread(file: Buffer): Worker {
  try {
    return new Worker(new URL('./svg-thread.js', import.meta.url), {
      workerData: new Uint8Array(file),
      name: 'svg',
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 256, stackSizeMb: 4 },
    })
  } catch (error) {
    // The process may have no more threads (ERR_WORKER_INIT_FAILED).
    throw new BusyError('the check of pictures', 5, error)
  }
}

function inThread(file: Buffer): Promise<SanitizedSvg> {
  return new Promise((resolve, reject) => {
    const worker = startThread(file)
    const timer = setTimeout(() => void worker.terminate(), deadlineMs)
    let answer: SanitizedSvg | undefined
    worker.on('message', (message: SanitizedSvg) => {
      answer = message
      void worker.terminate()
    })
    let cause: unknown
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', () => {
      clearTimeout(timer)
      if (answer) resolve(answer)
      // Out of memory, or out of time. Any other error is a defect.
      else if (cause === undefined || (cause as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY')
        resolve({ reason: 'too_complex' })
      else reject(cause)
    })
  })
}
