import { expect, test } from 'vitest'
import { deleteAccount } from '../../src/flows/delete-account.ts'
import { openedStore } from '../support/opened-store.ts'
import { anAccount, anIdentity, from } from '../support/people.ts'
import { providerStandIn } from '../support/provider-stand-in.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

test('a provider’s profile is not kept in memory after the account is deleted', async () => {
  const { clock } = createStoppedClock()
  const { store } = await openedStore({ tag: 'sqlite', file: ':memory:' }, clock)
  const { accounts } = store
  const ada = anAccount()
  const known = anIdentity(ada.id, { provider: 'github' })
  const retired = anIdentity(ada.id, { provider: 'myspace' })
  await accounts.create(ada, known, { separate: true }, [])
  await accounts.link(retired, null, [])
  const { providers, forgotten } = providerStandIn(['github'])
  let woken = 0

  await deleteAccount({ accounts, providers, clock, wakeRevocation: () => woken++ })(ada.id, from)

  expect(forgotten).toEqual([`github:${known.subject}`])
  expect(await accounts.find(ada.id)).toBeUndefined()
  expect(woken).toBe(1)
  await store.close()
})
