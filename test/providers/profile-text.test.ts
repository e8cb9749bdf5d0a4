import { expect, test } from 'vitest'
import { readSubject, readText } from '../../src/providers/profile-text.ts'

test.each([
  ['\u061c', 'an Arabic letter mark'],
  ['\u200e', 'a left-to-right mark'],
  ['\u200f', 'a right-to-left mark'],
  ['\u202a', 'a left-to-right embedding'],
  ['\u202b', 'a right-to-left embedding'],
  ['\u202c', 'the end of an embedding'],
  ['\u202d', 'a left-to-right override'],
  ['\u202e', 'a right-to-left override'],
  ['\u2066', 'a left-to-right isolate'],
  ['\u2067', 'a right-to-left isolate'],
  ['\u2068', 'a first strong isolate'],
  ['\u2069', 'the end of an isolate'],
])('%j is removed from a line: %s changes the direction of the text around it', (control) => {
  expect(readText(`A${control}d${control}a`)).toBe('Ada')
  expect(readText(control)).toBeNull()
})

test('a line keeps whole emoji, and letters in either reading direction', () => {
  const family = '👩\u200d👩\u200d👧'
  expect(readText(`Zoë ${family} עדה`)).toBe(`Zoë ${family} עדה`)
})

test('control characters become a space', () => {
  expect(readText('Ada\r\n\u0000Lovelace\t')).toBe('Ada Lovelace')
})

test('a lone surrogate becomes the replacement character a database would store', () => {
  expect(readText('Ada\ud83e Lovelace')).toBe('Ada\ufffd Lovelace')
})

test('a subject with a lone surrogate, ambiguous in UTF-8, is rejected', () => {
  expect(readSubject('\ud800')).toBeNull()
  expect(readSubject('4\udfff2')).toBeNull()
  expect(readSubject('🦊')).toBe('🦊')
})
