/**
 * Sanitizes one SVG and ends. It runs in a thread of its own: a hostile file cannot keep the service waiting, and the
 * memory of the DOM is free again afterwards. `svg.ts` starts it.
 *
 * This file is JavaScript, so that a worker thread runs it as it is: from the build, and from the source on Node 20,
 * which reads no TypeScript.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { sanitizeNow } from './sanitize.js'

/** @type {(answer: import('./svg.ts').SanitizedSvg) => void} */
const report = (answer) => parentPort?.postMessage(answer)

try {
  report(sanitizeNow(workerData))
} catch {
  // Its elements are nested so deeply that reading them needs more stack than there is.
  report({ reason: 'too_complex' })
}
