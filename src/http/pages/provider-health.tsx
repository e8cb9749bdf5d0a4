import type { ComponentChildren } from 'preact'
import type { ManagedProvider } from '../../providers/managed.ts'
import type { Services } from '../services.ts'
import { type Reader, Time } from './layout.tsx'

type Health = { readonly calls: string; readonly lastSuccess: ComponentChildren; readonly refusals: string }

/** How well a provider works: its breakers, and its recent sign-ins on this node. `null`: it is not in use. */
export function healthOf({ id, inUse }: ManagedProvider, services: Services, reader: Reader): Health | null {
  if (!inUse) return null
  const { words, breakers, endpoints } = reader.say.providers
  const { lastSuccess, refusals } = services.providerActivity.of(id)
  const troubled = services.providers
    .health()
    .filter(({ provider, state }) => provider === id && state !== 'closed')
    .map(({ endpointType, state }) => `${endpoints[endpointType]}: ${breakers[state]}`)
  return {
    calls: troubled.length === 0 ? breakers.closed : troubled.join(' · '),
    lastSuccess: lastSuccess ? (
      <Time {...reader} at={lastSuccess} />
    ) : (
      <>
        {words.noneSince} <Time {...reader} at={services.providerActivity.since} />
      </>
    ),
    refusals: new Intl.NumberFormat(reader.locale).format(refusals),
  }
}
