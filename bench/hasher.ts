/** The bare hash function, with the service's parameters: what a password sign-in cannot cost less than. */
import { argon2id, hash, verify } from 'argon2'
import { answerParent, tellReady } from './ipc.ts'

const parameters = { type: argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const
const password = 'correct horse battery staple'

answerParent({
  /** Verifies one right password so many times, all asked for at once; answers how many a second. */
  async verify({ times }: { times: number }) {
    const kept = await hash(password, parameters)
    const started = performance.now()
    const verified = await Promise.all(Array.from({ length: times }, () => verify(kept, password)))
    if (!verified.every(Boolean)) throw new Error('a right password was refused')
    return { perSecond: times / ((performance.now() - started) / 1000) }
  },
})
tellReady()
