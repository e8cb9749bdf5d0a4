/** Accounts that are deleted while they and administrators change them. */
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import type { Case, CaseContext } from './case.ts'
import { call, type Node, type Person, people, type Reply, refresh, signInAt } from './client.ts'
import { type Finding, finding, noDefects, onlyStatuses } from './judge.ts'
import { connectOperator, newFile, runCommand, startNode } from './start.ts'

const rounds = 20

/** What the person and an administrator change in the account, most of it in rows that refer to the account. */
const changes = (node: Node, admin: Person, person: Person, subject: string): Promise<Reply>[] => {
  const own = (method: string, path: string, body?: object) =>
    call(node, method, path, { token: person.access, ...(body && { body }) })
  const managed = (method: string, path: string, body?: object) =>
    call(node, method, `/users/${person.id}${path}`, { token: admin.access, ...(body && { body }) })
  return [
    own('POST', '/teams', { name: 'Team of somebody' }),
    own('POST', '/me/second-factor/totp', {}),
    own('POST', '/me/passkeys/options', {}),
    own('PATCH', '/me', { name: 'Somebody' }),
    signInAt(node, 'local', subject),
    refresh(node, person),
    managed('PUT', '', { role: 'auditor' }),
    managed('PUT', '', { name: 'Somebody else' }),
    managed('PATCH', '', { metadata: { public: { plan: 'team' } } }),
    managed('DELETE', '/sessions'),
  ]
}

/**
 * Deletes one account after the other while it is changed. On PostgreSQL, the row of the account is locked until all
 * requests wait for it: every second time the deletion waits first.
 */
async function race(setting: CaseContext, database: string, operator?: pg.Client): Promise<readonly Finding[]> {
  // `make-admin` requires a verified email address.
  const node = await startNode(setting, { database, env: { LOCAL_EMAIL_TRUST: 'verified' } })
  const [admin] = await people(node, 1)
  if (!admin) throw new Error('nobody signed in')
  const { code, said } = await runCommand(setting, ['make-admin', admin.id], { database })
  if (code !== 0) throw new Error(said)
  await refresh(node, admin)
  const changed: Reply[] = []
  const deleted: Reply[] = []
  const gone: Reply[] = []
  for (let round = 1; round <= rounds; round++) {
    const [person] = await people(node, 1, { from: round })
    if (!person) throw new Error('nobody signed in')
    await operator?.query('begin')
    await operator?.query('select 1 from accounts where id = $1 for update', [person.id])
    const deletion = () => call(node, 'DELETE', `/users/${person.id}`, { token: admin.access })
    const change = () => changes(node, admin, person, `person-${round}`)
    const isFirst = round % 2 === 0
    const first = isFirst ? [deletion()] : change()
    if (operator) await pause(200)
    const second = isFirst ? change() : [deletion()]
    if (operator) await pause(200)
    await operator?.query('rollback')
    const [one, other] = await Promise.all([Promise.all(first), Promise.all(second)])
    deleted.push(...(isFirst ? one : other))
    changed.push(...(isFirst ? other : one))
    gone.push(await call(node, 'GET', `/users/${person.id}`, { token: admin.access }))
  }
  const overtaken = changed.filter(({ code }) => code === 'user_not_found' || code === 'account_not_found')
  return [
    onlyStatuses(deleted, [204]),
    // 401: the session ended with the account. A sign-in that found the account is asked to begin again.
    onlyStatuses(
      changed.filter(({ code }) => code !== 'account_linking_failed'),
      [200, 201, 204, 401, 404],
    ),
    finding('some changes come after the deletion', overtaken.length > 0, `${overtaken.length} of ${changed.length}`),
    onlyStatuses(gone, [404]),
    noDefects(node.said()),
  ]
}

export const deletionCases: readonly Case[] = (['sqlite', 'postgres'] as const).map((name) => ({
  name: `${name}-deleted-account`,
  promise: 'A change to an account that is deleted at the same moment is 404, never a defect.',
  criteria: `${rounds} accounts, each deleted while 10 requests change it: 2xx, 401 or 404; the account is gone; the log`,
  withinSeconds: 120,
  async run(setting) {
    if (name === 'sqlite') return race(setting, `file:${newFile()}`)
    const url = await setting.newDatabase()
    return race(setting, url, await connectOperator(setting, url))
  },
}))
