import { eq } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Fact, originForOthers } from '../../src/events/catalogue.ts'
import { readEmail } from '../../src/kernel/email.ts'
import { ReferenceGoneError } from '../../src/kernel/gone.ts'
import { createMailComposer } from '../../src/mail/compose.ts'
import type { Store, StoreConfig } from '../../src/store/open.ts'
import type { Invitation, Team, TeamRole } from '../../src/teams/ports.ts'
import { newSealer } from '../support/sealers.ts'
import {
  type Backend,
  deleted,
  known,
  later,
  newcomer,
  newId,
  now,
  type Opened,
  open,
  origin,
  signedIn,
  sweptIn,
  tokens,
} from './people.ts'

const rounds = 15
const most = { teams: 5, members: 5 }
const anybody = (): boolean => true
const nobody = (): boolean => false

const team = (given: Partial<Team> = {}): Team => ({
  id: newId('team'),
  name: 'Mathematics',
  createdAt: now,
  updatedAt: now,
  ...given,
})
const fact = (name: 'created' | 'renamed' | 'deleted', accountId: string, id: string): Fact => ({
  name: `team.${name}`,
  accountId,
  origin,
  data: { team: id },
})
const invitation = (
  teamId: string,
  invitedBy: string,
  given: Partial<Invitation> = {},
): Invitation & { invitedBy: string } => ({
  id: newId('inv'),
  teamId,
  email: 'Guest@example.com',
  emailKey: 'guest@example.com',
  role: 'member',
  secretHash: newId('tkt'),
  createdAt: now,
  expiresAt: later(600),
  ...given,
  invitedBy,
})

/** Allows for the deletion of the account that joins: if it comes first, nobody joins. */
const unlessGone = (joined: Promise<unknown> | undefined): Promise<unknown> | undefined =>
  joined?.catch((error: unknown) => expect(error).toBeInstanceOf(ReferenceGoneError))

/** What every store promises about teams, their members and their invitations. */
export function teamsContract({ name, emptied }: Pick<Backend, 'name' | 'emptied'>): void {
  describe(`teams on ${name}`, () => {
    let config: StoreConfig
    let opened: Opened
    let store: Store
    /** Other stores on the same database, each with connections of its own. */
    let nodes: readonly Opened[]
    beforeEach(async () => {
      config = await emptied()
      opened = await open(config)
      store = opened.store
      nodes = []
    })
    afterEach(() => Promise.all([store, ...nodes.map((node) => node.store)].map((one) => one.close())))
    const several = async (): Promise<readonly Store[]> => {
      nodes = [await open(config), await open(config)]
      return [store, ...nodes.map((node) => node.store)]
    }

    const person = async (given: Parameters<typeof newcomer>[1] = {}): Promise<string> =>
      (await newcomer(opened, given)).account.id
    /** A team of these users, who joined one after the other; the first one created it. */
    async function crew(...roles: readonly TeamRole[]): Promise<{ id: string; people: readonly string[] }> {
      const people = await Promise.all(['owner' as const, ...roles].map(() => person()))
      const [owner = '', ...others] = people
      const made = team()
      expect(await store.teams.create(made, owner, 50, [])).toBe(true)
      for (const [n, accountId] of others.entries()) await join(made.id, owner, accountId, roles[n], later(n + 1))
      opened.told.splice(0)
      return { id: made.id, people }
    }
    async function join(teamId: string, owner: string, accountId: string, role: TeamRole = 'member', at = now) {
      const asked = invitation(teamId, owner, { role, emailKey: newId('tkt') })
      expect(await store.invitations.invite(asked, anybody, 9, [], [])).toBe('invited')
      const accepted = await store.invitations.accept(
        { secretHash: asked.secretHash, accountId, at },
        { teams: 99, members: 99 },
        () => [],
      )
      expect(accepted).toMatchObject({ role })
    }
    const rolesIn = async (id: string): Promise<Record<string, TeamRole>> =>
      Object.fromEntries((await store.teams.members(id)).map(({ accountId, role }) => [accountId, role]))
    const disable = (id: string) => {
      const { accounts } = opened.driver.tables
      return opened.driver.write(opened.driver.db.update(accounts).set({ disabledAt: now }).where(eq(accounts.id, id)))
    }
    const rowsOf = (table: 'teams' | 'teamMembers' | 'teamInvitations' | 'jiraIntegrations' | 'jiraSites' | 'grants') =>
      opened.driver.read(opened.driver.db.select().from(opened.driver.tables[table]))
    /** Connected to Jira by this user, with one site. */
    async function connect(teamId: string, connectedBy: string): Promise<string> {
      const { jiraIntegrations, jiraSites } = opened.driver.tables
      const { db, write } = opened.driver
      await write(
        db.insert(jiraIntegrations).values({
          teamId,
          provider: 'atlassian',
          issuer: 'atlassian',
          clientId: 'app',
          subject: 'ada',
          subjectName: 'Ada',
          connectedBy,
          connectedAt: now,
          lastSyncAt: now,
          syncStatus: 'ok',
          lastError: null,
          nextSyncAt: now,
          updatedAt: now,
        }),
      )
      await write(
        db.insert(jiraSites).values({
          teamId,
          cloudId: 'c1',
          name: 'One',
          url: 'https://one.atlassian.net',
          scopes: [],
          chosen: true,
          foundAt: now,
          goneAt: null,
        }),
      )
      const key = { provider: 'atlassian', issuer: 'atlassian', clientId: 'app', subject: 'ada' }
      await known(store, key)
      for (const holder of [teamId, 'person'])
        await store.grants.keep({ ...key, holder }, newId('grt'), () => tokens(), now)
      return teamId
    }

    test('are read back as they were stored, with their creator as owner, and publish their facts', async () => {
      const [ada, bob] = [await person(), await person()]
      const [one, two] = [team(), team({ name: 'Музыка', createdAt: later(1) })]
      expect(await store.teams.create(one, ada, 5, [fact('created', ada, one.id)])).toBe(true)
      expect(await store.teams.create(two, ada, 5, [])).toBe(true)
      expect(await store.teams.membership(one.id, ada)).toEqual({ team: one, role: 'owner' })
      expect(await store.teams.membership(one.id, bob)).toBeUndefined()
      expect(await store.teams.membership('team_nobody', ada)).toBeUndefined()
      expect(await store.teams.list(ada)).toEqual([
        { team: one, role: 'owner', members: 1 },
        { team: two, role: 'owner', members: 1 },
      ])
      expect(await store.teams.list(bob)).toEqual([])
      expect(opened.told).toEqual([fact('created', ada, one.id)])
    })

    test('are limited in number for one user, however many are created and joined concurrently', async () => {
      const stores = await several()
      const { id, people } = await crew()
      for (let round = 0; round < rounds; round++) {
        const ada = await person()
        const asked = invitation(id, people[0] ?? '', { emailKey: newId('tkt') })
        await store.invitations.invite(asked, anybody, 9, [], [])
        const by = { secretHash: asked.secretHash, accountId: ada, at: now }
        const done = await Promise.all([
          ...[...stores, ...stores].map((one) => one.teams.create(team(), ada, 3, [])),
          stores[round % 3]?.invitations.accept(by, { teams: 3, members: 99 }, () => []),
        ])
        expect(done.filter((one) => one === true || typeof one === 'object')).toHaveLength(3)
        expect(await store.teams.list(ada)).toHaveLength(3)
      }
      await expect(store.teams.create(team(), newId('usr'), 3, [])).rejects.toBeInstanceOf(ReferenceGoneError)
    })

    test('list their members, with an email address only where it is verified', async () => {
      const { id, people } = await crew('admin')
      const [owner = '', admin] = people
      const proven = await person({ name: null, email: 'Proven@example.com', emailVerified: true })
      const claimed = await person({ email: 'claimed@example.com', picture: null })
      await join(id, owner, proven, 'member', later(10))
      await join(id, owner, claimed, 'admin', later(5))
      const picture = 'https://example.com/ada.png'
      const ada = { name: 'Ada Lovelace', email: null, picture }
      expect(await store.teams.members(id)).toEqual([
        { accountId: owner, role: 'owner', joinedAt: now, ...ada },
        { accountId: admin, role: 'admin', joinedAt: later(1), ...ada },
        { accountId: claimed, role: 'admin', joinedAt: later(5), ...ada, picture: null },
        { accountId: proven, role: 'member', joinedAt: later(10), name: null, email: 'Proven@example.com', picture },
      ])
      expect(await store.teams.leaders(id)).toEqual([owner, admin, claimed])
      await disable(admin ?? '')
      expect(await store.teams.leaders(id)).toEqual([owner, claimed])
    })

    test('are renamed by a member with the permission, and publish the fact', async () => {
      const { id, people } = await crew('member')
      const [owner = '', member = ''] = people
      const asked = { teamId: id, by: owner, name: 'Algebra', at: later(9) }
      const because = [fact('renamed', owner, id)]
      expect(await store.teams.rename({ ...asked, by: newId('usr') }, anybody, because)).toBe('team_not_found')
      expect(await store.teams.rename({ ...asked, teamId: 'team_no' }, anybody, because)).toBe('team_not_found')
      expect(await store.teams.rename({ ...asked, by: member }, (role) => role === 'owner', because)).toBe(
        'team_role_required',
      )
      expect(opened.told).toEqual([])
      const named = { team: { id, name: 'Algebra', createdAt: now, updatedAt: later(9) }, role: 'owner' }
      expect(await store.teams.rename(asked, (role) => role === 'owner', because)).toEqual(named)
      // The same name again changes nothing.
      expect(await store.teams.rename({ ...asked, at: later(10) }, anybody, because)).toEqual(named)
      expect(await store.teams.membership(id, owner)).toEqual(named)
      expect(opened.told).toEqual(because)
    })

    test('change roles only as allowed, and end invitations the member may no longer send', async () => {
      const { id, people } = await crew('admin', 'member')
      const [owner = '', admin = '', member = ''] = people
      const asked = { teamId: id, by: owner, accountId: admin, role: 'member', maySend: [] } as const
      const because = [fact('renamed', owner, id)]
      const seen: TeamRole[][] = []
      const allows = (...roles: TeamRole[]): boolean => seen.push(roles) > 0
      for (const role of ['owner', 'admin', 'member'] as const) {
        const sent = invitation(id, admin, { role, emailKey: role })
        await store.invitations.invite(sent, anybody, 9, [], [])
      }
      await store.invitations.invite(invitation(id, owner, { emailKey: 'owner’s' }), anybody, 9, [], [])
      const left = async () => (await store.invitations.list(id, now)).map(({ emailKey }) => emailKey).sort()
      expect(await store.teams.setRole({ ...asked, accountId: newId('usr') }, anybody, because)).toBe(
        'member_not_found',
      )
      expect(await store.teams.setRole({ ...asked, accountId: newId('usr') }, nobody, because)).toBe(
        'team_role_required',
      )
      expect(await store.teams.setRole({ ...asked, by: newId('usr') }, anybody, because)).toBe('team_not_found')
      expect(await store.teams.setRole(asked, nobody, because)).toBe('team_role_required')
      expect(await store.teams.setRole(asked, (_, role) => role === 'admin', because)).toBe('team_role_required')
      expect(await store.teams.setRole({ ...asked, role: 'admin' }, anybody, because)).toMatchObject({ role: 'admin' })
      expect(opened.told).toEqual([])
      expect(await left()).toEqual(['admin', 'member', 'owner', 'owner’s'])
      const narrowed = { ...asked, role: 'owner', maySend: ['owner', 'member'] } as const
      expect(await store.teams.setRole(narrowed, allows, because)).toMatchObject({ accountId: admin, role: 'owner' })
      expect(seen).toEqual([
        ['owner', 'admin'],
        ['owner', 'owner'],
      ])
      expect(await left()).toEqual(['member', 'owner', 'owner’s'])
      expect(await store.teams.setRole(asked, anybody, because)).toMatchObject({ role: 'member' })
      expect(await left()).toEqual(['owner’s'])
      expect(opened.told).toEqual([...because, ...because])
      expect(await rolesIn(id)).toEqual({ [owner]: 'owner', [admin]: 'member', [member]: 'member' })
    })

    test('keep an owner who is not disabled', async () => {
      const { id, people } = await crew('owner', 'member')
      const [ada = '', bob = '', eve = ''] = people
      const step = { teamId: id, by: ada, accountId: ada, at: now }
      const down = { ...step, role: 'admin', maySend: [] } as const
      await disable(bob)
      expect(await store.teams.leave(step, nobody, [])).toBe('last_owner')
      expect(await store.teams.setRole(down, anybody, [])).toBe('last_owner')
      // A disabled owner can still be removed.
      expect(await store.teams.leave({ ...step, accountId: bob }, anybody, [])).toBe('left')
      expect(await store.teams.setRole({ ...down, accountId: eve, role: 'owner' }, anybody, [])).toMatchObject({
        role: 'owner',
      })
      expect(await store.teams.leave(step, nobody, [])).toBe('left')
      expect(await rolesIn(id)).toEqual({ [eve]: 'owner' })
    })

    test('keep one of the owners who leave or remove each other concurrently', async () => {
      const stores = await several()
      for (let round = 0; round < rounds; round++) {
        const { id, people } = await crew('owner', 'owner')
        const answers = await Promise.all(
          people.map((accountId, n) => {
            const teams = stores[n]?.teams ?? store.teams
            const other = people[(n + 1) % people.length] ?? ''
            if (round % 3 === 0) return teams.leave({ teamId: id, by: accountId, accountId, at: now }, nobody, [])
            const allows = (by: TeamRole): boolean => by === 'owner'
            if (round % 3 === 1)
              return teams.leave({ teamId: id, by: accountId, accountId: other, at: now }, allows, [])
            return teams.setRole(
              { teamId: id, by: accountId, accountId: other, role: 'member', maySend: [] },
              allows,
              [],
            )
          }),
        )
        const owners = Object.values(await rolesIn(id)).filter((role) => role === 'owner')
        expect([round, owners.length >= 1]).toEqual([round, true])
        expect(answers.filter((one) => one === 'left' || typeof one === 'object').length).toBeLessThan(3)
      }
    })

    test('lose a leaving member’s invitations, and Jira is no longer connected by them', async () => {
      const { id, people } = await crew('admin', 'member')
      const [owner = '', admin = '', member = ''] = people
      await connect(id, admin)
      await store.invitations.invite(invitation(id, admin), anybody, 9, [], [])
      const because = [fact('renamed', owner, id)]
      const step = { teamId: id, by: member, accountId: admin, at: now }
      expect(await store.teams.leave({ ...step, by: newId('usr') }, anybody, because)).toBe('team_not_found')
      expect(await store.teams.leave(step, nobody, because)).toBe('team_role_required')
      expect(await store.teams.leave({ ...step, accountId: newId('usr') }, nobody, because)).toBe('team_role_required')
      expect(await store.teams.leave({ ...step, accountId: newId('usr') }, anybody, because)).toBe('member_not_found')
      expect(await store.invitations.list(id, now)).toHaveLength(1)
      expect(await store.teams.leave({ ...step, by: admin }, nobody, because)).toBe('left')
      expect(await store.invitations.list(id, now)).toEqual([])
      expect(await rowsOf('jiraIntegrations')).toMatchObject([{ teamId: id, connectedBy: null }])
      const told = { accountId: owner, origin: originForOthers(origin), data: { team: id, reason: 'connector_left' } }
      expect(opened.told).toEqual([...because, { name: 'jira.needs_reauthorization', ...told }])
      expect(await store.teams.leave({ ...step, by: admin }, nobody, because)).toBe('team_not_found')
    })

    test('are deleted with all their rows, their grants are queued for revocation, and nothing else changes', async () => {
      const { id, people } = await crew('admin', 'member')
      const [owner = '', admin = '', member = ''] = people
      const kept = await crew()
      await connect(id, admin)
      await store.invitations.invite(invitation(id, owner), anybody, 9, [], [])
      const because = [fact('deleted', owner, id)]
      const asked = { teamId: id, by: owner, at: later(60) }
      expect(await store.teams.remove({ ...asked, by: newId('usr') }, anybody, because)).toBe('team_not_found')
      expect(await store.teams.remove({ ...asked, by: admin }, (role) => role === 'owner', because)).toBe(
        'team_role_required',
      )
      expect(opened.told).toEqual([])
      expect(await store.teams.remove(asked, (role) => role === 'owner', because)).toBe('removed')
      expect(await rowsOf('teams')).toMatchObject([{ id: kept.id }])
      expect(await rowsOf('teamMembers')).toMatchObject([{ teamId: kept.id }])
      for (const table of ['teamInvitations', 'jiraIntegrations', 'jiraSites'] as const)
        expect(await rowsOf(table)).toEqual([])
      expect(await rowsOf('grants')).toMatchObject([{ holder: 'person', status: 'healthy' }])
      const { revocations } = opened.driver.tables
      expect(await opened.driver.read(opened.driver.db.select().from(revocations))).toMatchObject([
        { provider: 'atlassian', subject: 'ada', teamId: id, accountId: admin, nextAttemptAt: later(60) },
      ])
      const left = (accountId: string): Fact => ({
        name: 'team.left',
        accountId,
        origin: originForOthers(origin),
        data: { team: id, done_by: owner },
      })
      expect(opened.told).toEqual([
        ...because,
        { name: 'jira.disconnected', accountId: owner, origin, data: { team: id, reason: 'team_deleted' } },
        ...[admin, member].sort().map(left),
      ])
      expect(await store.teams.remove(asked, anybody, because)).toBe('team_not_found')
    })

    describe('when an account is deleted,', () => {
      test.each<[string, readonly TeamRole[], number]>([
        ['the longest-standing admin', ['member', 'admin', 'admin'], 2],
        ['the longest-standing member, where there is no admin,', ['member', 'member'], 1],
      ])('%s owns the teams it owned alone', async (_, roles, heir) => {
        const { id, people } = await crew(...roles)
        const [owner = ''] = people
        expect(await store.accounts.remove(owner, later(60), [deleted(owner)])).toBe(true)
        const expected = Object.fromEntries(people.slice(1).map((one, n) => [one, roles[n]]))
        expect(await rolesIn(id)).toEqual({ ...expected, [people[heir] ?? '']: 'owner' })
        expect(opened.told.slice(0, 2)).toEqual([
          { name: 'team.left', accountId: owner, origin: originForOthers(origin), data: { team: id } },
          {
            name: 'team.role_changed',
            accountId: people[heir],
            origin: originForOthers(origin),
            data: { team: id, role: 'owner' },
          },
        ])
      })

      test('a disabled member becomes owner only where nobody else is left', async () => {
        const { id, people } = await crew('admin', 'member')
        const [owner = '', admin = '', member = ''] = people
        await disable(admin)
        await store.accounts.remove(owner, now, [])
        expect(await rolesIn(id)).toEqual({ [admin]: 'admin', [member]: 'owner' })
        await store.accounts.remove(member, now, [])
        expect(await rolesIn(id)).toEqual({ [admin]: 'owner' })
      })

      test('a team that has another owner, or was not its own, does not change', async () => {
        const { id, people } = await crew('owner', 'member', 'admin')
        const [one = '', two = '', member = '', admin = ''] = people
        await store.accounts.remove(one, now, [])
        await store.accounts.remove(member, now, [])
        expect(await rolesIn(id)).toEqual({ [two]: 'owner', [admin]: 'admin' })
      })

      test('a team without other members is deleted too, and its grants are queued for revocation', async () => {
        const { id, people } = await crew()
        const [owner = ''] = people
        await connect(id, owner)
        await store.accounts.remove(owner, now, [deleted(owner)])
        expect(await rowsOf('teams')).toEqual([])
        expect(await rowsOf('grants')).toMatchObject([{ holder: 'person' }])
        const { revocations } = opened.driver.tables
        expect(await opened.driver.read(opened.driver.db.select().from(revocations))).toMatchObject([{ teamId: id }])
        expect(opened.told.map((one) => one.name)).toEqual(['jira.disconnected', 'team.deleted', 'account.deleted'])
      })

      test('the same happens when it is deleted because another account verified its email address', async () => {
        const email = readEmail('claimed@example.com')
        if (!email) throw new Error('no address')
        const { id, people } = await crew('admin')
        const [owner = '', admin = ''] = people
        const { accounts, identities } = opened.driver.tables
        const { db, write } = opened.driver
        const claim = { email: email.address, emailKey: email.key }
        await write(db.update(accounts).set(claim).where(eq(accounts.id, owner)))
        await write(db.delete(identities).where(eq(identities.accountId, owner)))
        await person({ email: email.address, emailVerified: true })
        expect(await store.accounts.find(owner)).toBeUndefined()
        expect(await rolesIn(id)).toEqual({ [admin]: 'owner' })
      })

      test('concurrently with all others, no team is left without an owner or members', async () => {
        const stores = await several()
        for (let round = 0; round < rounds; round++) {
          const { id, people } = await crew('admin', 'member', 'member')
          const [owner = '', admin = '', member = '', guest = ''] = people
          const mine = team()
          await Promise.all([
            stores[0]?.accounts.remove(owner, now, []),
            stores[1]?.teams.leave({ teamId: id, by: admin, accountId: admin, at: now }, nobody, []),
            stores[2]?.accounts.remove(member, now, []),
            unlessGone(stores[1]?.teams.create(mine, member, 9, [])),
          ])
          const roles = await rolesIn(id)
          expect([round, Object.values(roles)]).toEqual([round, expect.arrayContaining(['owner'])])
          expect(roles).toHaveProperty(guest)
          expect(await rolesIn(mine.id)).toEqual({})
          expect(JSON.stringify(await rowsOf('teams'))).not.toContain(mine.id)
        }
      })
    })

    describe('invitations', () => {
      test('are found by their secret while they are open, with their sender', async () => {
        const ada = await person({ name: 'Ada', email: 'ada@example.com', emailVerified: true })
        const bob = await person({ name: 'Bob', email: 'bob@example.com' })
        const made = team()
        await store.teams.create(made, ada, 9, [])
        await join(made.id, ada, bob, 'admin')
        const one = invitation(made.id, ada)
        const two = invitation(made.id, bob, { emailKey: 'two', createdAt: later(1), expiresAt: later(60) })
        for (const each of [one, two]) await store.invitations.invite(each, anybody, 9, [], [])
        const found = await store.invitations.find(one.secretHash, now)
        expect(found).toEqual({ invitation: one, team: made, inviter: 'ada@example.com' })
        expect(await store.invitations.find(two.secretHash, now)).toMatchObject({ inviter: 'Bob' })
        expect(await store.invitations.list(made.id, now)).toEqual([two, one])
        expect(await store.invitations.list(made.id, later(60))).toEqual([one])
        expect(await store.invitations.find(two.secretHash, later(60))).toBeUndefined()
        expect(await store.invitations.find('nobody’s', now)).toBeUndefined()
        expect(await sweptIn(store, 'invitations', later(61))).toBe(1)
        expect(await rowsOf('teamInvitations')).toHaveLength(1)
      })

      test('are stored together with their message, one for each email address and up to a limit', async () => {
        const { id, people } = await crew('member')
        const [owner = '', member = ''] = people
        const message = createMailComposer({ ids: newId, clock: () => now, sealer: newSealer() })
        const mail = () => message({ template: 'team_invitation', to: 'guest@example.com', locale: 'en' })
        const messages = async () =>
          (await opened.driver.read(opened.driver.db.select().from(opened.driver.tables.mails))).length
        const because = [fact('renamed', owner, id)]
        const send = (given: Partial<Invitation>, by = owner, allows: () => boolean = anybody) =>
          store.invitations.invite({ ...invitation(id, by), ...given, invitedBy: by }, allows, 2, because, [mail()])
        expect(await send({}, newId('usr'))).toBe('team_not_found')
        expect(await send({}, member, nobody)).toBe('team_role_required')
        const { accounts } = opened.driver.tables
        const proven = { email: 'Guest@example.com', emailKey: 'guest@example.com' }
        const is = (verifiedEmailKey: string | null) =>
          opened.driver.write(
            opened.driver.db
              .update(accounts)
              .set({ ...proven, verifiedEmailKey })
              .where(eq(accounts.id, member)),
          )
        await is(proven.emailKey)
        expect(await send({})).toBe('already_member')
        // An unverified email address may belong to anyone.
        await is(null)
        expect([opened.told, await messages()]).toEqual([[], 0])
        expect(await send({})).toBe('invited')
        expect(await send({ emailKey: 'two', expiresAt: later(60) })).toBe('invited')
        expect(await send({ emailKey: 'three' })).toBe('team_limit_reached')
        const again = newId('tkt')
        expect(await send({ secretHash: again })).toBe('invited')
        expect(await store.invitations.list(id, now)).toHaveLength(2)
        expect(await store.invitations.find(again, now)).toBeDefined()
        // An expired invitation does not block a new one.
        expect(await send({ emailKey: 'three', createdAt: later(60) })).toBe('invited')
        expect([opened.told.length, await messages()]).toEqual([4, 4])
      })

      test('sent concurrently are one for one email address, and up to the limit for many', async () => {
        const stores = await several()
        for (let round = 0; round < rounds; round++) {
          const { id, people } = await crew()
          const [owner = ''] = people
          const asked = Array.from({ length: 6 }, (_, n) =>
            invitation(id, owner, { emailKey: round % 2 ? 'one' : `guest ${n}` }),
          )
          const done = await Promise.all(
            asked.map((one, n) => stores[n % 3]?.invitations.invite(one, anybody, 3, [], [])),
          )
          expect(done.filter((one) => one === 'invited')).toHaveLength(round % 2 ? 6 : 3)
          expect(await store.invitations.list(id, now)).toHaveLength(round % 2 ? 1 : 3)
        }
      })

      test('are withdrawn by members with the permission, in their own team', async () => {
        const { id, people } = await crew('member')
        const [owner = '', member = ''] = people
        const elsewhere = await crew()
        const sent = invitation(id, owner, { role: 'admin' })
        await store.invitations.invite(sent, anybody, 9, [], [])
        const asked = { teamId: id, by: owner, id: sent.id }
        const because = [fact('renamed', owner, id)]
        const other = { teamId: elsewhere.id, by: elsewhere.people[0] ?? '', id: sent.id }
        expect(await store.invitations.withdraw(other, anybody, because)).toBe('invitation_not_found')
        expect(await store.invitations.withdraw({ ...asked, by: newId('usr') }, anybody, because)).toBe(
          'team_not_found',
        )
        expect(await store.invitations.withdraw({ ...asked, by: member }, nobody, because)).toBe('team_role_required')
        const seen: TeamRole[][] = []
        const allows = (...roles: TeamRole[]): boolean => seen.push(roles) > 0
        expect(await store.invitations.withdraw(asked, allows, because)).toBe('withdrawn')
        expect(seen).toEqual([['owner', 'admin']])
        expect(await store.invitations.withdraw(asked, anybody, because)).toBe('invitation_not_found')
        expect(opened.told).toEqual(because)
        expect(await store.invitations.find(sent.secretHash, now)).toBeUndefined()
      })

      test('are refused without being used up: from a disabled sender, to a member, at the team limit, to a full team', async () => {
        const { id, people } = await crew('member')
        const [owner = '', member = ''] = people
        const guest = await person()
        const sent = invitation(id, owner)
        await store.invitations.invite(sent, anybody, 9, [], [])
        const by = { secretHash: sent.secretHash, accountId: guest, at: now }
        const told = () => [fact('renamed', guest, id)]
        const { accept } = store.invitations
        expect(await accept({ ...by, secretHash: 'nobody’s' }, most, told)).toBe('invitation_not_found')
        expect(await accept({ ...by, at: later(600) }, most, told)).toBe('invitation_not_found')
        await disable(owner)
        expect(await accept(by, most, told)).toBe('invitation_not_found')
        expect(await store.invitations.find(sent.secretHash, now)).toBeUndefined()
        const { accounts } = opened.driver.tables
        const enabled = opened.driver.db.update(accounts).set({ disabledAt: null }).where(eq(accounts.id, owner))
        await opened.driver.write(enabled)
        expect(await accept({ ...by, accountId: member }, most, told)).toBe('already_member')
        expect(await accept(by, { ...most, members: 2 }, told)).toBe('team_limit_reached')
        expect(await accept(by, { ...most, teams: 0 }, told)).toBe('team_limit_reached')
        expect(opened.told).toEqual([])
        expect(await accept(by, most, told)).toMatchObject({ team: { id }, role: 'member' })
        expect(opened.told).toEqual(told())
        expect(await rowsOf('teamInvitations')).toEqual([])
      })

      test('add one member under concurrent acceptance, withdrawal and deletion of the team', async () => {
        const stores = await several()
        for (let round = 0; round < rounds; round++) {
          const { id, people } = await crew()
          const [owner = ''] = people
          const guests = [await person(), await person()]
          const sent = invitation(id, owner)
          await store.invitations.invite(sent, anybody, 9, [], [])
          const answers = await Promise.all([
            ...[...stores, ...stores].map((one, n) =>
              one.invitations.accept(
                { secretHash: sent.secretHash, accountId: guests[n % 2] ?? '', at: now },
                most,
                () => [],
              ),
            ),
            round % 3 === 1 && stores[1]?.invitations.withdraw({ teamId: id, by: owner, id: sent.id }, anybody, []),
            round % 3 === 2 && stores[2]?.teams.remove({ teamId: id, by: owner, at: now }, anybody, []),
          ])
          const joined = answers.filter((one) => typeof one === 'object').length
          expect(joined).toBeLessThanOrEqual(1)
          if (round % 3 === 0) expect(joined).toBe(1)
          if (round % 3 === 1) expect(joined === 1).toBe(answers.at(-2) === 'invitation_not_found')
          const left = Object.keys(await rolesIn(id)).length
          expect(left).toBe(round % 3 === 2 ? 0 : 1 + joined)
          expect(await store.invitations.list(id, now)).toEqual([])
        }
      })

      test('add no member whose account is deleted in the meantime', async () => {
        const stores = await several()
        for (let round = 0; round < rounds; round++) {
          const { id, people } = await crew()
          const [owner = ''] = people
          const guest = await person()
          await signedIn(opened, guest)
          const sent = invitation(id, owner)
          await store.invitations.invite(sent, anybody, 9, [], [])
          await Promise.all([
            unlessGone(
              stores[1]?.invitations.accept({ secretHash: sent.secretHash, accountId: guest, at: now }, most, () => []),
            ),
            stores[2]?.accounts.remove(guest, now, []),
          ])
          expect(await rolesIn(id)).toEqual({ [owner]: 'owner' })
        }
      })
    })
  })
}
