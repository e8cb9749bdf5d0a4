/**
 * Vinculum beside a sandbox of its providers, for trying it out: `npm run demo`. Everything it stores is in
 * `data/demo.db`.
 */

import { startSandbox } from '../sandbox/sandbox.ts'
import { ConfigError, readConfig } from '../src/config.ts'
import { systemRandom } from '../src/kernel/ids.ts'
import { generatedKeys } from '../src/secrets.ts'
import { createVinculum } from '../src/vinculum.ts'

/** What whoever tries it out can mend is said in a sentence; anything else is a defect, and told with its stack. */
process.once('uncaughtException', (error: Error & { code?: string; port?: number }) => {
  const told =
    error.code === 'EADDRINUSE'
      ? `Port ${error.port} is in use. Set PORT (the service) and SANDBOX_PORT (its providers) to free ones, or stop the process that uses them.`
      : error instanceof ConfigError
        ? error.message
        : (error.stack ?? String(error))
  process.stderr.write(`${told}\n`)
  process.exit(1)
})

const port = Number(process.env.PORT || 3000)
const sandboxPort = Number(process.env.SANDBOX_PORT || 4400)

const sandbox = await startSandbox({ port: sandboxPort, appOrigin: `http://localhost:${port}` })
const config = readConfig({
  LOG_LEVEL: 'warn',
  // The tour signs in more often in a minute than a person may.
  RATE_LIMITS: 'off',
  RETURN_TO_ALLOWED: 'http://localhost:5173/',
  // What people may grant on top, if they want to.
  GITHUB_OPTIONAL_SCOPES: 'repo',
  GOOGLE_OPTIONAL_SCOPES: 'https://www.googleapis.com/auth/calendar.readonly',
  // Secrets from files would be set twice, and `SMTP_URL_FILE` would send mail after all.
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.endsWith('_FILE'))),
  ...sandbox.env,
  // Its people are made up: they must not end up in a database somebody has set for another purpose.
  DATABASE_URL: 'file:./data/demo.db',
  // Nor may they be written to: letters stay here, to be read.
  SMTP_URL: undefined,
  PORT: String(port),
})
const encryptionKeys = config.encryptionKeys ?? generatedKeys('data/encryption-keys', systemRandom).keys
const vinculum = await createVinculum({ ...config, encryptionKeys })

const end = (): void => {
  Promise.all([vinculum.close(), sandbox.close()]).then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`)
      process.exit(1)
    },
  )
}
process.once('SIGTERM', end)
process.once('SIGINT', end)

await vinculum.listen()
process.stdout.write(`
  Vinculum       ${config.publicUrl.origin}
  Its providers  ${sandbox.url}  (a sandbox: choose who you are on its pages)
  Its letters    ${config.publicUrl.origin}/mailbox
  API            ${config.publicUrl.origin}/docs

  Sign in with Google as Ada, then link GitHub; sign out, come back with Acme ID as Ada and meet the conflict.
  Or open an account with a password, verify its address from the mailbox, and switch on a second factor or a passkey.
  Create a team, connect Jira as Ada, and show the queues of her two sites.
  Look after the service: DATABASE_URL=file:./data/demo.db npx tsx src/main.ts make-admin <address>, then ${config.publicUrl.origin}/admin
  The same walk without a browser: npm run tour
  Ctrl+C ends it.

`)
