import { expect, test } from 'vitest'
import { syncJiraSites } from '../../src/flows/sync-jira-sites.ts'

type SyncJiraSitesParts = Parameters<typeof syncJiraSites>[0]

test('a node that stops ends the calls in progress for teams, and starts no further ones', async () => {
  const stopping = new AbortController()
  let [batches, teams] = [0, 0]
  const { due } = syncJiraSites({
    jira: {
      due: async (limit: number) => {
        batches += 1
        // There are always more teams. A run that does not end fails here.
        if (batches > 10) throw new Error('the run goes on')
        return Array.from({ length: limit }, () => ({ provider: 'atlassian' }))
      },
    },
    providers: {
      jira: () => {
        teams += 1
        stopping.abort()
        return undefined
      },
    },
    clock: () => new Date(0),
  } as unknown as SyncJiraSitesParts)
  await due(stopping.signal)
  expect([batches, teams]).toEqual([1, 1])
})
