import { describe, expect, test } from 'vitest'
import { manageProviders } from '../../src/flows/manage-providers.ts'

type ManageProvidersParts = Parameters<typeof manageProviders>[0]

const never = new AbortController().signal
const now = new Date('2026-03-01T12:00:00.000Z')

/** Deletions of providers at which some accounts have one identity each. */
function deletionsOf(providers: readonly string[], withdraw: (identity: string) => void = () => {}) {
  const [withdrawn, finished]: [string[], string[]] = [[], []]
  const accounts = Array.from({ length: 3 }, (_, n) => `account${n}`)
  const flow = manageProviders({
    managed: {
      deleting: async () => providers.map((id) => ({ id, since: now })),
      finishDeletion: async (id: string) => void finished.push(id),
    } as unknown as ManageProvidersParts['managed'],
    users: {
      atProvider: async (provider: string) => ({
        accounts: accounts.map((id) => ({
          account: { id },
          methods: { identities: [{ id: `${provider} of ${id}`, provider }] },
        })),
        next: null,
      }),
    } as unknown as ManageProvidersParts['users'],
    accounts: {
      withdraw: async ({ identityId }: { readonly identityId: string }) => {
        withdraw(identityId)
        const isFirst = !withdrawn.includes(identityId)
        withdrawn.push(identityId)
        return isFirst ? [{}] : []
      },
    } as unknown as ManageProvidersParts['accounts'],
    revocations: { waitingAt: async () => false },
    clock: () => now,
    wakeRevocation: () => {},
    trial: { begin: undefined },
  } as unknown as ManageProvidersParts)
  return { ...flow, withdrawn, finished }
}

describe('the deletions of providers', () => {
  test('continue although one of them fails, which is reported at the end', async () => {
    const failure = new Error('the grant cannot be opened')
    const { continueDeletions, finished } = deletionsOf(['first', 'second', 'third'], (identity) => {
      if (identity.startsWith('second')) throw failure
    })
    await expect(continueDeletions(never)).rejects.toBe(failure)
    expect(finished).toEqual(['first', 'third'])
  })

  test('end after the grant in progress when the node stops, and go on with the next run', async () => {
    const stopping = new AbortController()
    const { continueDeletions, withdrawn, finished } = deletionsOf(['first', 'second'], () => stopping.abort())
    await continueDeletions(stopping.signal)
    expect([withdrawn, finished]).toEqual([['first of account0'], []])
    await continueDeletions(never)
    expect(new Set(withdrawn).size).toBe(6)
    expect(finished).toEqual(['first', 'second'])
  })
})
