import { createBus } from '../../src/events/bus.ts'
import type { Event, EventName } from '../../src/events/catalogue.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { createIds, systemRandom } from '../../src/kernel/ids.ts'
import { openDriver, type StoreConfig, storeOver } from '../../src/store/open.ts'
import { recordEvents } from './recorded-events.ts'

/** Milliseconds. On a slow machine, too, a request of a test runs out of time only where the test wants it. */
export const testRequestMs = 60_000

/** A store with its driver and its bus, and every fact the bus published. */
export async function openedStore(config: StoreConfig, clock: Clock) {
  const events = createBus(clock)
  const told = recordEvents(events)
  const ids = createIds(clock, systemRandom)
  const driver = await openDriver(config, { requestMs: testRequestMs })
  const store = storeOver(driver, { clock, ids, publish: events.publish })
  const heard = <N extends EventName>(name: N) =>
    told.filter((event): event is Extract<Event, { name: N }> => event.name === name)
  return { store, driver, events, ids, told, heard }
}
export type OpenedStore = Awaited<ReturnType<typeof openedStore>>
