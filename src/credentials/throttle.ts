import { type AppError, fail } from '../errors/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Guesses, GuessStore } from './ports.ts'

/** How many wrong guesses are free, how the wait grows after them, and when they are forgotten. */
type Allowance = { readonly free: number; readonly longestSeconds: number; readonly forgottenAfterSeconds: number }

/**
 * One account takes about a hundred wrong guesses a day (NIST SP 800-63B-4 §3.2.2 asks for no more in a row), whatever
 * is guessed and wherever from. A network is many people who may all come to work at once, and is slowed down only when
 * it guesses at many accounts.
 */
const allowances = {
  account: { free: 5, longestSeconds: 900, forgottenAfterSeconds: 86_400 },
  device: { free: 5, longestSeconds: 900, forgottenAfterSeconds: 86_400 },
  network: { free: 250, longestSeconds: 900, forgottenAfterSeconds: 3600 },
} as const satisfies Record<string, Allowance>
export type Counter = keyof typeof allowances

/** What the next guess makes of a counter; pure. A number is refused guesses' wait, in milliseconds. */
export function nextGuess(counter: Counter, known: Guesses | undefined, at: Date): Guesses | number {
  const { free, longestSeconds, forgottenAfterSeconds } = allowances[counter]
  const fresh = !known || at.getTime() - known.lastAt.getTime() > forgottenAfterSeconds * 1000
  const wait = fresh ? 0 : known.blockedUntil.getTime() - at.getTime()
  if (wait > 0) return wait
  const failures = (fresh ? 0 : known.failures) + 1
  const delay = failures > free ? Math.min(2 ** (failures - free - 1), longestSeconds) : 0
  return { failures, lastAt: at, blockedUntil: new Date(at.getTime() + delay * 1000) }
}

/**
 * The same counter when the guess that made it `mine` turned out to be right: that one no longer counts, and its wait is
 * over, since whoever gave a right password has a second factor to give next. A wait that others caused meanwhile stays.
 */
export function withoutOne({ failures, lastAt, blockedUntil }: Guesses, mine: Guesses | undefined): Guesses {
  const own = mine !== undefined && mine.blockedUntil.getTime() === blockedUntil.getTime()
  return { failures: Math.max(0, failures - 1), lastAt, blockedUntil: own ? lastAt : blockedUntil }
}

/** Who is guessed at, from where; `trustedDevice` names a device on which this account was proven before. */
export type Guess = {
  /** The account's id, or a hash of the address where there is no account: both are held up alike. */
  readonly subject: string
  readonly ip: string | null
  readonly trustedDevice: string | null
}
export type Attempt = {
  /** It was right: this guess does not count. The wrong ones before it do, until the sign-in is complete. */
  right(): Promise<void>
}

/**
 * Holds off guessing, whatever is guessed: every guess counts as wrong from before it is looked at, so that a thousand
 * at once are not a thousand free ones. A trusted device has a counter of its own, so that no stranger can lock its
 * owner out of it.
 */
export function createThrottle({ guesses, clock, networkOf }: ThrottleParts) {
  const keysOf = ({ subject, ip, trustedDevice }: Guess): readonly { key: string; counter: Counter }[] =>
    trustedDevice === null
      ? [
          { key: `account:${subject}`, counter: 'account' },
          ...(ip === null ? [] : [{ key: `network:${networkOf(ip)}`, counter: 'network' } as const]),
        ]
      : [{ key: `device:${trustedDevice}`, counter: 'device' }]

  return {
    /** Takes one guess, or says how long to wait (`too_many_attempts`, in seconds). */
    async take(guess: Guess): Promise<Result<Attempt, AppError<'too_many_attempts'>>> {
      const keys = keysOf(guess)
      const at = clock()
      const counted = new Map<Counter, Guesses>()
      const wait = await guesses.take(keys, (counter, known) => {
        const next = nextGuess(counter, known, at)
        if (typeof next !== 'number') counted.set(counter, next)
        return next
      })
      if (wait !== null) {
        const seconds = Math.max(1, Math.ceil(wait / 1000))
        return fail('too_many_attempts', { seconds: String(seconds) }, { retryAfter: seconds })
      }
      return ok({ right: () => guesses.change(keys, (counter, known) => withoutOne(known, counted.get(counter))) })
    },

    /**
     * Somebody is in: what was guessed at their account before is forgotten, on the counter they came by alone. The
     * network's is not: somebody else's success must not buy it new guesses.
     */
    async completed({ subject, trustedDevice }: Omit<Guess, 'ip'>): Promise<void> {
      await guesses.forget(trustedDevice === null ? `account:${subject}` : `device:${trustedDevice}`)
    },
  }
}
export type Throttle = ReturnType<typeof createThrottle>
type ThrottleParts = {
  guesses: GuessStore
  clock: Clock
  /** One household or one attacker: an IPv4 address, or the /64 of an IPv6 one. */
  networkOf: (ip: string) => string
}
