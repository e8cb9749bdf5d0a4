/** Devices without a browser: a person types their code here (RFC 8628). */
import type { DeviceCode } from 'oidc-provider'
import type { Applications } from '../applications/applications.ts'
import { classOf, isAllowed, isStandardScope } from '../applications/policy.ts'
import type { Application, ConsentStore } from '../applications/ports.ts'
import type { Subjects } from '../applications/subjects.ts'
import type { Origin } from '../events/catalogue.ts'
import { type Clock, epochSeconds, secondsAfter } from '../kernel/clock.ts'
import type { LiveSession } from '../sessions/ports.ts'
import type { EngineHost } from './engine-host.ts'
import type { Proofs } from './proofs.ts'
import type { Views } from './views.ts'

/** How far apart the requests of a device must be, in seconds. It is asked for five: networks are not exact. */
const leastPollSeconds = 4
const userCodeLength = 8

/** What a device asks for, and from where. */
export type DeviceRequest = {
  readonly application: Application
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly from: { readonly ip: string | null; readonly userAgent: string | null }
}

function askedBy({ params }: DeviceCode, { scopes: registered }: Application, own: readonly string[]) {
  const { scope = '', resource = [] } = params
  const resources = [resource].flat().filter((one) => !own.includes(one))
  const scopes = String(scope)
    .split(' ')
    .filter((one) => registered.includes(one) && (resources.length > 0 || isStandardScope(one)))
  return { scopes, resources }
}

type DeviceRequestsParts = Pick<EngineHost, 'engine'> &
  Pick<Views, 'allowedOf'> & {
    /** The URLs of our own API. */
    readonly own: readonly string[]
    readonly applications: Pick<Applications, 'any' | 'find'>
    readonly consents: Pick<ConsentStore, 'allow'>
    readonly subjects: Pick<Subjects, 'sidOf'>
    readonly proofs: Pick<Proofs, 'claim'>
    readonly clock: Clock
  }

export function createDeviceRequests(parts: DeviceRequestsParts) {
  const { engine, allowedOf, own, applications, consents, subjects, clock } = parts

  const waitingDevice = async (typed: string) => {
    const code = typed.toUpperCase().replace(/[^A-Z]/g, '')
    if (code.length !== userCodeLength || !(await applications.any())) return undefined
    const { provider } = await engine()
    const device = await provider.DeviceCode.findByUserCode(code, { ignoreExpiration: true })
    // Answered once: what a person decided must not change before the device asks.
    if (!device || device.accountId !== undefined || device.error !== undefined) return undefined
    const application = await applications.find(device.clientId)
    return application && { device, application }
  }

  return {
    /** Whether a device asks again too soon (RFC 8628 §3.5). Unknown codes are left to the engine, which refuses them. */
    async isTooSoon(application: Application, code: string): Promise<boolean> {
      const { provider } = await engine()
      const found = await provider.DeviceCode.find(code, { ignoreExpiration: true })
      if (found?.clientId !== application.id) return false
      const slot = Math.floor(clock().getTime() / (leastPollSeconds * 1000))
      const isFirst = await parts.proofs.claim('poll', code, String(slot), secondsAfter(clock(), 2 * leastPollSeconds))
      return !isFirst
    },

    /** The request of a device whose code a person typed; `undefined` if there is none that waits. */
    async deviceRequest(typed: string): Promise<DeviceRequest | undefined> {
      const found = await waitingDevice(typed)
      if (!found) return undefined
      const { device, application } = found
      return { application, ...askedBy(device, application, own), from: device.deviceInfo }
    },

    /**
     * Lets a device sign in, in the session of the person who typed its code: signing out there ends it here. `false` if
     * the request is over.
     */
    async allowDevice(typed: string, session: LiveSession, origin: Origin): Promise<boolean> {
      const found = await waitingDevice(typed)
      if (!found) return false
      const { device, application } = found
      const { id, accountId } = session
      const asked = askedBy(device, application, own)
      if (!isAllowed(asked, await allowedOf(application, accountId)))
        await consents.allow({ accountId, applicationId: application.id, ...asked, documentHash: null }, clock(), [
          { name: 'application.consented', accountId, origin, data: { application: application.id } },
        ])
      const acr = classOf(session.amr)
      Object.assign(device, {
        accountId,
        sessionUid: id,
        sid: subjects.sidOf(application, id),
        grantId: `${id}.${application.id}`,
        scope: asked.scopes.join(' '),
        authTime: epochSeconds(session.authTime),
        amr: [...session.amr],
        ...(asked.resources.length === 0 ? {} : { resource: asked.resources }),
        ...(acr === undefined ? {} : { acr }),
      })
      await device.save()
      return true
    },

    /** Records that the person refused: the device gets `access_denied`. `false` if the request is over. */
    async refuseDevice(typed: string): Promise<boolean> {
      const found = await waitingDevice(typed)
      if (!found) return false
      Object.assign(found.device, { error: 'access_denied', errorDescription: 'the person refused' })
      await found.device.save()
      return true
    },
  }
}
