import type { Bus } from '../../src/events/bus.ts'
import { type Event, type EventName, eventCatalogue } from '../../src/events/catalogue.ts'

const moments = ['start', 'stop', 'exception']
export const eventNames = Object.entries(eventCatalogue).flatMap(([name, { kind }]) =>
  kind === 'span' ? moments.map((moment) => `${name}.${moment}`) : [name],
) as EventName[]

/** Every event of the bus from now on, in order. A bus has one recorder: a second call would replace the first. */
export function recordEvents(bus: Bus): Event[] {
  const recorded: Event[] = []
  bus.on('recorder', eventNames, (event) => recorded.push(event))
  return recorded
}
