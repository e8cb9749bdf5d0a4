import type { Origin } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { sha256 } from '../kernel/crypto.ts'
import { type Ids, type Random, secretToken } from '../kernel/ids.ts'
import type { TrustedDeviceStore } from './ports.ts'

/** How long a browser is trusted, in seconds: one year. */
export const trustSeconds = 365 * 24 * 3600

/** How long ended sessions are kept. This limits how long user agents of an account are known. */
const memorySeconds = 30 * 24 * 3600

/** The maximum number of entries in this process. */
const rememberedPrograms = 10_000

type TrustedDevicesParts = { devices: TrustedDeviceStore; clock: Clock; ids: Ids; random: Random }

/**
 * Devices on which accounts have signed in before. A browser has one secret for all its users. The stored hash also
 * includes the account, so that trust applies only to that account. Trust does not sign anyone in. Its owner gets a
 * guess counter of their own if an attacker has used up the account's. It also shows whether a device is new.
 */
export function createTrustedDevices({ devices, clock, ids, random }: TrustedDevicesParts) {
  const secretHash = (accountId: string, device: string): string => sha256(`${accountId}.${device}`)

  /** The device's ID; `null` if this account has not used it. */
  const recognise = async (accountId: string, { device }: Origin): Promise<string | null> =>
    device === undefined ? null : ((await devices.find(secretHash(accountId, device), clock())) ?? null)

  /** Known pairs of account and user agent. They do not change, and most users return with the same one. */
  const programs = new Set<string>()

  return {
    recognise,
    /**
     * Whether an account signs in from a new place: a browser without its cookie, or a program with another name. The
     * very first sign-in is not reported.
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
      // If the account was unused for so long that its history is gone, everything is new.
      return openedAt !== null && secondsAfter(openedAt, memorySeconds) < clock()
    },
    /** Trusts this browser. Returns the secret for its cookie, or `null` if it already has one. */
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
