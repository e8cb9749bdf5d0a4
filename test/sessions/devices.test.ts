import { describe, expect, test } from 'vitest'
import { BusyError } from '../../src/kernel/busy.ts'
import { createDevices } from '../../src/sessions/devices.ts'
import type { LiveSession, Session, SessionStore } from '../../src/sessions/ports.ts'
import type { Tokens } from '../../src/sessions/tokens.ts'

const session = { id: 'ses_1', usedGeneration: 0 } as Session

function devicesOver(markUsed: SessionStore['markUsed']) {
  const defects: unknown[] = []
  const devices = createDevices({
    sessions: { markUsed } as SessionStore,
    tokens: {} as Tokens,
    clock: () => new Date(0),
    refreshTtlSeconds: 60,
    onDefect: (error) => defects.push(error),
  })
  return { defects, noteUse: () => devices.noteUse(session, 1, new Date(0)) }
}

describe('recording a used generation', () => {
  test('delays a request for a moment at most', async () => {
    const { noteUse } = devicesOver(() => new Promise(() => {}))
    await noteUse()
  })

  test('finishes before the request continues, where it can be written', async () => {
    let isWritten = false
    const { noteUse } = devicesOver(async () => {
      await new Promise((resolve) => setImmediate(resolve))
      isWritten = true
    })
    await noteUse()
    expect(isWritten).toBe(true)
  })

  test('is one write for concurrent requests with the same token', async () => {
    let writes = 0
    const { noteUse } = devicesOver(async () => {
      writes += 1
      await new Promise((resolve) => setImmediate(resolve))
    })
    await Promise.all([noteUse(), noteUse(), noteUse()])
    expect(writes).toBe(1)
    await noteUse()
    expect(writes).toBe(2)
  })

  test('does not fail a request when the database is busy', async () => {
    const { noteUse, defects } = devicesOver(() => Promise.reject(new BusyError('the store', 5)))
    await noteUse()
    expect(defects).toEqual([])
  })

  test('fails the request on a defect, and reports a later one', async () => {
    const defect = new Error('a defect')
    await expect(devicesOver(() => Promise.reject(defect)).noteUse()).rejects.toBe(defect)
    let fail: (error: unknown) => void = () => {}
    const { noteUse, defects } = devicesOver(
      () =>
        new Promise((_, reject) => {
          fail = reject
        }),
    )
    await noteUse()
    fail(defect)
    await expect.poll(() => defects).toEqual([defect])
  })
})

test('concurrent requests of one browser record once that it was seen', async () => {
  const end = new Date(86_400_000)
  const old = {
    ...session,
    account: { disabledAt: null },
    endedAt: null,
    lastSeenAt: new Date(0),
    idleExpiresAt: end,
    absoluteExpiresAt: end,
  } as LiveSession
  let writes = 0
  const touch = async (): Promise<void> => {
    writes += 1
    await new Promise((resolve) => setImmediate(resolve))
  }
  const devices = createDevices({
    sessions: { touch, findByCookie: async () => old } as Partial<SessionStore> as SessionStore,
    tokens: {} as Tokens,
    clock: () => new Date(3_600_000),
    refreshTtlSeconds: 60,
    onDefect: (error) => {
      throw error
    },
  })
  const found = await Promise.all(Array.from({ length: 20 }, () => devices.byCookie('a cookie')))
  expect(found.every(({ ok }) => ok)).toBe(true)
  expect(writes).toBe(1)
})
