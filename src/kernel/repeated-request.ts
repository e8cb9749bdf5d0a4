import type { Clock } from './clock.ts'

/**
 * As long as a request with the default deadline and the wait that its 503 asks for, in seconds. Not longer: a resource
 * server that checks tokens itself does not tell us of their use, so a thief who was faster could stay unnoticed.
 */
const repetitionSeconds = 10

type UsedCode = {
  readonly usedAt: Date
  /** The last generation of tokens that was presented, of what the code issued; 0: none. */
  readonly usedGeneration: number
}

/**
 * Whether a second use of a code may be the repetition of a request that got 503 although its code was used up. Nobody
 * has presented a token that the code issued, so maybe no response arrived. Such a request is refused (RFC 6749
 * §4.1.2), but it is no sign of a stolen code and ends nothing.
 */
export const mayRepeat = ({ usedAt, usedGeneration }: UsedCode, clock: Clock): boolean =>
  usedGeneration === 0 && clock().getTime() - usedAt.getTime() <= repetitionSeconds * 1000
