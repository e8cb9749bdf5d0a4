/** `npm run demo`: Vinculum with a sandbox of its providers, to try it out. All data is in `data/demo.db`. */

import { startSandbox } from '../sandbox/sandbox.ts'
import { ConfigError, readConfig } from '../src/config.ts'
import { systemRandom } from '../src/kernel/ids.ts'
import { generatedKeys } from '../src/secrets.ts'
import { createVinculum } from '../src/vinculum.ts'

/** Errors that the user can fix are shown as one sentence. Any other error is a defect and is shown with its stack. */
process.once('uncaughtException', (error: Error & { code?: string; port?: number }) => {
  const message =
    error.code === 'EADDRINUSE'
      ? `Port ${error.port} is in use. Set PORT (the service) and SANDBOX_PORT (its providers) to free ports, or stop the process that uses it.`
      : error instanceof ConfigError
        ? error.message
        : (error.stack ?? String(error))
  process.stderr.write(`${message}\n`)
  process.exit(1)
})

const port = Number(process.env.PORT || 3000)
const sandboxPort = Number(process.env.SANDBOX_PORT || 4400)

const sandbox = await startSandbox({ port: sandboxPort, appOrigin: `http://localhost:${port}` })
const config = readConfig({
  LOG_LEVEL: 'warn',
  // The tour signs in more often per minute than a person may.
  RATE_LIMITS: 'off',
  RETURN_TO_ALLOWED: 'http://localhost:5173/',
  // The sandbox is on this machine, and an administrator may add it as a provider.
  PROVIDERS_ALLOW_PRIVATE_ADDRESSES: 'on',
  // Scopes that users can grant later.
  GITHUB_OPTIONAL_SCOPES: 'repo',
  GOOGLE_OPTIONAL_SCOPES: 'https://www.googleapis.com/auth/calendar.readonly',
  // Ignore secrets from files: they would be set twice, and `SMTP_URL_FILE` would make the demo send email.
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.endsWith('_FILE'))),
  ...sandbox.env,
  // Always use the demo's own database: its fictional users must not end up in a real one.
  DATABASE_URL: 'file:./data/demo.db',
  // Never send email to fictional users. Messages are shown at /mailbox.
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
  Vinculum   ${config.publicUrl.origin}
  Providers  ${sandbox.url}  (a sandbox: choose a user on its pages)
  Mailbox    ${config.publicUrl.origin}/mailbox  (no email is sent; messages are shown here)
  API        ${config.publicUrl.origin}/docs

  Sign in with Google as Ada, then link GitHub. Sign out, sign in with Acme ID as Ada, and resolve the conflict.
  Create an account with a password, verify its email address from the mailbox, and add a second factor or a passkey.
  Create a team, connect Jira as Ada, and view the queues of her two sites.
  Become an administrator: DATABASE_URL=file:./data/demo.db npx tsx src/main.ts make-admin <email address>
  Then open ${config.publicUrl.origin}/admin
  Run the same steps without a browser: npm run tour
  Press Ctrl+C to stop.

`)
