import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Act, acts, may, teamRoles } from '../../src/teams/policy.ts'

/** The document's name for each permission. */
const called: Readonly<Record<Act, string>> = {
  see: 'see the team and who is in it',
  rename: 'rename it',
  invite: 'invite, see and withdraw invitations',
  manage_members: 'change roles, remove members',
  connect: 'connect and disconnect Jira, choose its sites',
  delete: 'delete it',
}

test('docs/teams.md lists the permissions of src/teams/policy.ts', () => {
  const cells = (line: string): readonly string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
  const [, section = ''] = readFileSync('docs/teams.md', 'utf8').split('## Who may do what')
  const lines = section.trim().split('\n')
  const [head = '', , ...rows] = lines.slice(0, lines.indexOf(''))
  expect(cells(head)).toEqual(['', ...teamRoles])
  expect(rows.map(cells).sort()).toEqual(
    acts.map((act) => [called[act], ...teamRoles.map((role) => (may(role, act) ? 'yes' : ''))]).sort(),
  )
})
