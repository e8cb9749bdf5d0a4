/**
 * What the engine takes for its own sessions, grants and clients: our sessions, the consents of people and our
 * applications.
 */
import type { Applications } from '../applications/applications.ts'
import type { Documents } from '../applications/documents.ts'
import { classOf, kindRules, ofSameDocument, resourceScopesOf, standardOf } from '../applications/policy.ts'
import type { Application, ConsentStore } from '../applications/ports.ts'
import { type Clock, epochSeconds } from '../kernel/clock.ts'
import type { Devices } from '../sessions/devices.ts'
import type { LiveSession } from '../sessions/ports.ts'

type ViewsParts = {
  /** The URLs of our own API. */
  own: readonly string[]
  applications: Pick<Applications, 'find'>
  documents: Pick<Documents, 'isCurrent'>
  consents: Pick<ConsentStore, 'find'>
  devices: Pick<Devices, 'find'>
  clock: Clock
}

export function createViews(parts: ViewsParts) {
  const { own, applications, documents, consents, devices, clock } = parts

  const liveSession = async (id: string): Promise<LiveSession | undefined> => {
    const session = await devices.find(id)
    const now = clock()
    const isOver =
      !session ||
      session.endedAt !== null ||
      session.account.disabledAt !== null ||
      now >= session.idleExpiresAt ||
      now >= session.absoluteExpiresAt
    return isOver ? undefined : session
  }

  /** `<session>.<application>`: the sign-in of an application in a session. */
  const partsOf = (grantId: string): readonly [session: string, application: string] => {
    // The ID of an application may be a URL.
    const at = grantId.indexOf('.')
    return at < 0 ? [grantId, ''] : [grantId.slice(0, at), grantId.slice(at + 1)]
  }

  const allowedOf = async (application: Application, accountId: string) =>
    application.firstParty ? application : ofSameDocument(application, await consents.find(accountId, application.id))

  return {
    liveSession,
    /** What a person allowed an application: everything, if it is first-party. */
    allowedOf,

    /** An application that may sign people in, as the client of a request. */
    async application(id: string) {
      const found = await applications.find(id)
      // The engine signs people in. A machine never reaches it.
      return found && kindRules[found.kind].hasPeople && documents.isCurrent(found) ? found : undefined
    },

    /**
     * A live session. Without `iat`: the engine reads the clock of its machine, which may be behind the one that all nodes
     * share.
     */
    async session(id: string) {
      const session = await liveSession(id)
      if (!session) return undefined
      const acr = classOf(session.amr)
      return {
        kind: 'Session',
        jti: id,
        uid: id,
        accountId: session.accountId,
        loginTs: epochSeconds(session.authTime),
        amr: [...session.amr],
        ...(acr === undefined ? {} : { acr }),
        exp: epochSeconds(session.absoluteExpiresAt),
      }
    },

    /** What an application may see of the person in a session. */
    async grant(id: string) {
      const [sessionId, applicationId] = partsOf(id)
      const [session, application] = await Promise.all([liveSession(sessionId), applications.find(applicationId)])
      const allowed = session && application && (await allowedOf(application, session.accountId))
      if (!session || !application || !allowed) return undefined
      // An application may have lost a scope that a person once allowed.
      const scopes = allowed.scopes.filter((scope) => application.scopes.includes(scope))
      const ofResources = resourceScopesOf(scopes).join(' ')
      return {
        kind: 'Grant',
        jti: id,
        accountId: session.accountId,
        clientId: applicationId,
        openid: { scope: standardOf(scopes).join(' ') },
        resources: Object.fromEntries([
          ...allowed.resources
            .filter((resource) => application.resources.includes(resource))
            .map((resource) => [resource, ofResources]),
          ...own.map((resource) => [resource, standardOf(scopes).join(' ')]),
        ]),
        exp: epochSeconds(session.absoluteExpiresAt),
      }
    },
  }
}
export type Views = ReturnType<typeof createViews>
