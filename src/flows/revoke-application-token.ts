import type { Application } from '../applications/ports.ts'
import type { ApplicationSessions } from '../applications/sessions.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Tokens } from '../sessions/tokens.ts'

type RevokeApplicationTokenParts = { applicationSessions: ApplicationSessions; tokens: Tokens }

/**
 * Ends the sign-in of an application's token, at the request of that application (RFC 7009). The person stays signed in
 * on the device. An unknown token, and one of another application, is not reported (§2.2).
 */
export function revokeApplicationToken({ applicationSessions, tokens }: RevokeApplicationTokenParts) {
  return async (application: Application, token: string, origin: Origin): Promise<void> => {
    for (const type of ['refresh', 'access'] as const) {
      const claims = await tokens.readOfApplication(token, type)
      if (!claims.ok || claims.value.application.id !== application.id) continue
      const found = await applicationSessions.find(claims.value.application.session)
      if (found) await applicationSessions.end(found, origin)
    }
  }
}
