import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Fact } from '../../src/events/catalogue.ts'
import type { Team } from '../../src/teams/ports.ts'
import { type Backend, later, newcomer, newId, now, type Opened, open, origin } from './people.ts'

const team = (given: Partial<Team> = {}): Team => ({
  ...{ id: newId('team'), name: 'Mathematics', createdAt: now, updatedAt: now },
  ...given,
})
const created = (accountId: string, { id }: Team): Fact => ({
  ...{ name: 'team.created', accountId, origin },
  data: { team: id },
})

/** What every store promises about teams and who is in them. */
export function teamsContract({ emptied }: Pick<Backend, 'emptied'>): void {
  describe('teams', () => {
    let opened: Opened
    let store: Opened['store']['teams']
    beforeEach(async () => {
      opened = await open(await emptied())
      store = opened.store.teams
    })
    afterEach(() => opened.store.close())

    const person = async (): Promise<string> => (await newcomer(opened)).account.id

    test('come back as they were stored, with whoever made them as owner, and tell why', async () => {
      const [ada, bob] = [await person(), await person()]
      const [one, two] = [team(), team({ name: 'Музыка', createdAt: later(1) })]
      expect(await store.create(one, ada, 5, [created(ada, one)])).toBe(true)
      expect(await store.create(two, ada, 5, [])).toBe(true)
      expect(await store.membership(one.id, ada)).toEqual({ team: one, role: 'owner' })
      expect(await store.membership(one.id, bob)).toBeUndefined()
      expect(await store.membership('team_nobody', ada)).toBeUndefined()
      expect(await store.list(ada)).toEqual([
        { team: one, role: 'owner', members: 1 },
        { team: two, role: 'owner', members: 1 },
      ])
      expect(await store.list(bob)).toEqual([])
      expect(await store.leaders(one.id)).toEqual([ada])
      expect(opened.told).toEqual([created(ada, one)])
    })

    test('are no more for one person than there may be, however many are made at once', async () => {
      const ada = await person()
      const made = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const one = team()
          return store.create(one, ada, 3, [created(ada, one)])
        }),
      )
      expect(made.filter(Boolean)).toHaveLength(3)
      expect(await store.list(ada)).toHaveLength(3)
      expect(opened.told).toHaveLength(3)
    })

    test('are not made for somebody who is gone', async () => {
      expect(await store.create(team(), newId('usr'), 3, [])).toBe(false)
    })
  })
}
