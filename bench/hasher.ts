/** The plain hash function with the service's parameters: the minimum cost of a password sign-in. */
import { argon2id, hash, verify } from 'argon2'
import { answerParent, reportReady } from './ipc.ts'

const parameters = { type: argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const
const password = 'correct horse battery staple'

answerParent({
  /** Verifies a correct password a number of times concurrently. Returns how many per second. */
  async verify({ times }: { times: number }) {
    const stored = await hash(password, parameters)
    const started = performance.now()
    const verified = await Promise.all(Array.from({ length: times }, () => verify(stored, password)))
    if (!verified.every(Boolean)) throw new Error('a correct password was rejected')
    return { perSecond: times / ((performance.now() - started) / 1000) }
  },
})
reportReady()
