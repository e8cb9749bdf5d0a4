import { beforeEach, describe, expect, test } from 'vitest'
import type { Fact } from '../../src/events/catalogue.ts'
import {
  byMail,
  code,
  disable,
  insertSessions,
  later,
  loggedOut,
  names,
  newcomer,
  newId,
  now,
  type Opened,
  origin,
  rowsOf,
  session,
  signedIn,
  sweptIn,
  tokens,
  trailOf,
  updated,
} from './people.ts'

/** What every store promises about sessions. */
export function sessionsContract(opened: () => Opened): void {
  const store = () => opened().store
  const facts = () => opened().told

  describe('a session', () => {
    let person: Awaited<ReturnType<typeof newcomer>>['account']
    beforeEach(async () => {
      person = (await newcomer(opened())).account
    })

    test('is read back exactly as it was started, by its ID and by its cookie', async () => {
      const device = session(person.id)
      const signIn: Fact = {
        name: 'authentication.succeeded',
        data: { provider: 'github', action: 'login_existing', session: device.id },
        accountId: person.id,
        origin,
      }
      await store().sessions.start(device, { ...byMail, cookieHash: 'h', replaces: null }, [signIn])
      expect(await store().sessions.find(device.id)).toEqual({ ...device, account: person })
      expect(await store().sessions.findByCookie('h')).toEqual({ ...device, account: person })
      expect(await store().sessions.find('ses_nobody')).toBeUndefined()
      expect(await store().sessions.findByCookie('no cookie')).toBeUndefined()
      expect(facts()).toEqual([signIn])
      expect(await trailOf(opened())).toMatchObject([{ event: signIn.name, data: signIn.data }])
    })

    test('is not started by an identity that was unlinked in the meantime, or is another account’s', async () => {
      const { identity: theirs } = await newcomer(opened())
      for (const identityId of ['idn_gone', theirs.id]) {
        const device = session(person.id, { identityId })
        const opener = { tag: 'identity', id: identityId } as const
        expect(
          await store().sessions.start(device, { opener, cookieHash: null, replaces: null }, [updated(person.id)]),
        ).toBe(false)
        expect(await store().sessions.find(device.id)).toBeUndefined()
      }
      expect(facts()).toEqual([])
    })

    test('is stored together with the tokens of its sign-in; without one of them, the other is not stored', async () => {
      const { account: member, identity: way } = await newcomer(opened())
      const grant = {
        provider: way.provider,
        issuer: way.issuer,
        clientId: 'web',
        subject: way.subject,
        holder: 'person',
      }
      const attempt = async (identityId: string, subject: string) => {
        const device = session(member.id, { identityId })
        const including = [store().grants.keeping({ ...grant, subject }, newId('grt'), () => tokens(), now)]
        const opener = { tag: 'identity', id: identityId } as const
        const how = { opener, cookieHash: null, replaces: null, including }
        const started = await store().sessions.start(device, how, [updated(member.id)])
        const rows = [await store().sessions.find(device.id), await store().grants.find({ ...grant, subject })]
        return { started, stored: rows.map((row) => row !== undefined) }
      }
      const nothing = { started: false, stored: [false, false] }
      expect(await attempt('idn_gone', way.subject)).toEqual(nothing)
      expect(await attempt(way.id, 'an unlinked subject')).toEqual(nothing)
      expect(facts()).toEqual([])
      const hours = (await rowsOf(opened(), 'accounts')).map((row) => 'lastSignInHour' in row && row.lastSignInHour)
      expect(new Set(hours)).toEqual(new Set([0]))
      expect(await attempt(way.id, way.subject)).toEqual({ started: true, stored: [true, true] })
      expect(facts()).toEqual([updated(member.id)])
    })

    test('reports that its account is disabled, and does not rotate', async () => {
      const { id, generation } = await signedIn(opened(), person.id, {}, 'h')
      await disable(opened(), person.id)
      expect(await store().sessions.find(id)).toMatchObject({ account: { disabledAt: now } })
      expect(await store().sessions.findByCookie('h')).toMatchObject({ account: { disabledAt: now } })
      expect(await store().sessions.rotate(id, generation, now, later(900))).toBeUndefined()
    })

    test('is found after it ended', async () => {
      const ended = await signedIn(opened(), person.id, { endedAt: now, endReason: 'revoked' })
      const expired = await signedIn(opened(), person.id, { idleExpiresAt: later(-1) })
      expect(await store().sessions.find(ended.id)).toMatchObject({ endedAt: now, endReason: 'revoked' })
      expect(await store().sessions.find(expired.id)).toMatchObject({ endedAt: null, idleExpiresAt: later(-1) })
    })

    test('without an account is not started', async () => {
      const nowhere = { ...byMail, cookieHash: null, replaces: null }
      expect(await store().sessions.start(session('usr_nobody'), nowhere, [])).toBe(false)
      expect(await rowsOf(opened(), 'sessions')).toEqual([])
    })

    test('sets the hour of its account’s last sign-in, unless it is not started', async () => {
      const hourAfter = async (createdAt: Date) => {
        const opening = { ...byMail, cookieHash: null, replaces: null }
        await store().sessions.start(session(person.id, { createdAt }), opening, [])
        return (await rowsOf(opened(), 'accounts')).map((row) => 'lastSignInHour' in row && row.lastSignInHour)
      }
      const hour = Math.floor(now.getTime() / 3_600_000)
      expect(await hourAfter(now)).toEqual([hour])
      expect(await hourAfter(later(60))).toEqual([hour])
      expect(await hourAfter(later(3600))).toEqual([hour + 1])
      await disable(opened(), person.id)
      expect(await hourAfter(later(7200))).toEqual([hour + 1])
    })

    test('ends the one it replaces, and publishes the fact', async () => {
      const old = await signedIn(opened(), person.id, {}, 'old')
      const device = session(person.id, { createdAt: later(2) })
      await store().sessions.start(device, { ...byMail, cookieHash: 'new', replaces: old.id }, [updated(person.id)])
      expect(await store().sessions.findByCookie('old')).toMatchObject({ endedAt: later(2), endReason: 'replaced' })
      expect(await store().sessions.findByCookie('new')).toMatchObject({ endedAt: null })
      const ended = { session: old.id, reason: 'replaced' }
      expect(facts()).toEqual([
        updated(person.id),
        { name: 'session.ended', data: ended, accountId: person.id, origin },
      ])
    })

    test('that replaces an ended or unknown session publishes no fact about it', async () => {
      const old = await signedIn(opened(), person.id, { endedAt: now, endReason: 'logout' })
      for (const replaces of [old.id, 'ses_nobody'])
        await store().sessions.start(session(person.id), { ...byMail, cookieHash: null, replaces }, [])
      expect(await store().sessions.find(old.id)).toMatchObject({ endReason: 'logout' })
      expect(facts()).toEqual([])
    })

    test('rotates from its current generation to the next', async () => {
      const device = await signedIn(opened(), person.id, { generation: 6, usedGeneration: 5 }, 'h')
      const rotated = {
        ...device,
        generation: 7,
        usedGeneration: 6,
        rotatedAt: later(5),
        lastSeenAt: later(5),
        idleExpiresAt: later(900),
      }
      const { id, accountId, amr, scope, authTime, generation, rotatedAt, idleExpiresAt, absoluteExpiresAt } = rotated
      expect(await store().sessions.rotate(device.id, 6, later(5), later(900))).toEqual({
        id,
        accountId,
        amr,
        scope,
        authTime,
        generation,
        rotatedAt,
        idleExpiresAt,
        absoluteExpiresAt,
      })
      expect(await store().sessions.findByCookie('h')).toEqual({ ...rotated, account: person })
    })

    test.each([
      ['an older generation', {}, 5],
      ['a future generation', {}, 7],
      ['an ended session', { endedAt: now, endReason: 'logout' as const }, 6],
      ['an idle session', { idleExpiresAt: later(5) }, 6],
      ['a session past its absolute limit', { absoluteExpiresAt: later(5) }, 6],
    ])('does not rotate: %s', async (_, given, generation) => {
      const device = await signedIn(opened(), person.id, { generation: 6, usedGeneration: 5, ...given })
      expect(await store().sessions.rotate(device.id, generation, later(5), later(900))).toBeUndefined()
      expect(await store().sessions.find(device.id)).toEqual({ ...device, account: person })
    })

    test('rotates together with concurrent ones, each by its presented generation', async () => {
      const devices = await Promise.all(
        Array.from({ length: 20 }, (_, generation) => signedIn(opened(), person.id, { generation })),
      )
      const ended = await signedIn(opened(), person.id, { endedAt: now, endReason: 'logout' })
      const answers = await Promise.all([
        ...devices.map(({ id }, n) => store().sessions.rotate(id, n % 5 === 4 ? n - 1 : n, later(5), later(900))),
        store().sessions.rotate(ended.id, ended.generation, later(5), later(900)),
        store().sessions.rotate('ses_nobody', 0, later(5), later(900)),
      ])
      const rotates = (n: number) => n < 20 && n % 5 !== 4
      expect(answers.map((answer) => answer?.generation)).toEqual(
        answers.map((_, n) => (rotates(n) ? n + 1 : undefined)),
      )
      expect(answers.map((answer) => answer?.id)).toEqual(
        answers.map((_, n) => (rotates(n) ? devices[n]?.id : undefined)),
      )
      for (const [n, { id }] of devices.entries())
        expect(await store().sessions.find(id)).toMatchObject({ generation: rotates(n) ? n + 1 : n })
    })

    test('rotates once for a token presented several times concurrently', async () => {
      const { id } = await signedIn(opened(), person.id, { generation: 6 })
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => store().sessions.rotate(id, 6, later(5), later(900))),
      )
      expect(answers.filter(Boolean)).toMatchObject([{ generation: 7 }])
      expect(await store().sessions.find(id)).toMatchObject({ generation: 7 })
    })

    test('rotates at its own time in a shared statement', async () => {
      const [one, two] = [await signedIn(opened(), person.id), await signedIn(opened(), person.id)]
      const answers = await Promise.all([
        store().sessions.rotate(one.id, one.generation, later(5), later(900)),
        store().sessions.rotate(two.id, two.generation, later(6), later(800)),
      ])
      expect(answers).toMatchObject([
        { id: one.id, rotatedAt: later(5), idleExpiresAt: later(900) },
        { id: two.id, rotatedAt: later(6), idleExpiresAt: later(800) },
      ])
      expect(await store().sessions.find(one.id)).toMatchObject({ rotatedAt: later(5), idleExpiresAt: later(900) })
      expect(await store().sessions.find(two.id)).toMatchObject({ rotatedAt: later(6), idleExpiresAt: later(800) })
    })

    test('has a generation beyond 32 bits', async () => {
      const device = await signedIn(opened(), person.id, { generation: 2 ** 40 })
      expect(await store().sessions.rotate(device.id, 2 ** 40, now, later(900))).toMatchObject({
        generation: 2 ** 40 + 1,
      })
    })

    test('stores the newest used generation, and never an older one', async () => {
      const device = await signedIn(opened(), person.id, { generation: 3, usedGeneration: 1 })
      await store().sessions.markUsed(device.id, 3, later(4))
      expect(await store().sessions.find(device.id)).toMatchObject({ usedGeneration: 3, lastSeenAt: later(4) })
      await store().sessions.markUsed(device.id, 2, later(5))
      expect(await store().sessions.find(device.id)).toMatchObject({ usedGeneration: 3 })
      await store().sessions.markUsed(device.id, 4, later(6))
      expect(await store().sessions.find(device.id)).toMatchObject({ usedGeneration: 3 })
    })

    test('is touched: last seen, and a new idle limit if one is given', async () => {
      const device = await signedIn(opened(), person.id)
      await store().sessions.touch(device.id, later(5), null)
      expect(await store().sessions.find(device.id)).toMatchObject({
        lastSeenAt: later(5),
        idleExpiresAt: device.idleExpiresAt,
      })
      await store().sessions.touch(device.id, later(6), later(700))
      expect(await store().sessions.find(device.id)).toMatchObject({ lastSeenAt: later(6), idleExpiresAt: later(700) })
    })

    test.each([
      ['ended', { endedAt: now, endReason: 'logout' as const }],
      ['expired', { idleExpiresAt: later(5) }],
    ])('that %s is not revived by a touch', async (_, given) => {
      const device = await signedIn(opened(), person.id, given)
      await store().sessions.touch(device.id, later(5), later(700))
      await store().sessions.touch(device.id, later(5), null)
      expect(await store().sessions.find(device.id)).toEqual({ ...device, account: person })
    })

    test('ends once, for its own account only', async () => {
      const device = await signedIn(opened(), person.id)
      const because = [loggedOut(person.id)(device.id)]
      const of = { id: device.id, accountId: person.id }
      expect(await store().sessions.end({ ...of, accountId: 'usr_eve' }, 'logout', later(1), because)).toBe(false)
      expect(facts()).toEqual([])
      expect(await store().sessions.end(of, 'logout', later(1), because)).toBe(true)
      expect(await store().sessions.end(of, 'revoked', later(2), because)).toBe(false)
      expect(await store().sessions.find(device.id)).toMatchObject({ endedAt: later(1), endReason: 'logout' })
      expect(facts()).toEqual(because)
      expect(await trailOf(opened())).toHaveLength(1)
    })

    test('that has expired counts as ended', async () => {
      const device = await signedIn(opened(), person.id, { idleExpiresAt: later(1) })
      expect(await store().sessions.end({ id: device.id, accountId: person.id }, 'logout', later(1), [])).toBe(false)
    })

    test('ends together with its account’s others, except one, each with its own reason', async () => {
      const devices = [await signedIn(opened(), person.id), await signedIn(opened(), person.id)]
      const kept = await signedIn(opened(), person.id)
      const over = await signedIn(opened(), person.id, { endedAt: now, endReason: 'revoked' })
      const other = await signedIn(opened(), (await newcomer(opened())).account.id)
      const ids = devices.map(({ id }) => id).sort()
      const because = loggedOut(person.id)
      expect(await store().sessions.endAll(person.id, kept.id, 'logout_all', later(1), because)).toEqual(ids)
      expect(facts()).toEqual(ids.map(because))
      for (const id of ids)
        expect(await store().sessions.find(id)).toMatchObject({ endedAt: later(1), endReason: 'logout_all' })
      for (const { id } of [kept, other]) expect(await store().sessions.find(id)).toMatchObject({ endedAt: null })
      expect(await store().sessions.find(over.id)).toMatchObject({ endReason: 'revoked' })
      expect(await store().sessions.endAll(person.id, null, 'logout_all', later(2), because)).toEqual([kept.id])
    })

    test('ends together with its account’s others, and only the device to keep stays trusted', async () => {
      const device = (accountId: string) => ({
        id: newId('dev'),
        accountId,
        secretHash: newId('tkt'),
        createdAt: now,
        lastSeenAt: now,
        expiresAt: later(60),
      })
      const other = (await newcomer(opened())).account.id
      const [mine, lost, theirs] = [device(person.id), device(person.id), device(other)]
      for (const one of [mine, lost, theirs])
        await store().trustedDevices.trust(one, (await signedIn(opened(), one.accountId)).id)
      const trusted = async () => {
        const found = [mine, lost, theirs].map(({ secretHash }) => store().trustedDevices.find(secretHash, now))
        return (await Promise.all(found)).filter((id) => id !== undefined)
      }
      expect(await trusted()).toEqual([mine.id, lost.id, theirs.id])
      await store().sessions.endAll(person.id, null, 'logout_all', now, loggedOut(person.id), mine.id)
      expect(await trusted()).toEqual([mine.id, theirs.id])
      await store().sessions.endAll(person.id, null, 'logout_all', now, loggedOut(person.id))
      expect(await trusted()).toEqual([theirs.id])
    })

    test('is one of very many that end together', async () => {
      await insertSessions(opened().driver, person.id, 230)
      const ended = await store().sessions.endAll(person.id, null, 'logout_all', later(1), loggedOut(person.id))
      expect(ended).toHaveLength(230)
      expect(new Set((await trailOf(opened())).map(({ data }) => data.session))).toEqual(new Set(ended))
      expect((await trailOf(opened())).map(({ data }) => data.session)).toEqual(ended)
    })

    test('is listed while it is live, last seen first', async () => {
      const first = await signedIn(opened(), person.id, { lastSeenAt: later(1) })
      const last = await signedIn(opened(), person.id, { lastSeenAt: later(3) })
      const twins = [
        await signedIn(opened(), person.id, { id: 'ses_b', lastSeenAt: later(2) }),
        await signedIn(opened(), person.id, { id: 'ses_a', lastSeenAt: later(2) }),
      ]
      await signedIn(opened(), person.id, { endedAt: now, endReason: 'logout' })
      await signedIn(opened(), person.id, { idleExpiresAt: later(5) })
      await signedIn(opened(), person.id, { absoluteExpiresAt: later(5) })
      await signedIn(opened(), (await newcomer(opened())).account.id)
      expect(await store().sessions.list(person.id, later(5))).toEqual([last, ...twins, first])
    })

    describe('beyond the hundredth of its account', () => {
      const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => String(from + n))
      const left = async () => (await store().sessions.list(person.id, now)).map(({ name }) => name).reverse()

      test('ends the least recently seen one, and publishes the reason', async () => {
        await insertSessions(opened().driver, person.id, 100)
        const before = opened().told.length
        const newest = await signedIn(opened(), person.id, { name: 'new', lastSeenAt: later(-2000) })
        expect(await left()).toEqual(['new', ...numbered(1, 100)])
        expect(opened().told.slice(before)).toEqual([
          expect.objectContaining({
            name: 'session.ended',
            accountId: person.id,
            data: { session: expect.any(String), reason: 'session_limit' },
          }),
        ])
        expect(await store().sessions.find(newest.id)).toMatchObject({ endedAt: null })
      })

      test('ends none where it replaces one', async () => {
        await insertSessions(opened().driver, person.id, 100)
        const [last] = await store().sessions.list(person.id, now)
        const next = session(person.id, { name: 'new' })
        await store().sessions.start(next, { ...byMail, cookieHash: null, replaces: last?.id ?? '' }, [])
        expect(await left()).toEqual([...numbered(0, 99), 'new'])
      })

      test('ends all excess sessions from before there was a limit', async () => {
        await insertSessions(opened().driver, person.id, 700)
        await signedIn(opened(), person.id, { name: 'new' })
        expect(await left()).toEqual([...numbered(601, 700), 'new'])
      })

      test('ends no session of another account, and does not count ended ones', async () => {
        const { account: other } = await newcomer(opened())
        await insertSessions(opened().driver, other.id, 100)
        for (let n = 0; n < 3; n++) await signedIn(opened(), person.id, { endedAt: now, endReason: 'logout' })
        await insertSessions(opened().driver, person.id, 99)
        await signedIn(opened(), person.id, { name: 'new' })
        expect(await left()).toHaveLength(100)
        expect(await store().sessions.list(other.id, now)).toHaveLength(100)
      })
    })

    describe('that has expired', () => {
      const insertExpired = async (many: number): Promise<readonly string[]> => {
        const { db, tables, write } = opened().driver
        const rows = Array.from({ length: many }, (_, n) => ({
          ...session(person.id, n % 2 === 0 ? { idleExpiresAt: later(-1) } : { absoluteExpiresAt: later(-1) }),
          cookieHash: null,
        }))
        for (let from = 0; from < many; from += 250)
          await write(db.insert(tables.sessions).values(rows.slice(from, from + 250)))
        return rows.map(({ id }) => id)
      }
      /** How many sessions of the account a sign-in reads. */
      const open = async (): Promise<number> => {
        const { db, tables, read } = opened().driver
        const rows = await read(db.select({ endedAt: tables.sessions.endedAt }).from(tables.sessions))
        return rows.filter(({ endedAt }) => endedAt === null).length
      }

      test('is not read by every later sign-in, and is never signed out', async () => {
        const live = [await signedIn(opened(), person.id), await signedIn(opened(), person.id)]
        const expired = await insertExpired(130)
        for (let n = 0; n < 3; n++) {
          live.push(await signedIn(opened(), person.id))
          expect(await open()).toBe(100)
        }
        expect(facts()).toEqual([])
        for (const id of expired)
          expect(await store().sessions.find(id)).toMatchObject({ endedAt: null, endReason: null })
        const listed = await store().sessions.list(person.id, now)
        expect(listed.map(({ id }) => id).sort()).toEqual(live.map(({ id }) => id).sort())
      })

      test('has still expired after a clock was set back', async () => {
        const started = session(person.id, { idleExpiresAt: later(60) })
        const { db, tables, write } = opened().driver
        await write(db.insert(tables.sessions).values({ ...started, cookieHash: null }))
        const end = store().sessions.endAll(person.id, null, 'logout_all', later(61), loggedOut(person.id))
        expect(await end).toEqual([])
        const found = await store().sessions.find(started.id)
        expect(found?.idleExpiresAt.getTime()).toBeLessThanOrEqual(now.getTime())
        expect(await store().sessions.rotate(started.id, 0, now, later(60))).toBeUndefined()
      })

      test('does not count for the limit, even if it was seen last', async () => {
        await insertSessions(opened().driver, person.id, 99)
        await insertExpired(50)
        await signedIn(opened(), person.id)
        expect(await store().sessions.list(person.id, now)).toHaveLength(100)
        expect([await open(), facts()]).toEqual([100, []])
        await signedIn(opened(), person.id)
        expect(names(facts())).toEqual(['session.ended'])
      })

      test('is one of thousands that one sign-in does not read', async () => {
        await insertExpired(1000)
        await signedIn(opened(), person.id)
        expect(await open()).toBe(751)
        const live = await store().sessions.list(person.id, now)
        expect(live).toHaveLength(1)
        const ended = await store().sessions.endAll(person.id, null, 'logout_all', now, loggedOut(person.id))
        expect(ended).toEqual(live.map(({ id }) => id))
        expect([await open(), names(facts())]).toEqual([0, ['session.ended']])
      })
    })

    test('and all others of its account end in batches, and the facts are published at the end', async () => {
      await insertSessions(opened().driver, person.id, 700)
      const { tables, db, write } = opened().driver
      const devices = Array.from({ length: 1100 }, () => ({
        id: newId('dev'),
        accountId: person.id,
        secretHash: newId('dev'),
        createdAt: now,
        lastSeenAt: now,
        expiresAt: later(600),
      }))
      for (let from = 0; from < devices.length; from += 100)
        await write(db.insert(tables.trustedDevices).values(devices.slice(from, from + 100)))
      const [kept] = await store().sessions.list(person.id, now)
      const before = opened().told.length
      const keepDevice = devices[0]?.id ?? null
      const ended = await store().sessions.endAll(
        person.id,
        kept?.id ?? '',
        'revoked',
        now,
        loggedOut(person.id),
        keepDevice,
      )
      expect(new Set(ended).size).toBe(699)
      expect(opened().told.slice(before)).toHaveLength(699)
      expect(await store().sessions.list(person.id, now)).toEqual([kept])
      expect(await rowsOf(opened(), 'trustedDevices')).toMatchObject([{ id: keepDevice }])
    })

    test('is swept long after it ended, with its codes', async () => {
      const live = await signedIn(opened(), person.id)
      const over = await Promise.all([
        signedIn(opened(), person.id, { endedAt: later(9), endReason: 'logout' }),
        signedIn(opened(), person.id, { idleExpiresAt: later(9) }),
        signedIn(opened(), person.id, { absoluteExpiresAt: later(9) }),
      ])
      const just = await signedIn(opened(), person.id, { endedAt: later(10), endReason: 'logout' })
      for (const device of over) await store().codes.issue(code(device))
      expect(await sweptIn(store(), 'sessions', later(10))).toBe(3)
      for (const { id } of over) expect(await store().sessions.find(id)).toBeUndefined()
      for (const { id } of [live, just]) expect(await store().sessions.find(id)).toBeDefined()
      expect(await rowsOf(opened(), 'signInCodes')).toEqual([])
      expect(await sweptIn(store(), 'sessions', later(10))).toBe(0)
    })

    test('is swept in any number', async () => {
      const { db, tables, write } = opened().driver
      const devices = Array.from({ length: 4100 }, (_, n) => ({
        ...session(person.id, n % 3 === 0 ? {} : { idleExpiresAt: later(-1) }),
        cookieHash: null,
      }))
      for (let from = 0; from < devices.length; from += 500)
        await write(db.insert(tables.sessions).values(devices.slice(from, from + 500)))
      expect(await sweptIn(store(), 'sessions', now)).toBe(devices.filter((_, n) => n % 3 !== 0).length)
      expect(await rowsOf(opened(), 'sessions')).toHaveLength(devices.filter((_, n) => n % 3 === 0).length)
    })
  })

  describe('a sign-in code', () => {
    test('is exchanged once, before it expires', async () => {
      const device = await signedIn(opened(), (await newcomer(opened())).account.id)
      const [good, late] = [code(device), code(device)]
      await store().codes.issue(good)
      await store().codes.issue(late)
      expect(await store().codes.find(good.codeHash)).toEqual(good)
      expect(await store().codes.spend(good.codeHash, later(59))).toBe(true)
      expect(await store().codes.spend(good.codeHash, later(59))).toBe(false)
      expect(await store().codes.find(good.codeHash)).toEqual({ ...good, usedAt: later(59) })
      expect(await store().codes.spend(late.codeHash, later(60))).toBe(false)
      expect(await store().codes.spend('unknown', now)).toBe(false)
      expect(await store().codes.find('unknown')).toBeUndefined()
    })

    test('is swept after it expires', async () => {
      const device = await signedIn(opened(), (await newcomer(opened())).account.id)
      const kept = code(device)
      await store().codes.issue(kept)
      await store().codes.issue(code(device, { expiresAt: later(10) }))
      expect(await sweptIn(store(), 'signInCodes', later(10))).toBe(0)
      expect(await sweptIn(store(), 'signInCodes', later(11))).toBe(1)
      expect(await store().codes.find(kept.codeHash)).toEqual(kept)
    })
  })
}
