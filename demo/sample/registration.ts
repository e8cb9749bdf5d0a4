import { createApplications, type NewApplication } from '../../src/applications/applications.ts'
import type { CompleteConfig } from '../../src/config.ts'
import { internalOrigin } from '../../src/events/catalogue.ts'
import { openFoundation } from '../../src/foundation.ts'
import { sha256 } from '../../src/kernel/crypto.ts'
import { ok } from '../../src/kernel/result.ts'

/** An application of the demo. Its ID is fixed, so that the documents can name it. */
export type DemoApplication = NewApplication & {
  readonly id: string
  /** A secret that is no secret: it is printed in the documents, and valid in a demo only. */
  readonly secret?: string
}

/** Registers these applications in the demo's database, or changes them to what is declared. */
export async function registerApplications(
  config: CompleteConfig,
  declared: readonly DemoApplication[],
): Promise<void> {
  const { base, store, close } = await openFoundation(config, {})
  try {
    for (const { id, kind, secret, ...rest } of declared) {
      const { applications: stored, applicationSessions: sessions } = store
      const applications = createApplications({
        // Nothing authenticates here.
        verifyAssertion: async () => false,
        sectorDocument: async () => undefined,
        throttle: { takeWrong: async () => ok(null) },
        record: store.audit.record,
        ...base,
        applications: stored,
        sessions,
        ids: () => id,
      })
      // An administrator may have disabled it.
      const done = (await applications.get(id)).ok
        ? await applications.update('demo', id, rest, internalOrigin)
        : await applications.create('demo', { kind, ...rest }, internalOrigin)
      if (!done.ok) throw new Error(`the application ${id} cannot be registered: ${JSON.stringify(done.error)}`)
      if (secret !== undefined) await stored.rotateSecret(id, sha256(secret), base.clock(), [])
    }
  } finally {
    await close()
  }
}
