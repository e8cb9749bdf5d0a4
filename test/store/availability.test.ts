import { describe, expect, test } from 'vitest'
import { BusyError } from '../../src/kernel/busy.ts'
import { ReferenceGoneError } from '../../src/kernel/gone.ts'
import { createHealth, type HealthChange, translateError, unavailableReasonOf } from '../../src/store/availability.ts'

const error = (code: string): Error => Object.assign(new Error(code), { code })

describe('an error of a database', () => {
  test.each([
    ['sqlite', 'contended', ['SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_LOCKED']],
    [
      'sqlite',
      'refusing',
      [
        'SQLITE_FULL',
        'SQLITE_READONLY',
        'SQLITE_READONLY_DBMOVED',
        'SQLITE_IOERR_WRITE',
        'SQLITE_CORRUPT',
        'SQLITE_CANTOPEN',
      ],
    ],
    ['postgres', 'contended', ['57014', '55P03', '40001', '40P01']],
    ['postgres', 'refusing', ['25006', '53100', '53200', '58030', 'XX001']],
    [
      'postgres',
      'unreachable',
      [
        '57P01',
        '57P02',
        '57P03',
        '53300',
        '08006',
        '08P01',
        '25P03',
        'ECONNREFUSED',
        'ECONNRESET',
        'EPIPE',
        'ENOTFOUND',
      ],
    ],
    ['sqlite', undefined, ['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_ERROR', 'undefined', 'ECONNRESET']],
    ['postgres', undefined, ['23505', '42601', '22P02', 'undefined', 'SQLITE_BUSY', 'E08006']],
  ] as const)('of %s is %s for each of its codes', (dialect, why, codes) => {
    expect(codes.map((code) => unavailableReasonOf(dialect, error(code)))).toEqual(codes.map(() => why))
  })

  test('is mapped to busy, reference gone or defect', () => {
    const health = createHealth(() => {})
    expect(translateError('postgres', error('57014'), health)).toBeInstanceOf(BusyError)
    expect(translateError('postgres', error('23503'), health)).toBeInstanceOf(ReferenceGoneError)
    expect(translateError('sqlite', error('SQLITE_CONSTRAINT_FOREIGNKEY'), health)).toBeInstanceOf(ReferenceGoneError)
    const defect = error('42601')
    expect(translateError('postgres', defect, health)).toBe(defect)
  })
})

describe('the health of a database', () => {
  const watched = () => {
    const changes: HealthChange[] = []
    return { changes, health: createHealth((change) => changes.push(change)) }
  }

  test('is reported when it changes, with the cause, and not for each request', () => {
    const { changes, health } = watched()
    const cause = error('ECONNREFUSED')
    for (let n = 0; n < 50; n++) health.failed('unreachable', cause)
    // A request that waits too long for a connection reports the same outage.
    health.failed('contended', error('57014'))
    health.worked(false)
    health.worked(true)
    expect(changes).toEqual([{ state: 'unreachable', cause }, { state: 'healthy' }])
  })

  test('is not restored by a read while writes are refused', () => {
    const { changes, health } = watched()
    health.failed('refusing', error('SQLITE_FULL'))
    health.worked(false)
    expect(changes.map(({ state }) => state)).toEqual(['refusing'])
    health.worked(true)
    expect(changes.map(({ state }) => state)).toEqual(['refusing', 'healthy'])
  })

  test('that refused writes is not restored by a read after it was unreachable', () => {
    const { changes, health } = watched()
    const full = error('53100')
    health.failed('refusing', full)
    health.failed('unreachable', error('ECONNRESET'))
    health.worked(false)
    health.worked(false)
    expect(changes.map(({ state }) => state)).toEqual(['refusing', 'unreachable', 'refusing'])
    expect(changes[2]?.cause).toBe(full)
    health.worked(true)
    // From now on, reads restore it again.
    health.failed('unreachable', error('ECONNRESET'))
    health.worked(false)
    expect(changes.slice(3).map(({ state }) => state)).toEqual(['healthy', 'unreachable', 'healthy'])
  })

  test('does not change with every request while rows are locked', () => {
    const { changes, health } = watched()
    for (let n = 0; n < 50; n++) {
      health.failed('contended', error('55P03'))
      health.worked(true)
    }
    expect(changes.map(({ state }) => state)).toEqual(['contended'])
  })
})
