import { type AppError, fail } from '../errors/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Guesses, GuessStore } from './ports.ts'

/** How many wrong guesses cause no delay, the maximum delay after them, and when they are forgotten. */
type GuessAllowance = { readonly free: number; readonly longestSeconds: number; readonly forgottenAfterSeconds: number }

/**
 * An account allows about a hundred wrong guesses a day (NIST SP 800-63B-4 §3.2.2 requires a limit of 100 in a row),
 * for any method and from any place. A network can be many people who start work at the same time. It is slowed down
 * only if it guesses at many accounts.
 */
const allowances = {
  account: { free: 5, longestSeconds: 900, forgottenAfterSeconds: 86_400 },
  device: { free: 5, longestSeconds: 900, forgottenAfterSeconds: 86_400 },
  network: { free: 250, longestSeconds: 900, forgottenAfterSeconds: 3600 },
} as const satisfies Record<string, GuessAllowance>
export type Counter = keyof typeof allowances

/** The next state of a counter. Pure. A number is the remaining wait of a refused guess, in milliseconds. */
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
 * Removes a correct guess from a counter; `mine` is the state after it. It no longer counts and its wait ends,
 * since the second factor may be next. Waits that others have caused in the meantime stay.
 */
export function undoGuess({ failures, lastAt, blockedUntil }: Guesses, mine: Guesses | undefined): Guesses {
  const own = mine !== undefined && mine.blockedUntil.getTime() === blockedUntil.getTime()
  return { failures: Math.max(0, failures - 1), lastAt, blockedUntil: own ? lastAt : blockedUntil }
}

/** The target and origin of a guess. `trustedDevice` is a device in which this account has signed in before. */
export type Guess = {
  /** The account's ID, or a hash of the email address if there is no account. Both are throttled alike. */
  readonly subject: string
  readonly ip: string | null
  readonly trustedDevice: string | null
}
export type Attempt = {
  /** The guess was right and does not count. Earlier wrong ones count until the sign-in is complete. */
  right(): Promise<void>
}

/**
 * Limits guessing of any secret. Every guess counts as wrong before it is checked, so that a thousand concurrent ones
 * are not free. A trusted device has its own counter, so that nobody else can lock out its owner.
 */
export function createThrottle({ guesses, clock, networkOf }: ThrottleParts) {
  const keysOf = ({ subject, ip, trustedDevice }: Guess): readonly { key: string; counter: Counter }[] =>
    trustedDevice === null
      ? [
          { key: `account:${subject}`, counter: 'account' },
          ...(ip === null ? [] : [{ key: `network:${networkOf(ip)}`, counter: 'network' } as const]),
        ]
      : [{ key: `device:${trustedDevice}`, counter: 'device' }]

  /** Counts one guess, or returns how long to wait (`too_many_attempts`, in seconds). */
  async function take(guess: Guess): Promise<Result<Attempt, AppError<'too_many_attempts'>>> {
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
    return ok({ right: () => guesses.change(keys, (counter, known) => undoGuess(known, counted.get(counter))) })
  }

  return {
    take,

    /**
     * Counts a wrong secret of a program against its network. A secret of 256 bits cannot be guessed, so it is checked
     * first and only wrong ones are counted. If they were counted per program, anyone who knows its ID could lock it out.
     */
    takeWrong: (kind: 'service' | 'application', ip: string | null) =>
      take({ subject: `${kind}:${ip === null ? 'unknown' : networkOf(ip)}`, ip, trustedDevice: null }),

    /**
     * Resets the counter after a completed sign-in: that of the account or of the trusted device. The network's counter
     * stays: a successful sign-in must not allow it new guesses at other accounts.
     */
    async completed({ subject, trustedDevice }: Omit<Guess, 'ip'>): Promise<void> {
      await guesses.erase(trustedDevice === null ? `account:${subject}` : `device:${trustedDevice}`)
    },
  }
}
export type Throttle = ReturnType<typeof createThrottle>
type ThrottleParts = {
  guesses: GuessStore
  clock: Clock
  /** The network of an IP address: an IPv4 address, or the /64 of an IPv6 address. */
  networkOf: (ip: string) => string
}
