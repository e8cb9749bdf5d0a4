/**
 * `npm run tour`: what a first visitor would do, over HTTP against a running demo (`npm run demo`). Each step prints
 * what it did and the response, with secrets shortened. If a step fails, the tour ends with a non-zero exit code.
 */
import { base, control, print, sampleApp, sandbox, steps } from './tour/steps.ts'
import { walk } from './tour/walk.ts'

walk()
  .then(() => print(`\n${steps()} steps, all passed.`))
  .catch((error: unknown) => {
    const { cause, message = String(error) } = error as Partial<Error & { cause: { code?: string } }>
    const nobody = cause?.code === 'ECONNREFUSED'
    const why = `There is no response from ${base}, ${sandbox} or ${sampleApp}. Start the demo with the same ports: npm run demo`
    process.stderr.write(`\n${nobody ? why : message}\n`)
    process.exitCode = 1
  })
  .finally(() => control('/as', { identity: 'click' }).catch(() => undefined))
