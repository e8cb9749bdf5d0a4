import { createSealer, type Sealer } from '../../src/kernel/crypto.ts'
import { systemRandom } from '../../src/kernel/ids.ts'

export const newKey = (id: string) => ({ id, key: systemRandom(32) })

/** A sealer with a key of its own. */
export const newSealer = (): Sealer => createSealer([newKey('k1')], systemRandom)
