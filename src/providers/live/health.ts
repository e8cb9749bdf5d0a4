/** How well a provider responds, by the state of its circuit breakers. */
import type { BreakerState } from '../calls/breaker.ts'
import type { EndpointType } from '../provider.ts'
import type { ProviderState } from './state.ts'

export type BreakerHealth = {
  readonly provider: string
  readonly endpointType: EndpointType
  readonly state: BreakerState
}

/** The breaker state of every endpoint type. */
export const breakersOf = ({ provider, guard, endpointTypes }: ProviderState): readonly BreakerHealth[] =>
  endpointTypes.map((endpointType) => ({ provider: provider.id, endpointType, state: guard.state(endpointType) }))

/** Whether users can sign in with it now. */
export function statusOf(one: ProviderState): 'up' | 'degraded' | 'down' {
  // The API is only used for teams and memberships, not for sign-in itself.
  const known = breakersOf(one).filter(({ endpointType }) => endpointType !== 'api')
  // Discovery is only needed until it has succeeded once: the last document stays in use.
  const lost = one.provider.authorizeOrigin() === null
  const asked = one.settings.userinfo ?? 'required'
  const vital: readonly EndpointType[] = [
    'token',
    ...(asked === 'required' ? (['userinfo'] as const) : []),
    ...(lost ? (['discovery'] as const) : []),
  ]
  if (known.some(({ endpointType, state }) => state === 'open' && vital.includes(endpointType))) return 'down'
  return known.some(({ state }) => state !== 'closed') ? 'degraded' : 'up'
}
