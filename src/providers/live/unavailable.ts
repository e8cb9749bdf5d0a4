/** How long to wait after a failed call, and the error for it. */
import { type AppError, fail } from '../../errors/catalogue.ts'
import type { Err } from '../../kernel/result.ts'
import type { Failure } from '../calls/failure.ts'
import type { Provider } from '../provider.ts'

/** In seconds. */
export const waitAfter = (failure: Failure): number =>
  (failure.kind === 'unavailable' ? failure.retryAfter : undefined) ?? 5

export const unavailable = (provider: Provider, failure: Failure): Err<AppError<'provider_unavailable'>> =>
  fail('provider_unavailable', { provider: provider.name }, { retryAfter: waitAfter(failure), cause: failure })
