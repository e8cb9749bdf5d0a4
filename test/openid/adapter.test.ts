import { describe, expect, test } from 'vitest'
import type { OpenidState, OpenidStateStore } from '../../src/applications/ports.ts'
import { createAdapter } from '../../src/openid/adapter.ts'

const shared = new Date('2030-01-01T12:00:00Z')
const seconds = (at: Date): number => Math.floor(at.getTime() / 1000)

/** Nodes that share a database, each with a machine clock that is that many seconds ahead. */
function startNodes(...ahead: readonly number[]) {
  const rows = new Map<string, OpenidState>()
  const states = {
    find: async (id: string) => rows.get(id),
    put: async (state: OpenidState) => void rows.set(state.id, state),
  } as Partial<OpenidStateStore> as OpenidStateStore
  const nothing = async () => undefined
  return ahead.map((by) => {
    const machineNow = new Date(shared.getTime() + by * 1000)
    const adapter = createAdapter({
      states,
      sealer: { seal: (text: string) => Buffer.from(text), open: String } as never,
      clock: () => shared,
      machineClock: () => machineNow,
      session: nothing,
      grant: nothing,
      application: nothing,
      clientOf: () => ({}),
      reused: nothing,
      used: () => new Error('used'),
    })('AuthorizationCode')
    return { adapter, now: seconds(machineNow) }
  })
}

describe('what the engine remembers', () => {
  test.each([
    [0, 0],
    [120, 0],
    [0, 120],
    [-90, 400],
  ])('expires at the same moment on nodes whose clocks are %d and %d seconds ahead', async (first, second) => {
    const [one, other] = startNodes(first, second)
    if (!one || !other) throw new Error('two nodes are needed')
    await one.adapter.upsert('code', { iat: one.now, exp: one.now + 60, kind: 'AuthorizationCode' }, 60)
    expect(await other.adapter.find('code')).toEqual({
      iat: one.now,
      exp: other.now + 60,
      kind: 'AuthorizationCode',
    })
  })
})
