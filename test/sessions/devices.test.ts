import { describe, expect, test } from 'vitest'
import { BusyError } from '../../src/kernel/busy.ts'
import { createDevices } from '../../src/sessions/devices.ts'
import type { Session, SessionStore } from '../../src/sessions/ports.ts'
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
