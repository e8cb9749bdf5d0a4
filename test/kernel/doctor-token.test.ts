import { expect, test } from 'vitest'
import type { KeyRing } from '../../src/kernel/crypto.ts'
import { acceptsDoctorToken, makeDoctorToken } from '../../src/kernel/doctor-token.ts'

const key = (id: string, fill: number) => ({ id, key: Buffer.alloc(32, fill) })
const now = new Date('2026-06-01T12:00:00Z')
const later = (seconds: number): Date => new Date(now.getTime() + seconds * 1000)
const [one, two, three] = [key('k1', 1), key('k2', 2), key('k3', 3)]

test('a token is accepted with any key in the ring that made it, for a minute', () => {
  const token = makeDoctorToken([one], now)
  for (const seconds of [-60, 0, 60]) expect(acceptsDoctorToken([two, one], token, later(seconds))).toBe(true)
  for (const seconds of [-61, 61, 3600]) expect(acceptsDoctorToken([one], token, later(seconds))).toBe(false)
  expect(acceptsDoctorToken([two, three], token, now)).toBe(false)
})

test('a token for another time, a part of one and anything else are rejected', () => {
  const ring: KeyRing = [one]
  const token = makeDoctorToken(ring, now)
  const [second = '', mac = ''] = token.split('.')
  const others = [
    `${Number(second) + 1}.${mac}`,
    `${second}.`,
    mac,
    `${second}.${mac}A`,
    `0${second}.${mac}`,
    '',
    '.',
    'NaN.x',
  ]
  for (const other of others) expect(acceptsDoctorToken(ring, other, now), other).toBe(false)
})
