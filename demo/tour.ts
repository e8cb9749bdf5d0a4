/**
 * The walk of a first visitor, over HTTP against a running demo: `npm run demo`, then `npm run tour`. Each step says
 * what it did and what came back, secrets shortened; a step that fails ends it with a code other than zero.
 */
import { randomBytes } from 'node:crypto'
import { administering } from './tour/administering.ts'
import { withPassword } from './tour/password.ts'
import { throughProviders } from './tour/providers.ts'
import { withSecondFactor } from './tour/second-factor.ts'
import { base, control, sandbox, say, steps } from './tour/steps.ts'
import { inTeams } from './tour/team.ts'

async function tour(): Promise<void> {
  // Every walk has people of its own.
  const run = randomBytes(4).toString('hex')
  say('\nSigning in with providers')
  await throughProviders(run)
  say('\nAn account without a provider')
  const person = await withPassword(run)
  say('\nA second factor, devices, and guessing')
  const access = await withSecondFactor(person)
  say('\nLooking after the service')
  await administering(person, access, run)
  say('\nA team, its Jira, and what is lent')
  await inTeams(access, run)
}

tour()
  .then(() => say(`\n${steps()} steps, all well.`))
  .catch((error: unknown) => {
    const { cause, message = String(error) } = error as Partial<Error & { cause: { code?: string } }>
    const nobody = cause?.code === 'ECONNREFUSED'
    const why = `Nothing answers at ${base} or ${sandbox}. The demo has to be running: npm run demo, with the same PORT and SANDBOX_PORT.`
    process.stderr.write(`\n${nobody ? why : message}\n`)
    process.exitCode = 1
  })
  .finally(() => control('/as', { identity: 'click' }).catch(() => undefined))
