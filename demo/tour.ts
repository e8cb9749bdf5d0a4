/**
 * The walk of a first visitor, over HTTP against a running demo: `npm run demo`, then `npm run tour`. Each step says
 * what it did and what came back, secrets shortened; a step that fails ends it with a code other than zero.
 */
import { base, control, sandbox, say, steps } from './tour/steps.ts'
import { walk } from './tour/walk.ts'

walk()
  .then(() => say(`\n${steps()} steps, all well.`))
  .catch((error: unknown) => {
    const { cause, message = String(error) } = error as Partial<Error & { cause: { code?: string } }>
    const nobody = cause?.code === 'ECONNREFUSED'
    const why = `Nothing answers at ${base} or ${sandbox}. The demo has to be running: npm run demo, with the same PORT and SANDBOX_PORT.`
    process.stderr.write(`\n${nobody ? why : message}\n`)
    process.exitCode = 1
  })
  .finally(() => control('/as', { identity: 'click' }).catch(() => undefined))
