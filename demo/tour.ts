/**
 * `npm run tour`: what a first visitor would do, over HTTP against a running demo (`npm run demo`). Each step prints
 * what it did and the response, with secrets shortened. If a step fails, the tour ends with a non-zero exit code.
 */
import { randomBytes } from 'node:crypto'
import { administerAccounts } from './tour/administering.ts'
import { usePassword } from './tour/password.ts'
import { useProviders } from './tour/providers.ts'
import { useSecondFactor } from './tour/second-factor.ts'
import { base, control, print, sandbox, steps } from './tour/steps.ts'
import { useTeams } from './tour/team.ts'

async function tour(): Promise<void> {
  // Every tour has its own users.
  const run = randomBytes(4).toString('hex')
  print('\nSigning in with providers')
  await useProviders(run)
  print('\nAn account without a provider')
  const person = await usePassword(run)
  print('\nA second factor, devices, and throttling')
  const access = await useSecondFactor(person)
  print('\nAdministering the service')
  await administerAccounts(person, access, run)
  print('\nA team, its Jira, and tokens for back ends')
  await useTeams(access, run)
}

tour()
  .then(() => print(`\n${steps()} steps, all passed.`))
  .catch((error: unknown) => {
    const { cause, message = String(error) } = error as Partial<Error & { cause: { code?: string } }>
    const nobody = cause?.code === 'ECONNREFUSED'
    const why = `There is no response from ${base} or ${sandbox}. Start the demo with the same PORT and SANDBOX_PORT: npm run demo`
    process.stderr.write(`\n${nobody ? why : message}\n`)
    process.exitCode = 1
  })
  .finally(() => control('/as', { identity: 'click' }).catch(() => undefined))
