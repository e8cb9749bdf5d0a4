/**
 * The storage of the engine. What it must remember between two requests is sealed in our store. Everything else is
 * ours, and the engine only sees it: its session is our session, its grant is the person's consent, its client is our
 * application.
 */
import type { AuthorizationCode } from 'oidc-provider'
import type { Application, OpenidStateStore } from '../applications/ports.ts'
import { type Clock, epochSeconds, secondsAfter } from '../kernel/clock.ts'
import { type Sealer, sha256 } from '../kernel/crypto.ts'
import { idFrom } from '../kernel/ids.ts'

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
  /** Called when a code is used again, with the ID of the sign-in that it started and when that was. */
  readonly reused: (signInId: string, usedAt: Date) => Promise<void>
  /** The error for what was used before. */
  readonly used: () => Error
}

/**
 * The payload with its expiry moved from one clock to another, in seconds. `iat` stays as it was written: the IDs of
 * sign-ins begin with it.
 */
const moveExpiry = (payload: Payload, seconds: number): Payload =>
  typeof payload.exp === 'number' ? { ...payload, exp: payload.exp + seconds } : payload

/** How long an expired code of a device is still recognized, in seconds. */
const expiredSeconds = 300

/** The ID of what is stored under a value. The value itself is a secret: only its hash is stored. */
export const stateIdOf = (model: string, value: string): string => `${model}.${sha256(value)}`

/** The ID of the sign-in that a code starts. A second use of the code finds by it what the first one issued. */
export const signInIdOf = ({ kind, jti, iat }: Pick<AuthorizationCode, 'kind' | 'jti' | 'iat'>): string =>
  idFrom('aps', new Date(iat * 1000), `${kind} ${jti}`)

/** Returns the adapter of each model of the engine, by its name. */
export function createAdapter(parts: AdapterParts): (model: string) => Adapter {
  const { states, sealer, clock, machineClock, session, grant, application, clientOf, reused, used } = parts
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
    const idOf = (id: string): string => stateIdOf(model, id)
    const find = async (id: string): Promise<Payload | undefined> => {
      const state = await states.find(idOf(id))
      if (!state || state.expiresAt <= clock()) return undefined
      const payload = moveExpiry(JSON.parse(sealer.open(state.payload, place(state.id))) as Payload, ahead())
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
        const text = JSON.stringify(moveExpiry(payload, -ahead()))
        await put(idOf(given), text, isOfDevice ? expiresIn + expiredSeconds : expiresIn)
        if (isOfDevice) await put(userCodeId(userCode), given, expiresIn)
      },
      async consume(given) {
        if (!(await states.use(idOf(given), clock()))) throw used()
      },
      destroy: (given) => states.remove(idOf(given)),
    }
  }

  /**
   * A code. The transaction that starts its sign-in uses it up: until then, the request can fail and be repeated. The
   * engine never learns that a code was used, because it would then end everything that the person allowed.
   */
  const code = (model: string): Adapter => {
    const adapter = stored(model)
    return {
      ...adapter,
      async find(given) {
        const found = await adapter.find(given)
        return found && { ...found, consumed: undefined }
      },
      async consume(given) {
        const state = await states.find(stateIdOf(model, given))
        if (!state?.usedAt) return
        const { iat } = (await adapter.find(given)) ?? {}
        await reused(signInIdOf({ kind: model, jti: given, iat: Number(iat) }), state.usedAt)
        throw used()
      },
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
      case 'RefreshToken':
        return virtual(nothing)
      case 'AuthorizationCode':
      case 'DeviceCode':
        return code(model)
      default:
        return stored(model)
    }
  }
}
