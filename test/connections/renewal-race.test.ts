import { expect, test } from 'vitest'
import { createDatabase } from '../support/postgres.ts'
import { raceToRenew } from '../support/renewal-race.ts'

const grants = 200
const workers = 20

test('two nodes renew every due grant exactly once, and none is broken', async () => {
  const figures = await raceToRenew({ url: await createDatabase(), grants, strict: true, kill: false })
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
}, 60_000)

test('a node killed during renewal breaks nothing within Atlassian’s grace period', async () => {
  const figures = await raceToRenew({ url: await createDatabase(), grants, strict: false, kill: true })
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
}, 60_000)

test('without a grace period a kill costs at most the renewals in progress: marked, notified once and not retried', async () => {
  const {
    needsReauthorization: dead,
    inFlight,
    ...figures
  } = await raceToRenew({
    url: await createDatabase(),
    grants,
    strict: true,
    kill: true,
  })
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
}, 60_000)
