/** Preloaded into every process that is measured, the service too: tells what the process has used so far. */
import { answerParent } from './ipc.ts'

answerParent({
  /** Microseconds of CPU, user and system, on all threads. */
  cpu: () => {
    const { user, system } = process.cpuUsage()
    return user + system
  },
})
// Being asked is no reason to stay; and nobody stays when the bench is gone.
process.channel?.unref()
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
