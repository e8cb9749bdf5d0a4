/** Preloaded into every measured process, including the service: reports the resources that it has used. */
import { answerParent } from './ipc.ts'

answerParent({
  /** Microseconds of CPU, user and system, on all threads. */
  cpu: () => {
    const { user, system } = process.cpuUsage()
    return user + system
  },
})
// The channel must not keep the process alive, and the process must exit when the bench is gone.
process.channel?.unref()
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
