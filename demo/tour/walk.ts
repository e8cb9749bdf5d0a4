import { randomBytes } from 'node:crypto'
import { administering } from './administering.ts'
import { withPassword } from './password.ts'
import { throughProviders } from './providers.ts'
import { withSecondFactor } from './second-factor.ts'
import { say } from './steps.ts'
import { inTeams } from './team.ts'

/** The whole tour. `run` keeps the people of one tour apart from those of another. */
export async function walk(run = randomBytes(4).toString('hex')): Promise<void> {
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
