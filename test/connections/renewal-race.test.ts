import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { createMigratedDatabase } from '../support/postgres.ts'
import { type Figures, raceToRenew } from '../support/renewal-race.ts'

/** More than both nodes renew at once. `bench:renewal` races for 2,000. */
const grants = 60
const workers = 20

const race = async (how: { readonly strict: boolean; readonly kill: boolean }): Promise<Figures> =>
  raceToRenew({
    url: await createMigratedDatabase(),
    grants,
    program: join(inject('built'), 'renewal-node.js'),
    ...how,
  })

test('two nodes renew every due grant exactly once, and none is broken', async () => {
  const figures = await race({ strict: true, kill: false })
  expect(figures).toMatchObject({
    calls: grants,
    refused: 0,
    inFlight: 0,
    healthy: grants,
    live: grants,
    needsReauthorization: 0,
    notices: 0,
    laterCalls: [grants, grants],
    laterRenewed: [grants, grants],
  })
})

test('a node killed during renewal breaks nothing within Atlassian’s grace period', async () => {
  const figures = await race({ strict: false, kill: true })
  expect(figures).toMatchObject({
    refused: 0,
    healthy: grants,
    live: grants,
    needsReauthorization: 0,
    notices: 0,
    laterCalls: [grants, grants],
    laterRenewed: [grants, grants],
  })
  expect(figures.inFlight).toBeLessThanOrEqual(workers)
  expect(figures.calls).toBeLessThanOrEqual(grants + figures.inFlight)
})

test('without a grace period a kill costs at most the renewals in progress: marked, notified once and not retried', async () => {
  const { needsReauthorization: dead, inFlight, ...figures } = await race({ strict: true, kill: true })
  expect(inFlight).toBeLessThanOrEqual(workers)
  expect(dead).toBeLessThanOrEqual(inFlight)
  const live = grants - dead
  expect(figures).toMatchObject({
    refused: dead,
    healthy: live,
    live,
    notices: dead,
    laterCalls: [live, live],
    laterRenewed: [live, live],
  })
  expect(figures.calls).toBeLessThanOrEqual(grants + inFlight)
})
