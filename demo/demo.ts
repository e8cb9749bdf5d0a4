/**
 * `npm run demo`: Vinculum with a sandbox of its providers, a sample app and a sample API, to try it out. All data is in
 * `data/demo.db`.
 */

import { startSandbox } from '../sandbox/sandbox.ts'
import { ConfigError, readConfig } from '../src/config.ts'
import { systemRandom } from '../src/kernel/ids.ts'
import { generatedKeys } from '../src/secrets.ts'
import { createVinculum } from '../src/vinculum.ts'
import { startSampleApi } from './sample/api.ts'
import { startSampleApp } from './sample/app.ts'
import { registerApplications } from './sample/registration.ts'

const standardPorts = {
  PORT: 3000,
  SANDBOX_PORT: 4400,
  SAMPLE_APP_PORT: 5173,
  SAMPLE_API_PORT: 5174,
  // Where the reader's own apps run, which the README shows.
  OWN_BROWSER_APP_PORT: 8080,
  OWN_SERVER_APP_PORT: 8081,
}
type PortName = keyof typeof standardPorts
const portOf = (name: PortName): number => Number(process.env[name] || standardPorts[name])
const namesOfPort = (port: number | undefined): string =>
  (Object.keys(standardPorts) as PortName[]).filter((name) => portOf(name) === port).join(' or ')

/** Errors that the user can fix are shown as one sentence. Any other error is a defect and is shown with its stack. */
process.once('uncaughtException', (error: Error & { code?: string; port?: number }) => {
  const message =
    error.code === 'EADDRINUSE'
      ? `Port ${error.port} is in use. Set ${namesOfPort(error.port)} to a free port, or stop the process that uses it.`
      : error instanceof ConfigError
        ? error.message
        : (error.stack ?? String(error))
  process.stderr.write(`${message}\n`)
  process.exit(1)
})

for (const name of Object.keys(standardPorts) as PortName[])
  if (!(Number.isInteger(portOf(name)) && portOf(name) > 0 && portOf(name) < 65_536))
    throw new ConfigError([`${name}: must be a port, from 1 to 65535`])

const sandbox = await startSandbox({ port: portOf('SANDBOX_PORT'), appOrigin: `http://localhost:${portOf('PORT')}` })
const app = `http://localhost:${portOf('SAMPLE_APP_PORT')}`
const api = `http://localhost:${portOf('SAMPLE_API_PORT')}`
const ownBrowserApp = `http://localhost:${portOf('OWN_BROWSER_APP_PORT')}`
const config = readConfig({
  LOG_LEVEL: 'warn',
  // The tour signs in more often per minute than a person may.
  RATE_LIMITS: 'off',
  // An app of the reader's own, which needs no registration: see `docs/clients.md`.
  RETURN_TO_ALLOWED: `${app}/,${ownBrowserApp}/`,
  // The sandbox is on this machine, and an administrator may add it as a provider.
  PROVIDERS_ALLOW_PRIVATE_ADDRESSES: 'on',
  APPLICATIONS_ALLOW_PRIVATE_ADDRESSES: 'on',
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
  PORT: String(portOf('PORT')),
})
const encryptionKeys = config.encryptionKeys ?? generatedKeys('data/encryption-keys', systemRandom).keys
const vinculum = await createVinculum({ ...config, encryptionKeys })
await registerApplications(vinculum, (standard) => {
  const name = (Object.keys(standardPorts) as PortName[]).find((each) => String(standardPorts[each]) === standard)
  return name === undefined ? standard : String(portOf(name))
})
const issuer = config.publicUrl.origin
const at = (name: PortName) => ({ port: portOf(name), host: config.host })
const sampleApi = await startSampleApi(at('SAMPLE_API_PORT'), {
  issuer,
  keys: new URL('/.well-known/jwks.json', config.publicUrl),
  resource: api,
  app,
})
const sampleApp = await startSampleApp(at('SAMPLE_APP_PORT'), { issuer, clientId: 'app_sample', api })

const end = (): void => {
  Promise.all([sampleApp.close(), sampleApi.close(), vinculum.close(), sandbox.close()]).then(
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
  Sample app ${sampleApp.origin}  (signs in with a standard client library, and calls a sample API at ${sampleApi.origin})
  Apps       demo/applications.json  (declares the sample app, and the apps of the README)

  Sign in with Google as Ada, then link GitHub. Sign out, sign in with Acme ID as Ada, and resolve the conflict.
  Create an account with a password, verify its email address from the mailbox, and add a second factor or a passkey.
  Open the sample app and sign in: nothing more to do, since you are signed in already.
  Create a team, connect Jira as Ada, and view the queues of her two sites.
  Become an administrator: DATABASE_URL=file:./data/demo.db npx tsx src/main.ts make-admin <email address>
  Then open ${config.publicUrl.origin}/admin
  Run the same steps without a browser: npm run tour
  Press Ctrl+C to stop.

`)
