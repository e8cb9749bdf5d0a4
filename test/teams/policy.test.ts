import { describe, expect, test } from 'vitest'
import { type Act, acts, may, mayGive, teamRoles } from '../../src/teams/policy.ts'
import type { TeamRole } from '../../src/teams/ports.ts'

const table: Readonly<Record<TeamRole, Readonly<Record<Act, boolean>>>> = {
  owner: { see: true, rename: true, delete: true, invite: true, manage_members: true, connect: true },
  admin: { see: true, rename: true, delete: false, invite: true, manage_members: true, connect: true },
  member: { see: true, rename: false, delete: false, invite: false, manage_members: false, connect: false },
}

describe.each(teamRoles)('in a team, an %s', (role) => {
  test.each(acts)('may, or may not, %s', (act) => {
    expect(may(role, act)).toBe(table[role][act])
  })
})

/** Who may give, and take away, which role. */
const giving: Readonly<Record<TeamRole, readonly TeamRole[]>> = {
  owner: ['owner', 'admin', 'member'],
  admin: ['admin', 'member'],
  member: [],
}

test.each(teamRoles)('an %s gives and takes away the roles of their row, and no other', (role) => {
  expect(teamRoles.filter((given) => mayGive(role, given))).toEqual(giving[role])
})

test('nobody gives a role that may do what theirs may not', () => {
  for (const by of teamRoles)
    for (const role of teamRoles)
      if (mayGive(by, role)) for (const act of acts) expect(may(role, act) && !may(by, act)).toBe(false)
})
