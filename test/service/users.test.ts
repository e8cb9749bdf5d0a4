import { TOTP } from 'otpauth'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { registered, tokenOf } from '../support/registered.ts'
import {
  type Answer,
  type AuthAnswer,
  aboveStore,
  authOf,
  type Json,
  refusalOf,
  startWorld,
  type World,
} from '../support/service.ts'

describe.each(aboveStore('PostgreSQL'))('account administration, on %s:', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  type Person = AuthAnswer & { readonly who: string; readonly email: string; readonly id: string }
  async function somebody(): Promise<Person> {
    const who = world.newcomer()
    const signedIn = await world.signIn('google', who)
    return { ...signedIn, who, email: world.emailOf(who), id: signedIn.user.id }
  }
  async function administrator(): Promise<Person> {
    const person = await somebody()
    expect(await world.vinculum.makeAdministrator(person.email)).toBe('made')
    return person
  }
  const ask = (method: string, path: string, as: Pick<Person, 'access_token'>, body?: object): Promise<Answer> =>
    world.call(method, path, { token: as.access_token, ...(body === undefined ? {} : { body }) })
  /** Enables an authenticator app. */
  async function enrol({ access_token: token }: Pick<Person, 'access_token'>) {
    const { body } = await world.call('POST', '/me/second-factor/totp', { token, body: {} })
    const app = new TOTP({ secret: String(body.secret) })
    const code = () => app.generate({ timestamp: world.clock().getTime() })
    const confirmed = await world.call('POST', '/me/second-factor/totp/confirm', { token, body: { code: code() } })
    expect(confirmed.status, confirmed.text).toBe(200)
    return { code, recoveryCodes: confirmed.body.recovery_codes as string[] }
  }
  const statusOf = async (path: string, as: Pick<Person, 'access_token'>) => (await ask('GET', path, as)).status

  describe('the first administrator', () => {
    test('is created on the command line, by verified email address or by ID, and takes effect at once', async () => {
      const [ada, eve] = [await somebody(), await somebody()]
      expect(await statusOf('/users', ada)).toBe(403)
      expect(await world.vinculum.makeAdministrator(ada.email.toUpperCase())).toBe('made')
      expect(await statusOf('/users', ada)).toBe(200)
      expect(await world.vinculum.makeAdministrator(eve.id)).toBe('made')
      expect(await statusOf('/users', eve)).toBe(200)
      expect(await world.vinculum.makeAdministrator(eve.id)).toBe('already')
      const { body } = await ask('GET', `/audit?account=${ada.id}&event=account.role_changed`, ada)
      expect(body.items).toMatchObject([{ account: ada.id, ip: null, data: { by: null, role: 'administrator' } }])
    })

    test('cannot be a missing or disabled account, or one with an unverified email address', async () => {
      const ada = await administrator()
      expect(await world.vinculum.makeAdministrator('nobody@example.com')).toBe('not_found')
      expect(await world.vinculum.makeAdministrator('usr_nobody')).toBe('not_found')
      const who = world.newcomer({ verified: false })
      const claimant = await world.signIn('acme', who)
      expect(claimant.user.email_verified).toBe(false)
      expect(await world.vinculum.makeAdministrator(world.emailOf(who))).toBe('unverified')
      expect(await world.vinculum.makeAdministrator(claimant.user.id)).toBe('unverified')
      expect(refusalOf(await ask('PUT', `/users/${claimant.user.id}`, ada, { role: 'administrator' }))).toEqual([
        409,
        'address_needed',
      ])
      const eve = await somebody()
      expect((await ask('POST', `/users/${eve.id}/disable`, ada)).status).toBe(200)
      expect(await world.vinculum.makeAdministrator(eve.id)).toBe('disabled')
    })
  })

  describe('a role', () => {
    test('is in the next token and in the next response, whichever way it changed', async () => {
      const [ada, eve] = [await administrator(), await somebody()]
      const scopeOf = (token: string): unknown =>
        (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Json).scope
      expect(scopeOf(eve.access_token)).toBe('')
      const put = await ask('PUT', `/users/${eve.id}`, ada, { role: 'auditor' })
      expect([put.status, put.body.role]).toEqual([200, 'auditor'])
      // With the token issued before.
      expect([await statusOf('/users', eve), await statusOf('/audit', eve)]).toEqual([200, 200])
      const refreshed = await world.call('POST', '/auth/refresh', { body: { refresh_token: eve.refresh_token } })
      expect(scopeOf(String(refreshed.body.access_token))).toBe('users:read audit:read')
      expect(scopeOf((await world.signIn('google', eve.who)).access_token)).toBe('users:read audit:read')
      expect((await ask('PUT', `/users/${eve.id}`, ada, { role: 'user' })).status).toBe(200)
      const now = { access_token: String(refreshed.body.access_token) }
      expect(refusalOf(await ask('GET', '/users', now))).toEqual([403, 'insufficient_scope'])
    })

    test('cannot be changed by the user themselves', async () => {
      const ada = await administrator()
      expect(refusalOf(await ask('PUT', `/users/${ada.id}`, ada, { role: 'user' }))).toEqual([409, 'own_role'])
      expect(await statusOf('/users', ada)).toBe(200)
    })

    test('without the required scope gets an error that names the scope', async () => {
      const eve = await somebody()
      const refused = await ask('GET', '/users', eve)
      expect(refused.headers.get('www-authenticate')).toMatch(
        /^Bearer error="insufficient_scope", error_description="[^"]+", scope="users:read"$/,
      )
    })
  })

  describe('every administration route', () => {
    type Row = readonly [
      method: string,
      path: string,
      body: object | undefined,
      expected: readonly [auditor: number, administrator: number, notRecently: number],
    ]
    /** The response to an auditor, an administrator and an old session; everyone else gets the same refusal. */
    const rows: readonly Row[] = [
      ['GET', '/users', undefined, [200, 200, 200]],
      ['GET', '/users/{id}', undefined, [200, 200, 200]],
      ['POST', '/users', { email: 'nobody' }, [403, 400, 403]],
      ['POST', '/users/{id}/invitation', undefined, [403, 409, 403]],
      ['DELETE', '/users/{id}/invitation', undefined, [403, 409, 403]],
      ['PUT', '/users/{id}', { name: 'Zoë' }, [403, 200, 403]],
      ['PATCH', '/users/{id}', { metadata: { public: { plan: 'team' } } }, [403, 200, 403]],
      ['POST', '/users/{id}/disable', undefined, [403, 200, 403]],
      ['POST', '/users/{id}/enable', undefined, [403, 200, 403]],
      ['GET', '/users/{id}/sessions', undefined, [200, 200, 200]],
      ['DELETE', '/users/{id}/sessions', undefined, [403, 204, 403]],
      ['DELETE', '/users/{id}/sessions/{session_id}', undefined, [403, 404, 403]],
      ['POST', '/users/{id}/password-reset', undefined, [403, 202, 403]],
      ['DELETE', '/users/{id}/second-factor', undefined, [403, 204, 403]],
      ['DELETE', '/users/{id}', undefined, [403, 204, 403]],
      ['GET', '/audit', undefined, [200, 200, 200]],
      ['GET', '/audit/export', undefined, [200, 200, 403]],
      ['GET', '/jobs', undefined, [403, 200, 200]],
      ['GET', '/service-credentials', undefined, [403, 200, 200]],
      ['POST', '/service-credentials', { name: 'Shop', scopes: ['introspect'] }, [403, 201, 403]],
      ['POST', '/service-credentials/{id}/rotate', {}, [403, 200, 403]],
      ['DELETE', '/service-credentials/{id}', undefined, [403, 204, 403]],
      ['GET', '/statistics', undefined, [200, 200, 200]],
      // What these do to something that exists is in their own tests.
      ['GET', '/providers', undefined, [403, 200, 200]],
      ['POST', '/providers', { id: 'x', kind: 'oauth2', settings: {} }, [403, 400, 403]],
      ['GET', '/providers/{id}', undefined, [403, 404, 404]],
      ['PATCH', '/providers/{id}', { settings: { NAME: 'X' } }, [403, 404, 403]],
      ['DELETE', '/providers/{id}', undefined, [403, 404, 403]],
      ['POST', '/providers/{id}/publish', {}, [403, 404, 403]],
      ['POST', '/providers/{id}/enable', {}, [403, 404, 403]],
      ['POST', '/providers/{id}/disable', {}, [403, 404, 403]],
      ['POST', '/providers/{id}/check', {}, [403, 404, 403]],
      ['POST', '/providers/{id}/try', {}, [403, 404, 403]],
      ['GET', '/providers/{id}/try', undefined, [403, 404, 404]],
      ['GET', '/providers/{id}/impact', undefined, [403, 404, 404]],
      ['GET', '/providers/{id}/versions', undefined, [403, 404, 404]],
      ['POST', '/providers/{id}/versions/{version}/restore', {}, [403, 404, 403]],
      ['GET', '/branding', undefined, [403, 200, 200]],
      ['PATCH', '/branding', {}, [403, 200, 403]],
      ['POST', '/branding/preview', {}, [403, 200, 200]],
      // Without a picture.
      ['PUT', '/branding/{picture}', undefined, [403, 400, 403]],
      ['DELETE', '/branding/{picture}', undefined, [403, 200, 403]],
      ['GET', '/applications', undefined, [403, 200, 200]],
      ['POST', '/applications', {}, [403, 400, 403]],
      ['GET', '/applications/{id}', undefined, [403, 404, 404]],
      ['PATCH', '/applications/{id}', { name: 'X' }, [403, 404, 403]],
      ['POST', '/applications/{id}/secret', {}, [403, 404, 403]],
      ['PUT', '/applications/{id}/logo', undefined, [403, 400, 403]],
      ['DELETE', '/applications/{id}/logo', undefined, [403, 404, 403]],
      ['DELETE', '/applications/{id}/previous-secret', undefined, [403, 404, 403]],
      ['POST', '/applications/{id}/disable', {}, [403, 404, 403]],
      ['POST', '/applications/{id}/enable', {}, [403, 404, 403]],
      ['GET', '/applications/{id}/users', undefined, [403, 404, 404]],
      ['DELETE', '/applications/{id}', undefined, [403, 404, 403]],
      ['GET', '/registration-tokens', undefined, [403, 200, 200]],
      ['POST', '/registration-tokens', { name: 'Pipeline' }, [403, 201, 403]],
      ['DELETE', '/registration-tokens/{id}', undefined, [403, 404, 403]],
    ]

    test('is in this table', () => {
      type Operations = Record<string, { security?: Record<string, readonly string[]>[] }>
      const paths = world.document.paths as unknown as Record<string, Operations>
      const administrative = Object.entries(paths).flatMap(([path, operations]) =>
        Object.entries(operations).flatMap(([method, { security = [] }]) => {
          const scoped = security.some((one) => Object.values(one).some((needed) => needed.length > 0))
          // Service credentials call it, never a person.
          if (security.some((one) => 'service' in one)) return []
          const named =
            /^\/(users|audit|service-credentials|jobs|admin|statistics|providers|applications|registration-tokens|branding)(\/|$)/.test(
              path,
            )
          // Every route under these paths has a scope, and no route elsewhere has one.
          expect([path, method, scoped]).toEqual([path, method, named])
          return scoped && !path.startsWith('/admin') ? [`${method.toUpperCase()} ${path}`] : []
        }),
      )
      expect(rows.map(([method, path]) => `${method} ${path}`).sort()).toEqual(administrative.sort())
    })

    test('responds to each role as the table specifies', async () => {
      const stale = await administrator()
      world.turn(601)
      const [ada, gone, aud, eve] = [await administrator(), await administrator(), await somebody(), await somebody()]
      await ask('PUT', `/users/${aud.id}`, ada, { role: 'auditor' })
      await ask('POST', `/users/${gone.id}/disable`, ada)
      for (const [method, path, body, [forAuditor, forAdministrator, notRecently]] of rows) {
        const target = await somebody()
        if (path.endsWith('/second-factor')) await enrol(target)
        const credential = await ask('POST', '/service-credentials', ada, { name: 'Shop', scopes: ['introspect'] })
        const to = path
          .replace('{id}', path.startsWith('/users') ? target.id : String(credential.body.id))
          .replace('{version}', '1')
          .replace('{picture}', 'logo')
        const get = (as: Person) => ask(method, to, as, body)
        const what = `${method} ${path}`
        const nobody = await world.call(method, to, body === undefined ? {} : { body })
        expect([what, ...refusalOf(nobody)]).toEqual([what, 401, 'authentication_required'])
        expect([what, ...refusalOf(await get(eve))]).toEqual([what, 403, 'insufficient_scope'])
        expect([what, ...refusalOf(await get(gone))]).toEqual([what, 403, 'user_disabled'])
        const late = await get(stale)
        expect([what, late.status]).toEqual([what, notRecently])
        if (notRecently === 403) expect([what, late.body.code]).toEqual([what, 'reauthentication_required'])
        expect([what, (await get(aud)).status]).toEqual([what, forAuditor])
        expect([what, (await get(ada)).status]).toEqual([what, forAdministrator])
        // Without a picture, an application is not looked up.
        if (!path.includes('{id}') || forAdministrator === 400) continue
        const absent = await ask(method, path.replace('{id}', 'usr_nobody').replace('{version}', '1'), ada, body)
        expect([what, absent.status]).toEqual([what, 404])
      }
    })
  })

  describe('the last administrator', () => {
    test('remains, however many concurrent attempts are made', async () => {
      for (let round = 0; round < 5; round++) {
        await world.operator("update accounts set role = 'user'")
        const people = await Promise.all(Array.from({ length: 4 }, () => administrator()))
        const second = await world.another()
        await Promise.all(
          people.map((one, n) => {
            const to = people[(n + 1) % people.length] as Person
            const at = n % 2 === 0 ? world.base : second.base
            const token = one.access_token
            if (n % 3 === 0) return world.call('PUT', `/users/${to.id}`, { token, at, body: { role: 'user' } })
            if (n % 3 === 1) return world.call('POST', `/users/${to.id}/disable`, { token, at })
            return world.call('DELETE', `/users/${to.id}`, { token, at })
          }),
        )
        const { accounts = [] } = await world.dump('accounts')
        const left = accounts.filter((row) => row.role === 'administrator' && row.disabled_at === null)
        expect(left.length).toBeGreaterThan(0)
      }
    })

    test('cannot be disabled, deleted or given another role, not even by themselves', async () => {
      await world.operator("update accounts set role = 'user'")
      const [ada, eve] = [await administrator(), await administrator()]
      expect((await ask('PUT', `/users/${eve.id}`, ada, { role: 'user' })).status).toBe(200)
      const refused = [409, 'last_administrator']
      expect(refusalOf(await ask('DELETE', '/me', ada))).toEqual(refused)
      expect(refusalOf(await ask('DELETE', `/users/${ada.id}`, ada))).toEqual(refused)
      expect(refusalOf(await ask('POST', `/users/${ada.id}/disable`, ada))).toEqual(refused)
      expect((await ask('PUT', `/users/${eve.id}`, ada, { role: 'administrator' })).status).toBe(200)
      expect((await ask('DELETE', '/me', ada)).status).toBe(204)
      expect(refusalOf(await ask('DELETE', '/me', eve))).toEqual(refused)
    })
  })

  describe('the account list', () => {
    test('finds part of an email address, a name or an ID, and treats wildcards as text', async () => {
      const ada = await administrator()
      const mark = `Zoë_${database}%`
      const who = world.newcomer({ name: mark })
      const { user } = await world.signIn('google', who)
      const found = async (query: string): Promise<readonly unknown[]> => {
        const { status, body, text } = await ask('GET', `/users?${query}`, ada)
        expect(status, text).toBe(200)
        return (body.items as Json[]).map(({ id }) => id)
      }
      const email = world.emailOf(who)
      for (const text of [email, email.toUpperCase(), mark, mark.slice(1), `oë_${database}%`.toLowerCase(), user.id])
        expect([text, await found(`search=${encodeURIComponent(text)}`)]).toEqual([text, [user.id]])
      expect(await found('search=%25%25')).toEqual([])
      expect(await found(`search=Zo_${encodeURIComponent('_')}`)).toEqual([])
      expect(await found('role=auditor')).toEqual([])
      expect(await found('role=administrator&disabled=false')).toContain(ada.id)
      expect(await found(`role=administrator&disabled=true&search=${ada.id}`)).toEqual([])
      for (const query of ['limit=0', 'limit=101', 'cursor=x', 'cursor=!', 'role=root', 'disabled=1', 'search=%00'])
        expect([query, (await ask('GET', `/users?${query}`, ada)).status]).toEqual([query, 400])
      const place = (text: string) => Buffer.from(text, 'latin1').toString('base64url')
      for (const [text, status] of [
        ...(['0.usr_0', '0.usr_0.0.zzz', '0.usr_0.99.x', '0.usr_0.1.', '0.usr_0.1.\xff\xfe'] as const).map(
          (text) => [text, 200] as const,
        ),
        ...(['0.usr_0.1.\0', '0.usr_0.x.y', '0.usr_0.1', '0..0.x'] as const).map((text) => [text, 400] as const),
      ]) {
        const query = `search=zo&cursor=${place(text)}`
        expect([text, (await ask('GET', `/users?${query}`, ada)).status]).toEqual([text, status])
      }
    })

    test('shows each account once while accounts are created and deleted', async () => {
      const ada = await administrator()
      // Newer than her account, or the one deleted below could be her own.
      world.turn(1)
      const mine = [] as string[]
      for (let n = 0; n < 7; n++) mine.unshift((await somebody()).id)
      const walked: unknown[] = []
      let cursor: unknown = ''
      do {
        const query: string = cursor === '' ? '' : `&cursor=${cursor}`
        const { body } = await ask('GET', `/users?limit=2${query}`, ada)
        walked.push(...(body.items as Json[]).map(({ id }) => id))
        cursor = body.next_cursor
        await somebody()
        if (walked.length === 2) expect((await ask('DELETE', `/users/${walked[1]}`, ada)).status).toBe(204)
      } while (cursor !== null)
      expect(new Set(walked).size).toBe(walked.length)
      expect(walked.filter((id) => mine.includes(String(id))).sort()).toEqual([...mine].sort())
    })
  })

  describe('the data export', () => {
    test('is a file for its owner, and is recorded in their audit log', async () => {
      const who = world.newcomer()
      const { access_token: token, refresh_token, user } = await world.signIn('google', who)
      await world.enter('atlassian', who, { intent: 'link', token })
      await world.openBrowser().signIn('google', who)
      const taken = await world.call('GET', '/me/export', { token })
      expect([taken.status, taken.headers.get('content-disposition')]).toEqual([
        200,
        'attachment; filename="vinculum-export.json"',
      ])
      const { body } = taken
      expect(body.account).toMatchObject({ id: user.id, email: world.emailOf(who), role: 'user' })
      expect(body.exported_at).toBe(world.clock().toISOString())
      const named = (list: unknown, field: string) => (list as Json[]).map((row) => row[field])
      expect(named(body.identities, 'provider').sort()).toEqual(['atlassian', 'google'])
      expect(named(body.grants, 'provider').sort()).toEqual(['atlassian', 'google'])
      expect(body.sessions).toHaveLength(2)
      expect(named(body.activity, 'event')).toContain('identity.linked')
      // Nothing in it grants access, here or at a provider.
      expect(taken.text).not.toMatch(/hash"|secret"|"access_token|"refresh_token|"v1\./)
      expect(taken.text).not.toContain(refresh_token)
      expect(named((await ask('GET', '/me/activity', { access_token: token })).body.items, 'event')[0]).toBe(
        'account.exported',
      )
    })

    test('is refused to other users, and requires a recent sign-in', async () => {
      const [eve, bob] = [await somebody(), await somebody()]
      expect((await ask('GET', '/me/export', bob)).text).not.toContain(eve.id)
      expect((await world.call('GET', '/me/export')).status).toBe(401)
      world.turn(601)
      expect(refusalOf(await ask('GET', '/me/export', bob))).toEqual([403, 'reauthentication_required'])
    })
  })

  test('administrative actions are shown to the user without the actor and IP address, and to operators with both', async () => {
    const [ada, eve] = [await administrator(), await somebody()]
    const headers = { 'user-agent': 'The administrator’s own browser'.replace('’', "'") }
    const doing = { token: ada.access_token, headers }
    await world.call('PUT', `/users/${eve.id}`, { ...doing, body: { name: 'Eve', role: 'auditor' } })
    await world.call('DELETE', `/users/${eve.id}/sessions`, doing)
    await world.call('POST', `/users/${eve.id}/password-reset`, doing)
    const again = await world.signIn('google', eve.who)
    const mine = (await ask('GET', '/me/activity', again)).body.items as Json[]
    const named = (rows: Json[]) =>
      rows.filter(({ data }) => Object.hasOwn(data as Json, 'by')).map(({ event, data }) => [event, (data as Json).by])
    expect(named(mine)).toEqual([
      ['password.reset_started', 'administrator'],
      ['session.ended', 'administrator'],
      ['account.role_changed', 'administrator'],
      ['account.updated', 'administrator'],
    ])
    expect(JSON.stringify(mine)).not.toContain(ada.id)
    expect(JSON.stringify(mine)).not.toContain('own browser')
    const { body } = await ask('GET', `/audit?account=${eve.id}`, ada)
    expect(named(body.items as Json[]).map(([, by]) => by)).toEqual([ada.id, ada.id, ada.id, ada.id])
    const messages = await world.mailTo(eve.email)
    expect(messages.map(({ subject }) => subject).sort()).toEqual(['Set a new password', 'Your role was changed'])
    expect(JSON.stringify(messages)).not.toContain('own browser')
    expect(JSON.stringify(messages)).not.toContain(ada.id)
  })

  describe('a lost second factor', () => {
    const takeAway = (id: string, as: Pick<Person, 'access_token'>) => ask('DELETE', `/users/${id}/second-factor`, as)
    const eventsOf = async (id: string, as: Person) =>
      ((await ask('GET', `/audit?account=${id}`, as)).body.items as Json[]).map(
        ({ event, ip, user_agent, data }) => [event, ip, user_agent, data] as const,
      )

    test('is removed by an administrator, and the next sign-in does not ask for it', async () => {
      const ada = await administrator()
      const email = `lost-${database.toLowerCase()}@example.com`
      const password = 'correct horse battery'
      const eve = await registered(world, email, { verified: true, password })
      const who = world.newcomer()
      expect((await world.enter('google', who, { intent: 'link', token: eve.token })).status).toBe(200)
      const { code, recoveryCodes } = await enrol({ access_token: eve.token })
      world.turn(30)
      const byPassword = () =>
        world.call('POST', '/auth/token', { form: { grant_type: 'password', username: email, password } })
      const ticketOf = (refused: Answer): string => {
        expect(refusalOf(refused)).toEqual([401, 'second_factor_required'])
        return String(refused.body.second_factor_ticket)
      }
      const waiting = [ticketOf(await byPassword()), ticketOf(await world.enter('google', who))]
      expect((await world.call('POST', '/auth/password/forgot', { body: { email } })).status).toBe(202)
      const [reset] = await world.mailTo(email)
      const [, ticket] = /[?&]ticket=(\S+)/.exec(reset?.text ?? '') ?? []
      const before = await world.call('GET', '/me', { token: eve.token })
      expect([before.status, (await ask('GET', `/users/${eve.id}`, ada)).body.second_factor]).toEqual([200, true])

      const headers = { 'user-agent': 'A browser of theirs' }
      const path = `/users/${eve.id}/second-factor`
      expect((await world.call('DELETE', path, { token: ada.access_token, headers })).status).toBe(204)
      const seen = (await ask('GET', `/users/${eve.id}`, ada)).body
      expect([seen.second_factor, seen.sessions, seen.has_password]).toEqual([false, 0, true])

      // Every open sign-in and session ends, including those of a thief who holds the phone.
      expect((await world.call('GET', '/me', { token: eve.token })).status).toBe(401)
      expect(await tokenOf(world, eve.cookie)).toBe('undefined')
      for (const [n, second_factor_ticket] of waiting.entries()) {
        const proof = n === 0 ? { totp: code() } : { recovery_code: recoveryCodes[0] }
        const finished = await world.call('POST', '/auth/second-factor', { body: { second_factor_ticket, ...proof } })
        expect(refusalOf(finished)).toEqual([400, 'ticket_invalid'])
      }
      expect(ticket).toBeTypeOf('string')
      const body = { ticket, password: 'another horse battery' }
      expect(refusalOf(await world.call('POST', '/auth/password/reset', { body }))).toEqual([400, 'ticket_invalid'])

      // The user signs in again with each method, and no second factor is asked for.
      const response = await byPassword()
      expect([response.status, response.text.includes('second_factor')]).toEqual([200, false])
      const again = await world.signIn('google', who)
      expect(again.user.id).toBe(eve.id)
      const { body: stands } = await ask('GET', '/me/second-factor', again)
      expect(stands).toEqual({ totp: false, recovery_codes_left: 0, since: null })

      const changes = (await eventsOf(eve.id, ada)).filter(([, , , data]) => Object.hasOwn(data as Json, 'by'))
      expect(changes.map(([event]) => event).sort()).toEqual(['second_factor.removed', 'session.ended'])
      for (const [event, ip, agent, data] of changes) {
        expect([event, ip, agent, (data as Json).by]).toEqual([event, null, null, ada.id])
        const what = event === 'session.ended' ? { reason: 'second_factor_removed' } : { factor: 'totp' }
        expect(data).toMatchObject(what)
      }
      const message = (await world.mailTo(email)).find(({ subject }) => subject === 'A second factor was removed')
      expect(message?.text).toContain('An administrator removed the second factor of your account')
      const mine = (await ask('GET', '/me/activity', again)).text
      for (const text of [mine, JSON.stringify(message)]) {
        expect(text).not.toContain(ada.id)
        expect(text).not.toContain('A browser of theirs')
      }
      expect(refusalOf(await takeAway(eve.id, ada))).toEqual([409, 'second_factor_missing'])
    })

    test('of an administrator can be removed too, but not one’s own', async () => {
      const [ada, bob] = [await administrator(), await administrator()]
      const { code } = await enrol(bob)
      world.turn(30)
      const refused = await world.enter('google', bob.who)
      expect(refusalOf(refused)).toEqual([401, 'second_factor_required'])
      const proof = { second_factor_ticket: refused.body.second_factor_ticket, totp: code() }
      const strong = authOf(await world.call('POST', '/auth/second-factor', { body: proof }))
      expect(refusalOf(await takeAway(bob.id, strong))).toEqual([409, 'own_second_factor'])
      expect((await takeAway(bob.id, ada)).status).toBe(204)
      expect((await world.signIn('google', bob.who)).user.id).toBe(bob.id)
      expect(refusalOf(await takeAway(ada.id, ada))).toEqual([409, 'own_second_factor'])
    })

    test('cannot be removed by anyone else, and nothing changes when they try', async () => {
      const [ada, aud, bob, eve] = [await administrator(), await somebody(), await somebody(), await somebody()]
      await ask('PUT', `/users/${aud.id}`, ada, { role: 'auditor' })
      await enrol(eve)
      for (const one of [aud, bob, eve])
        expect(refusalOf(await takeAway(eve.id, one))).toEqual([403, 'insufficient_scope'])
      expect(refusalOf(await takeAway('usr_nobody', ada))).toEqual([404, 'account_not_found'])
      // An app that waits for its first code was never asked for.
      await world.call('POST', '/me/second-factor/totp', { token: bob.access_token, body: {} })
      expect(refusalOf(await takeAway(bob.id, ada))).toEqual([409, 'second_factor_missing'])
      expect((await ask('GET', '/me', bob)).status).toBe(200)
      expect((await ask('GET', `/users/${eve.id}`, ada)).body.second_factor).toBe(true)
      expect(refusalOf(await world.enter('google', eve.who))).toEqual([401, 'second_factor_required'])
    })
  })

  test('a disabled account is refused at once, on every device, until it is enabled again', async () => {
    const [ada, eve] = [await administrator(), await somebody()]
    const browser = world.openBrowser()
    await browser.signIn('google', eve.who)
    const disabled = await ask('POST', `/users/${eve.id}/disable`, ada)
    expect([disabled.status, disabled.body.disabled_at]).toEqual([200, world.clock().toISOString()])
    expect(refusalOf(await ask('GET', '/me', eve))).toEqual([403, 'user_disabled'])
    expect((await browser.json('GET', '/me')).status).toBe(403)
    const refresh = await world.call('POST', '/auth/refresh', { body: { refresh_token: eve.refresh_token } })
    expect(refusalOf(refresh)).toEqual([403, 'user_disabled'])
    expect(refusalOf(await world.enter('google', eve.who))).toEqual([403, 'user_disabled'])
    expect((await ask('POST', `/users/${eve.id}/enable`, ada)).body.disabled_at).toBe(null)
    // The sessions that ended stay ended.
    expect((await ask('GET', '/me', eve)).status).toBe(401)
    expect((await world.signIn('google', eve.who)).user.id).toBe(eve.id)
  })
})
