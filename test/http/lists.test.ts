import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { apiRoutes } from '../../src/http/api/index.ts'
import { pageRoutes } from '../../src/http/pages/index.ts'

/**
 * The bound of each list: `cursor` where it is paginated; otherwise the cap enforced when a row is added, under a lock
 * that makes concurrent requests respect it, or the reason why the list cannot grow.
 */
const ends: Readonly<Record<string, string>> = {
  '/users': 'cursor',
  '/audit': 'cursor',
  '/me/activity': 'cursor',
  '/me/revocations': 'cursor',
  '/users/:id/sessions': 'maxSessions in store/endings.ts',
  '/me/sessions': 'maxSessions in store/endings.ts',
  '/me/identities': 'maxIdentities in store/accounts.ts',
  '/me/methods': 'maxIdentities in store/accounts.ts, maxPasskeys in store/passkeys.ts',
  '/me/passkeys': 'maxPasskeys in store/passkeys.ts',
  '/teams': 'mostTeams in teams/teams.ts',
  '/teams/:id/members': 'mostMembers in teams/invitations.ts',
  '/teams/:id/invitations': 'mostInvitations in teams/invitations.ts',
  '/teams/:id/integrations/jira': 'mostSites in providers/jira-cloud.ts',
  '/teams/:id/integrations/jira/sites': 'mostSites in providers/jira-cloud.ts',
  '/teams/:id/integrations/jira/queues': 'mostSites in flows/read-queues.ts, mostDesks in flows/read-queues.ts',
  '/providers': 'mostProviders in providers/managed.ts',
  '/providers/:id/impact': 'cursor',
  '/providers/:id/versions': 'formerVersions in store/providers.ts',
  '/auth/providers': 'mostProviders in providers/managed.ts',
  '/health/providers': 'mostProviders in providers/managed.ts',
  '/applications':
    'mostApplications in applications/applications.ts, mostSelfRegistered in applications/registrations.ts, mostDocuments in applications/documents.ts',
  '/registration-tokens': 'mostRegistrationTokens in applications/registrations.ts',
  '/applications/:id/users': 'cursor',
  '/me/applications': 'mostApplications in applications/applications.ts, mostSignIns in store/application-access.ts',
  // The teams of the person, where the application may see them.
  '/applications/:id': 'mostKeys in applications/policy.ts',
  '/oauth/userinfo': 'mostTeams in teams/teams.ts',
  '/service-credentials': 'mostServiceCredentials in credentials/service-credentials.ts',
  '/me/export': 'pageRows in store/personal-data.ts',
  // The methods that prove one account: its sign-in methods.
  '/auth/conflicts/:ticket': 'maxIdentities in store/accounts.ts, maxPasskeys in store/passkeys.ts',
  '/auth/:provider/callback': 'maxIdentities in store/accounts.ts, maxPasskeys in store/passkeys.ts',
}
/** Lists of what the operator configured or the code declares: no request adds to them. */
const fixed = new Set(['/.well-known/jwks.json', '/.well-known/assetlinks.json', '/jobs', '/statistics'])

type Schema = { readonly [key: string]: unknown }
/** Whether a value of this schema may hold a list of objects. Lists of strings, such as scopes, belong to one row. */
function listsRows(schema: Schema, definitions: Schema): boolean {
  const of = (one: unknown): boolean => listsRows(one as Schema, definitions)
  const reference = /^#\/\$defs\/(.+)$/.exec(String(schema.$ref ?? ''))?.[1]
  if (reference !== undefined) return of(definitions[reference])
  if (schema.type === 'array') return !isWord(schema.items as Schema)
  const parts = [...Object.values((schema.properties as Schema) ?? {})]
  return [...parts, ...((schema.anyOf ?? schema.oneOf ?? schema.allOf ?? []) as Schema[])].some(of)
}
const isWord = (schema: Schema): boolean => schema.type === 'string' || schema.enum !== undefined

const lists = [...apiRoutes, ...pageRoutes].filter(({ method, reply }) => {
  if (method !== 'get' || !reply) return false
  const schema = z.toJSONSchema(reply, { unrepresentable: 'any', io: 'input' }) as Schema
  return listsRows(schema, (schema.$defs as Schema) ?? {})
})

test('every list is bounded by a cursor or a cap', () => {
  const missing = lists.map(({ path }) => path).filter((path) => !(path in ends) && !fixed.has(path))
  expect(missing).toEqual([])
  const rows = [...Object.keys(ends), ...fixed]
  expect(rows.filter((path) => !lists.some((route) => route.path === path))).toEqual([])
})

test('every cap is a constant in the file that is named', () => {
  for (const [path, end] of Object.entries(ends)) {
    if (end === 'cursor') continue
    for (const [, name, file] of end.matchAll(/(\w+) in (\S+\.ts)/g)) {
      const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8')
      expect(source, `${path}: ${name}`).toMatch(new RegExp(`const ${name} = \\d+`))
    }
    expect(end, path).toMatch(/ in \S+\.ts/)
  }
})

test('a list with a cursor accepts one and returns the next', () => {
  const paged = lists.filter(({ path }) => ends[path] === 'cursor')
  const members = (schema: unknown): readonly string[] =>
    Object.keys((schema as { shape?: object } | undefined)?.shape ?? {})
  for (const { path, query, reply, linksNext } of paged) {
    expect(members(query), path).toEqual(expect.arrayContaining(['cursor', 'limit']))
    expect(linksNext === true || members(reply).includes('next_cursor'), path).toBe(true)
  }
  const others = lists.filter(({ path }) => ends[path] !== 'cursor')
  expect(others.filter(({ query }) => members(query).includes('cursor')).map(({ path }) => path)).toEqual([])
})
