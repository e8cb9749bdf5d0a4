import type { ChildProcess } from 'node:child_process'

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
// Vitest ends its workers with this signal, which runs no exit handlers by itself.
process.once('SIGTERM', () => process.exit(143))

/** Ends the child process with the worker at the latest: a test that failed has not ended its own. */
export function endWithWorker<C extends ChildProcess>(child: C): C {
  running.add(child)
  child.once('close', () => running.delete(child))
  return child
}
