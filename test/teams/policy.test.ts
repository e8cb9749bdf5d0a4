import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Act, acts, may, mayGive, teamRoles } from '../../src/teams/policy.ts'
import type { TeamRole } from '../../src/teams/ports.ts'

const table: Readonly<Record<TeamRole, Readonly<Record<Act, boolean>>>> = {
  owner: { see: true, rename: true, delete: true, invite: true, manage_members: true, connect: true },
  admin: { see: true, rename: true, delete: false, invite: true, manage_members: true, connect: true },
  member: { see: true, rename: false, delete: false, invite: false, manage_members: false, connect: false },
}

describe.each(teamRoles)('a team %s', (role) => {
  test.each(acts)('has the permission of the table to %s', (act) => {
    expect(may(role, act)).toBe(table[role][act])
  })
})

/** Which role may give and remove which. */
const giving: Readonly<Record<TeamRole, readonly TeamRole[]>> = {
  owner: ['owner', 'admin', 'member'],
  admin: ['admin', 'member'],
  member: [],
}

test.each(teamRoles)('the role %s can give and remove the roles of its row, and no others', (role) => {
  expect(teamRoles.filter((given) => mayGive(role, given))).toEqual(giving[role])
})

test('no role can give a role with more permissions', () => {
  for (const by of teamRoles)
    for (const role of teamRoles)
      if (mayGive(by, role)) for (const act of acts) expect(may(role, act) && !may(by, act)).toBe(false)
})

test('the documented table matches the policy', () => {
  const text = readFileSync(new URL('../../docs/teams.md', import.meta.url), 'utf8')
  const [head = '', ...rows] = text.split('\n').flatMap((line) => (line.startsWith('|') ? [line] : []))
  expect(head.match(/\w+/g)).toEqual([...teamRoles])
  const inWords: Readonly<Record<Act, string>> = {
    see: 'see the team',
    rename: 'rename',
    invite: 'invite',
    manage_members: 'change roles',
    connect: 'connect',
    delete: 'delete',
  }
  for (const act of acts) {
    const row = rows.find((line) => line.startsWith(`| ${inWords[act]}`))
    const cells = row?.split('|').slice(2, 5)
    expect([act, cells?.map((cell) => cell.trim() === 'yes')]).toEqual([act, teamRoles.map((role) => may(role, act))])
  }
})
