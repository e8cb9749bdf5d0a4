import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databases, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

describe.each(databases)('teams, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterAll(() => world.stop())

  /** Somebody new, signed in. */
  const person = async (): Promise<{ id: string; token: string }> => {
    const entered = await world.signIn('google', world.newcomer())
    return { id: entered.user.id, token: entered.access_token }
  }

  test('whoever creates a team owns it, sees it and has it in their list; to a stranger it does not exist', async () => {
    const [ada, stranger] = [await person(), await person()]
    const made = await world.call('POST', '/teams', { body: { name: '  Mathematics ' }, token: ada.token })
    expect(made.status, made.text).toBe(201)
    expect(made.body).toMatchObject({ id: expect.stringMatching(/^team_/), name: 'Mathematics', role: 'owner' })
    const path = `/teams/${String(made.body.id)}`
    expect((await world.call('GET', path, { token: ada.token })).body).toEqual(made.body)
    expect(listIn(await world.call('GET', '/teams', { token: ada.token }))).toEqual([{ ...made.body, members: 1 }])
    expect(refusalOf(await world.call('GET', path, { token: stranger.token }))).toEqual([404, 'team_not_found'])
    expect(listIn(await world.call('GET', '/teams', { token: stranger.token }))).toEqual([])
    expect(refusalOf(await world.call('GET', path))).toEqual([401, 'authentication_required'])
  })
})
