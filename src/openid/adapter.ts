/**
 * The storage of the engine. What it must remember between two requests is sealed in our store. Everything else is
 * ours, and the engine only sees it: its session is our session, its grant is the person's consent, its client is our
 * application.
 */
import type { Application, OpenidStateStore } from '../applications/ports.ts'
import { type Clock, epochSeconds, secondsAfter } from '../kernel/clock.ts'
import { type Sealer, sha256 } from '../kernel/crypto.ts'

type Payload = Readonly<Record<string, unknown>>

/** The interface of the engine: https://github.com/panva/node-oidc-provider/blob/main/example/my_adapter.js */
export type Adapter = {
  upsert(id: string, payload: Payload, expiresIn: number): Promise<void>
  find(id: string): Promise<Payload | undefined>
  findByUid(uid: string): Promise<Payload | undefined>
  findByUserCode(code: string): Promise<Payload | undefined>
  consume(id: string): Promise<void>
  destroy(id: string): Promise<void>
  revokeByGrantId(id: string): Promise<void>
}

export type AdapterParts = {
  readonly states: OpenidStateStore
  readonly sealer: Sealer
  readonly clock: Clock
  /** The clock of this machine, which the engine reads. It may differ from the one that all nodes share. */
  readonly machineClock: Clock
  /** A live session, as the engine's payload. */
  readonly session: (id: string) => Promise<Payload | undefined>
  /** What an application may see of the person in this session, as the engine's payload. */
  readonly grant: (id: string) => Promise<Payload | undefined>
  readonly application: (id: string) => Promise<Application | undefined>
  readonly clientOf: (application: Application) => Payload
  /** Ends the sign-ins that came from a grant: its code was used twice. */
  readonly revoke: (grantId: string) => Promise<void>
  /** The error for a code that was used in the meantime. */
  readonly used: () => Error
}

/** The payload with its times moved from one clock to another, in seconds. */
function moveTimes(payload: Payload, seconds: number): Payload {
  const moved = ['iat', 'exp'].flatMap((name) => {
    const time = payload[name]
    return typeof time === 'number' ? [[name, time + seconds]] : []
  })
  return { ...payload, ...Object.fromEntries(moved) }
}

/** How long an expired code of a device is still recognized, in seconds. */
const expiredSeconds = 300

/** Returns the adapter of each model of the engine, by its name. */
export function createAdapter(parts: AdapterParts): (model: string) => Adapter {
  const { states, sealer, clock, machineClock, session, grant, application, clientOf, revoke, used } = parts
  const nothing = async (): Promise<undefined> => undefined
  const virtual = (find: Adapter['find']): Adapter => ({
    upsert: nothing,
    find,
    findByUid: nothing,
    findByUserCode: nothing,
    consume: nothing,
    destroy: nothing,
    revokeByGrantId: nothing,
  })
  /** By how many seconds the clock of this machine is ahead of the shared one: stored times are of the latter. */
  const ahead = (): number => epochSeconds(machineClock()) - epochSeconds(clock())
  const place = (id: string): string => `openid_states/${id}/payload`

  const stored = (model: string): Adapter => {
    // The value itself is a secret: only its hash is stored.
    const idOf = (id: string): string => `${model}.${sha256(id)}`
    const find = async (id: string): Promise<Payload | undefined> => {
      const state = await states.find(idOf(id))
      if (!state || state.expiresAt <= clock()) return undefined
      const payload = moveTimes(JSON.parse(sealer.open(state.payload, place(state.id))) as Payload, ahead())
      return state.usedAt ? { ...payload, consumed: epochSeconds(state.usedAt) } : payload
    }
    /** The code that a person types leads to the code of the device. */
    const userCodeId = (code: string): string => `UserCode.${sha256(code)}`
    return {
      ...virtual(find),
      async findByUserCode(code) {
        const id = userCodeId(code)
        const state = await states.find(id)
        if (!state || state.expiresAt <= clock()) return undefined
        return find(sealer.open(state.payload, place(id)))
      },
      async upsert(given, payload, expiresIn) {
        const now = clock()
        const { accountId, userCode } = payload
        const put = (id: string, text: string, seconds: number): Promise<void> =>
          states.put({
            id,
            kind: model,
            payload: sealer.seal(text, place(id)),
            accountId: typeof accountId === 'string' ? accountId : null,
            createdAt: now,
            expiresAt: secondsAfter(now, seconds),
            usedAt: null,
          })
        // A device learns that its code has expired, not that it is unknown (RFC 8628 §3.5).
        const isOfDevice = typeof userCode === 'string'
        const text = JSON.stringify(moveTimes(payload, -ahead()))
        await put(idOf(given), text, isOfDevice ? expiresIn + expiredSeconds : expiresIn)
        if (isOfDevice) await put(userCodeId(userCode), given, expiresIn)
      },
      async consume(given) {
        if (await states.use(idOf(given), clock())) return
        // Two requests with one code at the same time: the second is a second use (RFC 6749 §4.1.2).
        const grantId = (await find(given))?.grantId
        if (typeof grantId === 'string') await revoke(grantId)
        throw used()
      },
      destroy: (given) => states.remove(idOf(given)),
    }
  }

  return (model) => {
    switch (model) {
      case 'Session':
        return { ...virtual(session), findByUid: session }
      case 'Grant':
        return virtual(grant)
      case 'Client':
        return virtual(async (id) => {
          const found = await application(id)
          return found && clientOf(found)
        })
      case 'AccessToken':
        return { ...virtual(nothing), revokeByGrantId: revoke }
      case 'RefreshToken':
        return virtual(nothing)
      default:
        return stored(model)
    }
  }
}
