/**
 * Runs the sandbox alone on `SANDBOX_PORT` (4400) until SIGTERM or SIGINT. With `SANDBOX_AS` that user signs in without
 * a page.
 */
import { startSandbox } from './sandbox.ts'

const appOrigin = process.env.SANDBOX_APP_ORIGIN
const sandbox = await startSandbox({
  port: Number(process.env.SANDBOX_PORT ?? 4400),
  as: process.env.SANDBOX_AS ?? 'click',
  ...(appOrigin !== undefined && { appOrigin }),
})
process.stdout.write(`Sandbox at ${sandbox.url}\n`)

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void sandbox.close().then(() => process.exit(0)))
}
