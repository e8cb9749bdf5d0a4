import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, aboveStore, type Json, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

type Person = { readonly id: string; readonly token: string; readonly email: string }

describe.each(aboveStore('PostgreSQL'))('team management, on %s:', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterAll(() => world.stop())

  /** A new user, signed in. */
  const person = async (): Promise<Person> => {
    const who = world.newcomer()
    const signedIn = await world.signIn('google', who)
    return { id: signedIn.user.id, token: signedIn.access_token, email: world.emailOf(who) }
  }
  const as = ({ token }: Person, method: string, path: string, body?: object): Promise<Answer> =>
    world.call(method, path, { token, ...(body ? { body } : {}) })
  const aTeam = async (owner: Person, name = 'Mathematics'): Promise<string> => {
    const made = await as(owner, 'POST', '/teams', { name })
    expect(made.status, made.text).toBe(201)
    return `/teams/${String(made.body.id)}`
  }
  const invite = (by: Person, team: string, email: string, role?: string): Promise<Answer> =>
    as(by, 'POST', `${team}/invitations`, { email, ...(role ? { role } : {}) })
  /** The link in the newest message to an email address. */
  const ticketTo = async (email: string): Promise<string> => {
    const [message] = await world.mailTo(email)
    return /\/invitation\?ticket=([\w-]{43})\s/.exec(message?.text ?? '')?.[1] ?? ''
  }
  const accept = (who: Person, token: string): Promise<Answer> => as(who, 'POST', '/invitations/accept', { token })
  const join = async (team: string, owner: Person, who: Person, role = 'member'): Promise<void> => {
    expect((await invite(owner, team, who.email, role)).status).toBe(201)
    const joined = await accept(who, await ticketTo(who.email))
    expect([joined.status, joined.body.role], joined.text).toEqual([200, role])
  }
  /** A team with one user of each role. */
  async function crew(): Promise<{ team: string; owner: Person; admin: Person; member: Person; stranger: Person }> {
    const [owner, admin, member, stranger] = [await person(), await person(), await person(), await person()]
    const team = await aTeam(owner)
    await join(team, owner, admin, 'admin')
    await join(team, owner, member)
    return { team, owner, admin, member, stranger }
  }
  const rolesIn = async (team: string, who: Person): Promise<Record<string, unknown>> =>
    Object.fromEntries(listIn(await as(who, 'GET', `${team}/members`)).map(({ user_id, role }) => [user_id, role]))
  /** The team events in a user's audit log, oldest first. */
  const toldTo = async ({ id }: Person): Promise<readonly Json[]> =>
    (await world.trail())
      .filter(({ account_id: whose, event }) => whose === id && String(event).startsWith('team.'))
      .map(({ event, ip, data }) => ({
        event,
        ip,
        ...((typeof data === 'string' ? JSON.parse(data) : data) as Json),
      }))

  test('a user who creates a team owns it and sees it in their list; to outsiders it does not exist', async () => {
    const [ada, stranger] = [await person(), await person()]
    const made = await as(ada, 'POST', '/teams', { name: '  Mathematics ' })
    expect(made.status, made.text).toBe(201)
    expect(made.body).toMatchObject({ id: expect.stringMatching(/^team_/), name: 'Mathematics', role: 'owner' })
    const path = `/teams/${String(made.body.id)}`
    expect((await as(ada, 'GET', path)).body).toEqual(made.body)
    expect(listIn(await as(ada, 'GET', '/teams'))).toEqual([{ ...made.body, members: 1 }])
    expect(refusalOf(await as(stranger, 'GET', path))).toEqual([404, 'team_not_found'])
    expect(listIn(await as(stranger, 'GET', '/teams'))).toEqual([])
    expect(refusalOf(await world.call('GET', path))).toEqual([401, 'authentication_required'])
  })

  test('a team can have any name, and its emails to outsiders contain no URL but ours', async () => {
    const [ada, guest] = [await person(), await person()]
    const name = 'Win at https://evil.example/x, www.evil.example or me@evil.example'
    const made = await as(ada, 'POST', '/teams', { name })
    expect(made.body.name).toBe(name)
    expect((await invite(ada, `/teams/${String(made.body.id)}`, guest.email)).status).toBe(201)
    const [message] = await world.mailTo(guest.email)
    expect(message?.text).toContain('Win at https: / / evil. example/ x, www. evil. example or me@ evil. example')
    for (const text of [message?.text, message?.html]) expect(text).not.toContain('evil.example')
  })

  test.each([
    ['nothing', ''],
    ['white space', ' \t '],
    ['invisible characters', '\u200b\u2060'],
    ['a line break', 'a\nb'],
    ['characters that change the text direction', 'a\u202eb'],
    ['too many characters', 'a'.repeat(81)],
  ])('a team name is rejected: %s', async (_, name) => {
    const ada = await person()
    expect(refusalOf(await as(ada, 'POST', '/teams', { name }))).toEqual([400, 'invalid_request'])
    const team = await aTeam(ada)
    expect(refusalOf(await as(ada, 'PATCH', team, { name }))).toEqual([400, 'invalid_request'])
  })

  test('a user can be in a limited number of teams', async () => {
    const ada = await person()
    const made = await Promise.all(Array.from({ length: 54 }, () => as(ada, 'POST', '/teams', { name: 'One of many' })))
    expect(made.filter(({ status }) => status === 201)).toHaveLength(50)
    expect(made.flatMap((one) => (one.status === 201 ? [] : [one.body.code]))).toEqual(
      Array(4).fill('team_limit_reached'),
    )
    const bob = await person()
    const team = await aTeam(bob)
    await invite(bob, team, ada.email)
    const token = await ticketTo(ada.email)
    expect(refusalOf(await accept(ada, token))).toEqual([409, 'team_limit_reached'])
    // The invitation is still valid for them once there is room.
    const [first] = listIn(await as(ada, 'GET', '/teams'))
    expect((await as(ada, 'DELETE', `/teams/${String(first?.id)}`)).status).toBe(204)
    expect((await accept(ada, token)).status).toBe(200)
  })

  test('an invitation is shown at its URL without being used up, and adds one member', async () => {
    const [owner, guest] = [await person(), await person()]
    const team = await aTeam(owner, 'Analytical Engine')
    const invited = await invite(owner, team, guest.email, 'admin')
    expect(invited.status, invited.text).toBe(201)
    expect(invited.body).toMatchObject({ email: guest.email, role: 'admin', invited_by: owner.id })
    expect(listIn(await as(owner, 'GET', `${team}/invitations`))).toEqual([invited.body])
    const [message] = await world.mailTo(guest.email)
    expect(message?.text).toContain('Analytical Engine')
    expect(message?.text).toContain(owner.email)
    const token = await ticketTo(guest.email)
    for (let look = 0; look < 2; look++) {
      const seen = await as(guest, 'POST', '/invitations/lookup', { token })
      expect(seen.body).toMatchObject({
        team: { name: 'Analytical Engine' },
        role: 'admin',
        invited_by: owner.email,
        joined: false,
        email: expect.stringMatching(/^p•••@example.com$/),
      })
    }
    const joined = await accept(guest, token)
    expect(joined.body).toMatchObject({ name: 'Analytical Engine', role: 'admin' })
    expect(await rolesIn(team, guest)).toEqual({ [owner.id]: 'owner', [guest.id]: 'admin' })
    for (const again of [guest, owner])
      expect(refusalOf(await accept(again, token))).toEqual([404, 'invitation_not_found'])
    expect(listIn(await as(owner, 'GET', `${team}/invitations`))).toEqual([])
    expect(await toldTo(guest)).toMatchObject([{ event: 'team.joined', role: 'admin' }])
    expect((await toldTo(owner)).map(({ event }) => event)).toEqual(['team.created', 'team.invited'])
    // The secret is only in the message.
    expect(JSON.stringify(await world.dump())).not.toContain(token)
    expect(world.logged.join('')).not.toContain(token)
  })

  test('an invitation accepted many times concurrently, by several users, still adds one member', async () => {
    for (let round = 0; round < 4; round++) {
      const [owner, ...guests] = [await person(), await person(), await person()]
      const team = await aTeam(owner)
      await invite(owner, team, 'post@example.com')
      const token = await ticketTo('post@example.com')
      const answers = await Promise.all([...guests, ...guests, ...guests].map((guest) => accept(guest, token)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      for (const { status, body } of answers)
        if (status !== 200) expect(['invitation_not_found', 'already_member']).toContain(body.code)
      expect(Object.keys(await rolesIn(team, owner))).toHaveLength(2)
      world.turn(3600)
    }
  })

  test('an invitation ends when it is withdrawn, replaced or expired, its sender left or its team is deleted', async () => {
    const [owner, admin, guest] = [await person(), await person(), await person()]
    const team = await aTeam(owner)
    await join(team, owner, admin, 'admin')
    const over = async (token: string): Promise<void> => {
      expect(token).not.toBe('')
      expect(refusalOf(await accept(guest, token))).toEqual([404, 'invitation_not_found'])
      const seen = await as(guest, 'POST', '/invitations/lookup', { token })
      expect(refusalOf(seen)).toEqual([404, 'invitation_not_found'])
      expect(listIn(await as(owner, 'GET', '/teams'))).toHaveLength(1)
    }
    const first = await invite(owner, team, guest.email)
    const [one] = [await ticketTo(guest.email)]
    await invite(admin, team, guest.email.toUpperCase())
    const two = await ticketTo(`${guest.email.split('@')[0]?.toUpperCase()}@example.com`)
    expect(listIn(await as(owner, 'GET', `${team}/invitations`))).toHaveLength(1)
    await over(one)
    expect(refusalOf(await as(owner, 'DELETE', `${team}/invitations/${String(first.body.id)}`))).toEqual([
      404,
      'invitation_not_found',
    ])
    // An invitation ends when its sender is no longer an admin.
    await as(owner, 'PATCH', `${team}/members/${admin.id}`, { role: 'member' })
    await over(two)
    const again = await invite(owner, team, guest.email)
    const three = await ticketTo(guest.email)
    expect((await as(owner, 'DELETE', `${team}/invitations/${String(again.body.id)}`)).status).toBe(204)
    await over(three)
    await invite(owner, team, guest.email)
    const four = await ticketTo(guest.email)
    world.turn(7 * 24 * 3600)
    for (const who of [owner, guest]) Object.assign(who, await refreshed(who))
    await over(four)
    await invite(owner, team, guest.email)
    const five = await ticketTo(guest.email)
    expect((await as(owner, 'DELETE', team)).status).toBe(204)
    expect(refusalOf(await accept(guest, five))).toEqual([404, 'invitation_not_found'])
  })
  /** The same account, signed in again. */
  const refreshed = async ({ email }: Person): Promise<Pick<Person, 'token'>> => {
    const signedIn = await world.signIn('google', email.split('@')[0] ?? '')
    return { token: signedIn.access_token }
  }

  test('outsiders get 404 for a team, and a member without the role gets 403', async () => {
    const { team, owner, admin, member, stranger } = await crew()
    const invited = await invite(owner, team, 'guest@example.com')
    const asked: readonly (readonly [string, string, object?])[] = [
      ['PATCH', '', { name: 'Mine' }],
      ['DELETE', ''],
      ['PATCH', `/members/${owner.id}`, { role: 'member' }],
      ['PATCH', `/members/${member.id}`, { role: 'admin' }],
      ['PATCH', '/members/usr_nobody', { role: 'member' }],
      ['DELETE', `/members/${admin.id}`],
      ['DELETE', '/members/usr_nobody'],
      ['GET', '/invitations'],
      ['POST', '/invitations', { email: 'guest@example.com' }],
      ['DELETE', `/invitations/${String(invited.body.id)}`],
      ['DELETE', '/invitations/inv_nobody'],
    ]
    for (const [method, path, body] of asked) {
      const what = `${method} ${path}`
      expect([what, ...refusalOf(await as(stranger, method, `${team}${path}`, body))]).toEqual([
        what,
        404,
        'team_not_found',
      ])
      expect([what, ...refusalOf(await as(member, method, `${team}${path}`, body))]).toEqual([
        what,
        403,
        'team_role_required',
      ])
    }
    for (const path of ['', '/members'])
      expect(refusalOf(await as(stranger, 'GET', `${team}${path}`))).toEqual([404, 'team_not_found'])
    expect(await rolesIn(team, member)).toEqual({ [owner.id]: 'owner', [admin.id]: 'admin', [member.id]: 'member' })
    expect((await as(member, 'GET', team)).body).toMatchObject({ name: 'Mathematics', role: 'member' })
  })

  test('an admin manages members and admins, but not owners', async () => {
    const { team, owner, admin, member } = await crew()
    expect((await as(admin, 'PATCH', team, { name: 'Algebra' })).body).toMatchObject({ name: 'Algebra', role: 'admin' })
    for (const [method, path, body] of [
      ['PATCH', `/members/${owner.id}`, { role: 'member' }],
      ['PATCH', `/members/${member.id}`, { role: 'owner' }],
      ['PATCH', `/members/${admin.id}`, { role: 'owner' }],
      ['DELETE', `/members/${owner.id}`],
      ['DELETE', ''],
      ['POST', '/invitations', { email: 'guest@example.com', role: 'owner' }],
    ] as const)
      expect(refusalOf(await as(admin, method, `${team}${path}`, body))).toEqual([403, 'team_role_required'])
    expect((await as(admin, 'PATCH', `${team}/members/${member.id}`, { role: 'admin' })).body).toMatchObject({
      user_id: member.id,
      role: 'admin',
    })
    expect((await as(member, 'PATCH', `${team}/members/${admin.id}`, { role: 'member' })).status).toBe(200)
    // At once: no token carries the role.
    expect(refusalOf(await as(admin, 'PATCH', team, { name: 'Mine' }))).toEqual([403, 'team_role_required'])
    expect((await as(member, 'DELETE', `${team}/members/${admin.id}`)).status).toBe(204)
    expect(refusalOf(await as(admin, 'GET', team))).toEqual([404, 'team_not_found'])
    expect(refusalOf(await as(member, 'DELETE', `${team}/members/${admin.id}`))).toEqual([404, 'member_not_found'])
    expect(refusalOf(await as(member, 'PATCH', `${team}/members/${admin.id}`, { role: 'member' }))).toEqual([
      404,
      'member_not_found',
    ])
  })

  test('a membership change is recorded for both users, each with their own details', async () => {
    const { team, owner, member } = await crew()
    const id = team.split('/').at(-1)
    await as(owner, 'PATCH', `${team}/members/${member.id}`, { role: 'admin' })
    await as(owner, 'PATCH', `${team}/members/${member.id}`, { role: 'admin' })
    await as(owner, 'DELETE', `${team}/members/${member.id}`)
    expect((await toldTo(owner)).slice(-2)).toEqual([
      {
        event: 'team.role_changed',
        ip: '127.0.0.1',
        team: id,
        role: 'admin',
        done_by: owner.id,
        member: member.id,
      },
      { event: 'team.left', ip: '127.0.0.1', team: id, done_by: owner.id, member: member.id },
    ])
    expect((await toldTo(member)).slice(-2)).toEqual([
      { event: 'team.role_changed', ip: null, team: id, role: 'admin', done_by: owner.id },
      { event: 'team.left', ip: null, team: id, done_by: owner.id },
    ])
    const activity = await as(member, 'GET', '/me/activity')
    expect(activity.text).toContain('team.left')
  })

  test('a team keeps an owner: the last one cannot leave or change role', async () => {
    const { team, owner, admin } = await crew()
    expect(refusalOf(await as(owner, 'DELETE', `${team}/members/${owner.id}`))).toEqual([409, 'last_owner'])
    expect(refusalOf(await as(owner, 'PATCH', `${team}/members/${owner.id}`, { role: 'admin' }))).toEqual([
      409,
      'last_owner',
    ])
    expect((await as(owner, 'PATCH', `${team}/members/${admin.id}`, { role: 'owner' })).status).toBe(200)
    expect((await as(owner, 'PATCH', `${team}/members/${owner.id}`, { role: 'member' })).status).toBe(200)
    expect((await as(owner, 'DELETE', `${team}/members/${owner.id}`)).status).toBe(204)
    expect(refusalOf(await as(admin, 'DELETE', `${team}/members/${admin.id}`))).toEqual([409, 'last_owner'])
  })

  test('of two owners who leave or remove each other concurrently, one stays', async () => {
    for (let round = 0; round < 4; round++) {
      const [one, two] = [await person(), await person()]
      const team = await aTeam(one)
      await join(team, one, two, 'owner')
      const answers = await Promise.all(
        round % 2 === 0
          ? [as(one, 'DELETE', `${team}/members/${one.id}`), as(two, 'DELETE', `${team}/members/${two.id}`)]
          : [
              as(one, 'PATCH', `${team}/members/${two.id}`, { role: 'member' }),
              as(two, 'PATCH', `${team}/members/${one.id}`, { role: 'member' }),
            ],
      )
      expect(answers.filter(({ status }) => status < 300)).toHaveLength(1)
      const roles = await Promise.all([as(one, 'GET', team), as(two, 'GET', team)])
      expect(roles.filter(({ body }) => body.role === 'owner')).toHaveLength(1)
    }
  })

  test('a current member is not invited again, and the response does not reveal whether an account exists', async () => {
    const { team, owner, member } = await crew()
    expect(refusalOf(await invite(owner, team, member.email))).toEqual([409, 'already_member'])
    const other = await person()
    const [known, unknown] = [
      await invite(owner, team, other.email),
      await invite(owner, team, 'nobody-at-all@example.com'),
    ]
    expect(known.status).toBe(201)
    expect(Object.keys(known.body)).toEqual(Object.keys(unknown.body))
    for (const email of ['', 'nobody', 'a@b@c', 'a@exa mple.com', 'a@example.com\u0000'])
      expect(refusalOf(await invite(owner, team, email))).toEqual([400, 'invalid_request'])
  })

  test('a mailbox gets at most a few invitations an hour, and each sender is limited', async () => {
    const [owner, other] = [await person(), await person()]
    const [team, elsewhere] = [await aTeam(owner), await aTeam(other)]
    const answers: Answer[] = []
    for (let n = 0; n < 6; n++)
      answers.push(await invite(n % 2 ? owner : other, n % 2 ? team : elsewhere, 'b@example.com'))
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201, 429])
    expect(answers.at(-1)?.headers.get('retry-after')).toBe('3600')
    expect(await world.mailTo('b@example.com')).toHaveLength(5)
    world.turn(3600)
    for (const who of [owner, other]) Object.assign(who, await refreshed(who))
    const many = await Promise.all(Array.from({ length: 52 }, (_, n) => invite(owner, team, `guest${n}@example.com`)))
    expect(many.filter(({ status }) => status === 201).length).toBeLessThanOrEqual(50)
    expect(many.filter(({ body }) => body.code === 'team_limit_reached').length).toBeGreaterThan(0)
    const more = await Promise.all(Array.from({ length: 20 }, (_, n) => invite(owner, team, `guest${n}@example.com`)))
    expect(more.filter(({ body }) => body.code === 'rate_limited').length).toBeGreaterThan(0)
  })

  test('only a user with a verified email address can invite others', async () => {
    const { access_token: token, user } = await world.signIn('atlassian', world.newcomer({ verified: false }))
    const claimant = { id: user.id, token, email: '' }
    const team = await aTeam(claimant)
    expect(refusalOf(await invite(claimant, team, 'guest@example.com'))).toEqual([403, 'email_unverified'])
    expect(listIn(await as(claimant, 'GET', `${team}/members`))).toMatchObject([{ user_id: user.id, email: null }])
  })

  test('a deleted team no longer exists for anyone, and its owner’s and members’ activity records it', async () => {
    const { team, owner, admin, member } = await crew()
    await invite(owner, team, 'guest@example.com')
    expect((await as(owner, 'DELETE', team)).status).toBe(204)
    for (const who of [owner, admin, member]) {
      expect(refusalOf(await as(who, 'GET', team))).toEqual([404, 'team_not_found'])
      expect(listIn(await as(who, 'GET', '/teams'))).toEqual([])
    }
    expect((await toldTo(owner)).at(-1)).toMatchObject({ event: 'team.deleted' })
    expect((await toldTo(member)).at(-1)).toMatchObject({ event: 'team.left', done_by: owner.id, ip: null })
    expect(refusalOf(await as(owner, 'DELETE', team))).toEqual([404, 'team_not_found'])
    const { teams, team_members, team_invitations } = await world.dump('teams', 'team_members', 'team_invitations')
    const id = team.split('/').at(-1) ?? ''
    expect(JSON.stringify([teams, team_members, team_invitations])).not.toContain(id)
  })

  test('deleting an account leaves its teams an owner, and deletes the teams without other members', async () => {
    const { team, owner, admin, member } = await crew()
    const alone = await aTeam(owner, 'Alone')
    expect((await as(owner, 'DELETE', '/me')).status).toBe(204)
    expect(await rolesIn(team, member)).toEqual({ [admin.id]: 'owner', [member.id]: 'member' })
    expect((await toldTo(admin)).at(-1)).toMatchObject({ event: 'team.role_changed', role: 'owner', ip: null })
    expect((await toldTo(admin)).at(-1)).not.toHaveProperty('done_by')
    expect((await toldTo(member)).map(({ event }) => event)).toEqual(['team.joined'])
    expect(
      (await toldTo(owner))
        .slice(-2)
        .map(({ event }) => event)
        .sort(),
    ).toEqual(['team.deleted', 'team.left'])
    expect(JSON.stringify((await world.dump('teams')).teams)).not.toContain(alone.split('/').at(-1))
    expect((await as(admin, 'DELETE', '/me')).status).toBe(204)
    expect(await rolesIn(team, member)).toEqual({ [member.id]: 'owner' })
  })

  test('the data export contains everything stored about the user’s teams', async () => {
    const { team, owner, member } = await crew()
    const mine = (await as(owner, 'GET', '/me/export')).body as Record<string, readonly Json[]>
    expect(mine.team_members).toMatchObject([{ team_id: team.split('/').at(-1), role: 'owner', name: 'Mathematics' }])
    await invite(owner, team, 'guest@example.com')
    const other = await person()
    await invite(owner, team, other.email)
    const sent = (await as(owner, 'GET', '/me/export')).body as Record<string, readonly Json[]>
    expect(sent.team_invitations?.map(({ email }) => email).sort()).toEqual(['guest@example.com', other.email].sort())
    const got = await as(other, 'GET', '/me/export')
    expect((got.body as Record<string, readonly Json[]>).team_invitations).toMatchObject([{ email: other.email }])
    expect(got.text).not.toMatch(/secret_hash/)
    expect(((await as(member, 'GET', '/me/export')).body as Record<string, unknown>).team_invitations).toEqual([])
  })

  test('expired invitations are deleted by a job', async () => {
    const owner = await person()
    const team = await aTeam(owner)
    await invite(owner, team, 'swept@example.com')
    world.turn(7 * 24 * 3600 + 3601)
    await world.vinculum.runJob('sweep-expired')
    expect(JSON.stringify((await world.dump('team_invitations')).team_invitations)).not.toContain('swept@example.com')
  })
})
