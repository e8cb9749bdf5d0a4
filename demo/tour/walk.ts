import { randomBytes } from 'node:crypto'
import { administerAccounts } from './administering.ts'
import { useApplication } from './application.ts'
import { manageApplications } from './managing-applications.ts'
import { manageProviders } from './managing-providers.ts'
import { usePassword } from './password.ts'
import { useProviders } from './providers.ts'
import { useSecondFactor } from './second-factor.ts'
import { print } from './steps.ts'
import { useTeams } from './team.ts'

/** The whole tour. `run` distinguishes the users of one tour from those of another. */
export async function walk(run = randomBytes(4).toString('hex')): Promise<void> {
  print('\nSigning in with providers')
  await useProviders(run)
  print('\nAn application that signs in through the service')
  await useApplication(run)
  print('\nAn account without a provider')
  const person = await usePassword(run)
  print('\nA second factor, devices, and throttling')
  const access = await useSecondFactor(person)
  print('\nAdministering the service')
  await administerAccounts(person, access, run)
  print('\nAdding a provider while the service runs')
  await manageProviders(access, run)
  print('\nManaging applications')
  await manageApplications(access, run)
  print('\nA team, its Jira, and tokens for back ends')
  await useTeams(access, run)
}
