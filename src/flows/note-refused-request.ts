import type { Applications } from '../applications/applications.ts'
import type { Bus } from '../events/bus.ts'
import type { Origin } from '../events/catalogue.ts'

type NoteRefusedRequestParts = { applications: Pick<Applications, 'find'>; events: Bus }

/** What a person decides, or has not done yet: no fault of the request. */
const ofPeople: ReadonlySet<string> = new Set([
  'access_denied',
  'login_required',
  'consent_required',
  'interaction_required',
])

/**
 * Reports an authorization request that was refused, for the operator of the application: with its ID only if it is
 * registered, and nothing else of what the request contains.
 */
export function noteRefusedRequest({ applications, events }: NoteRefusedRequestParts) {
  return async (clientId: string | undefined, error: string, origin: Origin): Promise<void> => {
    if (ofPeople.has(error)) return
    const application = clientId === undefined ? undefined : await applications.find(clientId)
    events.emit('application.request_refused', { application: application?.id ?? null, error }, origin)
  }
}
