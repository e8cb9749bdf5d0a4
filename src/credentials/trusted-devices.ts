import type { Origin } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { sha256 } from '../kernel/crypto.ts'
import { type Ids, type Random, secretToken } from '../kernel/ids.ts'
import type { TrustedDeviceStore } from './ports.ts'

/** How long a browser is known, in seconds: a year. */
export const trustSeconds = 365 * 24 * 3600

/** How long ended sessions are kept, and so what is known of an account's programs. */
const memorySeconds = 30 * 24 * 3600

/** How many are remembered in this process. */
const rememberedPrograms = 10_000

type TrustedDevicesParts = { devices: TrustedDeviceStore; clock: Clock; ids: Ids; random: Random }

/**
 * The devices an account was proven on before. A browser keeps one secret for everybody who signs in with it; what is
 * kept here is bound to the account, so that trust in one person is not trust in the next. It lets nobody in: it gives
 * its owner guesses of their own when strangers have used up the account's, and tells an unknown device from a known
 * one.
 */
export function createTrustedDevices({ devices, clock, ids, random }: TrustedDevicesParts) {
  const secretHash = (accountId: string, device: string): string => sha256(`${accountId}.${device}`)

  /** The device's id, `null` where this account does not know it. */
  const recognise = async (accountId: string, { device }: Origin): Promise<string | null> =>
    device === undefined ? null : ((await devices.find(secretHash(accountId, device), clock())) ?? null)

  /** Who was seen with which program: once so, it stays so, and nearly everybody comes back with what they came with. */
  const programs = new Set<string>()

  return {
    recognise,
    /**
     * Whether somebody signs in where this account never was: a browser without its cookie, a program of another name.
     * The first sign-in of all is nothing to be told about.
     */
    async isNew(accountId: string, origin: Origin, browser: boolean): Promise<boolean> {
      if (browser && (await recognise(accountId, origin)) !== null) return false
      const program = `${accountId} ${origin.userAgent}`
      if (!browser && programs.has(program)) return false
      const { openedAt, any, agent } = await devices.history(accountId, origin.userAgent)
      if (agent) {
        if (programs.size >= rememberedPrograms) programs.clear()
        programs.add(program)
      }
      if (any) return browser || !agent
      // Nothing is left of where an account that slept for months was before: then everywhere is new.
      return openedAt !== null && secondsAfter(openedAt, memorySeconds) < clock()
    },
    /** This browser is known from now on. Answers the secret it is to keep, `null` where it has one. */
    async trust(accountId: string, sessionId: string, { device }: Origin): Promise<string | null> {
      const secret = device === undefined ? secretToken(random) : null
      const at = clock()
      await devices.trust(
        {
          id: ids('dev'),
          accountId,
          secretHash: secretHash(accountId, device ?? sha256(secret ?? '')),
          createdAt: at,
          lastSeenAt: at,
          expiresAt: secondsAfter(at, trustSeconds),
        },
        sessionId,
      )
      return secret
    },
  }
}
export type TrustedDevices = ReturnType<typeof createTrustedDevices>
