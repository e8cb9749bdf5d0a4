import { describe, expect, test } from 'vitest'
import { readTimeZone, timeZones } from '../../src/kernel/time-zone.ts'

describe('a time zone', () => {
  test.each([
    ['America/Sao_Paulo', 'America/Sao_Paulo'],
    ['america/sao_paulo', 'America/Sao_Paulo'],
    ['America/Argentina/Buenos_Aires', expect.stringMatching(/^America\/(Argentina\/)?Buenos_Aires$/)],
    ['UTC', 'UTC'],
    ['Etc/UTC', expect.stringMatching(/^(Etc\/)?UTC$/)],
  ])('%s is read as the runtime names it', (text, name) => {
    expect(readTimeZone(text)).toEqual(name)
  })

  test.each([
    '',
    'Mars/Olympus',
    '+03:00',
    '-0300',
    'a'.repeat(65),
    'UTC\0',
    '../etc/passwd',
    '__proto__',
    'São/Paulo',
  ])('is never %j', (text) => {
    expect(readTimeZone(text)).toBeUndefined()
  })

  test('can be chosen from a list, each under a name that is read back unchanged', () => {
    const all = timeZones()
    expect(all).toContain('UTC')
    expect(all).toContain('America/Sao_Paulo')
    expect(all.filter((zone) => readTimeZone(zone) !== zone)).toEqual([])
    expect(all).toEqual([...new Set(all)].sort())
  })
})
