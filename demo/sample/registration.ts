import { readFileSync } from 'node:fs'
import { readApplicationsFile } from '../../src/commands/applications-file.ts'
import { packageRoot } from '../../src/root.ts'
import { readSecretFile } from '../../src/settings/secret-file.ts'
import type { Vinculum } from '../../src/vinculum.ts'

/** Secrets that are no secrets: they are printed in the documents, and are valid in a demo only. */
const env = { APP_SERVER_SECRET: 'a-secret-that-is-for-the-demo-only' }

/**
 * Registers the applications of `demo/applications.json`, as `npm start -- applications apply` does. `portOf` returns
 * the port to use in place of a port of the file.
 */
export async function registerApplications(vinculum: Vinculum, portOf: (standard: string) => string): Promise<void> {
  const text = readFileSync(new URL('demo/applications.json', packageRoot), 'utf8').replace(
    /(?<="http:\/\/localhost:)\d+/g,
    portOf,
  )
  const declared = readApplicationsFile(text, { env, secretFile: readSecretFile })
  if (!declared.ok) throw new Error(`demo/applications.json: ${JSON.stringify(declared.error)}`)
  const { applications } = await vinculum.applyApplications(declared.value, { dryRun: false })
  const failed = applications.filter(({ faults, refusal }) => faults.length > 0 || refusal !== null)
  if (failed.length > 0) throw new Error(`demo/applications.json: ${JSON.stringify(failed)}`)
}
