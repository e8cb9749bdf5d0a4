import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { AccountApplication, ApplicationAccessStore } from './ports.ts'

type ApplicationAccessParts = { access: ApplicationAccessStore; clock: Clock }

/** The applications of a person: what each may see, on which devices, and how a person ends one. */
export function createApplicationAccess({ access, clock }: ApplicationAccessParts) {
  return {
    list: (accountId: string): Promise<readonly AccountApplication[]> => access.list(accountId, clock()),

    /**
     * Ends an application for a person: what it may see, and its sign-ins on every device, whose tokens are refused at
     * once. It is notified by back-channel logout. The person stays signed in here.
     */
    async withdraw(
      accountId: string,
      applicationId: string,
      origin: Origin,
    ): Promise<Result<null, AppError<'application_not_found'>>> {
      const done = await access.withdraw({ accountId, applicationId }, clock(), [
        { name: 'application.withdrawn', accountId, origin, data: { application: applicationId } },
      ])
      return done ? ok(null) : fail('application_not_found')
    },
  }
}
export type ApplicationAccess = ReturnType<typeof createApplicationAccess>
