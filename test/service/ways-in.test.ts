import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Factor, type Kit, kitIn, paths, type Somebody, somebodyIn } from '../support/every-way-in.ts'
import { databases, startWorld, type World } from '../support/service.ts'

const settings = {
  usual: {},
  'proof required': { REQUIRE_VERIFIED_EMAIL: 'true' },
  'provider trusted': { GOOGLE_SECOND_FACTOR: 'trusted' },
} as const
type Setting = keyof typeof settings
const settingNames = Object.keys(settings) as Setting[]

type State = {
  readonly name: string
  readonly with?: Setting
  readonly proven?: false
  readonly trusted?: true
  /** What becomes of somebody who was as usual until then. */
  readonly becomes?: (one: Somebody, kit: Kit) => Promise<void>
  /** What is shown wherever a second factor is asked for. */
  readonly shows?: Factor
}
const done = async (asked: Promise<{ status: number; text: string }>): Promise<void> => {
  const { status, text } = await asked
  expect(status, text).toBe(204)
}
const factorOn = { becomes: (one: Somebody) => one.turnOnFactor() }

const chapters: Readonly<Record<string, readonly State[]>> = {
  'The address, and strangers who guess': [
    { name: 'as usual' },
    { name: 'address not proven', proven: false },
    { name: 'address not proven, where that is required', proven: false, with: 'proof required' },
    { name: 'guesses used up, on an unknown device', becomes: (one) => one.useUpGuesses() },
    { name: 'guesses used up, on a device of theirs', trusted: true, becomes: (one) => one.useUpGuesses() },
  ],
  'A second factor': [
    { name: 'second factor on', ...factorOn },
    { name: '… and a code of the app shown', ...factorOn, shows: 'totp' },
    { name: '… and a recovery code shown', ...factorOn, shows: 'recovery_code' },
    { name: '… and a passkey shown', ...factorOn, shows: 'passkey' },
    { name: 'second factor on, the provider trusted to ask for it', ...factorOn, with: 'provider trusted' },
  ],
  'What was taken back': [
    {
      name: 'signed out everywhere',
      becomes: (one) => done(one.call('POST', '/auth/logout-all', { token: one.token })),
    },
    {
      name: 'password changed',
      becomes: (one) =>
        done(
          one.call('PUT', '/me/password', {
            ...{ token: one.token, body: { current_password: one.password, new_password: `${one.password}, too` } },
          }),
        ),
    },
    { name: 'disabled', becomes: (one, { disable }) => disable(one.id) },
    {
      name: 'deleted',
      async becomes(one, { world }) {
        await done(one.call('DELETE', '/me', { token: one.token }))
        // What was kept of them is withdrawn at the provider: not in the middle of what comes next.
        await world.vinculum.runJob('revoke-at-provider')
      },
    },
  ],
}
const states = Object.values(chapters).flat()

const cellOf = (outcome: string): string => (/^[a-z]+(_[a-z]+)+$/.test(outcome) ? `\`${outcome}\`` : outcome)
const rowOf = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const introduction = `# Every way in, in every state

Written by \`npx vitest run test/service/ways-in.test.ts -u\`, which walks each cell against the running service, on SQLite and on PostgreSQL alike; without \`-u\` the
same test fails where the service does otherwise, and where a path or a state has no row here.

Each cell is one person, made for it, who has all ways in at once: an identity at a provider, a password, a passkey and the mailbox of their address. They take
from one path what can be held from before (a token, a cookie, a link), then come into the state, and walk the path. A cell says how it ends:

- *tokens*: they are in, and the tokens are theirs; *tokens of a new account*: in, but not in this account. By mail that is what an address comes to which
  an account with further ways in only claims;
- a code from [errors.md](errors.md): refused with it;
- *no letter*: no letter with a way in was sent, and the answer does not say so;
- *answered*, *active*, *not active*: for a token that is shown and not traded.

A *code for an app on another origin* is the one-time \`?code=\` of a sign-in that ended. *Question whose address it is* is \`account_conflict\`, asked by a provider whose
word for an address is not taken (Atlassian). Whoever *waited for a second factor* has had one from the start, in every column. *Device of theirs*: a browser
they were signed in with before. *Password* is a password alone: the link that verifies the address lets in with it where that is required.
`

describe.each(databases)('every way in, in every state, on %s', (database) => {
  const kits = new Map<Setting, Kit>()
  const worlds: World[] = []
  const table = new Map<State, string[]>()
  beforeAll(async () => {
    for (const name of settingNames) {
      const env = { ...settings[name], RETURN_TO_ALLOWED: 'https://app.example/in', TRUST_PROXY_HOPS: '1' }
      const world = await startWorld({ database, env })
      worlds.push(world)
      kits.set(name, await kitIn(world))
    }
  }, 60_000)
  afterAll(async () => {
    for (const world of worlds) await world.stop()
  })

  test.each(states)('$name', { timeout: 60_000 }, async (state) => {
    const kit = kits.get(state.with ?? 'usual') as Kit
    const outcomes: string[] = []
    for (const path of paths) {
      const one = await somebodyIn(kit.world, { proven: state.proven ?? true, factor: path.factor ?? false })
      if (state.trusted) await one.trustBrowser()
      const held = await path.before?.(one, kit)
      if (!(path.factor && state.becomes === factorOn.becomes)) await state.becomes?.(one, kit)
      const arrived = await path.walk(one, kit, held as never)
      const shows = path.factor ? (state.shows ?? 'totp') : state.shows
      const { outcome } = shows === undefined ? arrived : await one.show(arrived, shows)
      expect([path.name, outcome]).not.toEqual([path.name, 'undefined'])
      outcomes.push(outcome)
    }
    table.set(state, outcomes)
  })

  test('comes to what docs/ways-in.md says', async () => {
    // Nothing is written down that was not walked just now.
    expect([...table.keys()]).toEqual(states)
    const written = Object.entries(chapters).map(([title, columns]) => {
      const head = [rowOf('', ...columns.map(({ name }) => name)), rowOf('---', ...columns.map(() => '---'))]
      const rows = paths.map(({ name }, at) =>
        rowOf(name, ...columns.map((state) => cellOf(table.get(state)?.[at] ?? ''))),
      )
      return `\n## ${title}\n\n${[...head, ...rows].join('\n')}\n`
    })
    await expect(introduction + written.join('')).toMatchFileSnapshot('../../docs/ways-in.md')
  })

  test('leaves no way out', () => {
    const [world] = worlds as [World]
    const walked = new Set(worlds.flatMap(({ seen }) => seen.map(({ method, path }) => `${method} ${path}`)))
    const ways = Object.entries(world.document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, operation]) => {
        const text = JSON.stringify(operation.responses)
        const answersTokens = /schemas\/(TokenPair|AuthResponse)"/.test(text)
        return answersTokens || (method === 'post' && path.startsWith('/login/'))
          ? `${method.toUpperCase()} ${path}`
          : []
      }),
    )
    expect(ways.length).toBeGreaterThan(10)
    const shapeOf = (way: string): RegExp => new RegExp(`^${way.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`)
    expect(ways.filter((way) => ![...walked].some((asked) => shapeOf(way).test(asked)))).toEqual([])
  })
})
