import { parseEnv } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { droppedComments } from '../../src/settings/env-file.ts'

const named = (text: string): string[] => droppedComments(text).map((warning) => warning.split(' ')[0] as string)

test('a value that loses its text after a # causes a warning by name, without its value', () => {
  expect(droppedComments('SMTP_URL=smtp://u:S3CR3T#more@mail.example\nPORT=3000\n')).toEqual([
    'SMTP_URL in .env: what follows # is not part of the value; put the value in quotation marks if it should be',
  ])
  expect(named('A=#all\nB=b #comment\nexport C=c#d\r\nD=d#\n')).toEqual(['A', 'B', 'C', 'D'])
})

test('quoted values and comment lines lose nothing', () => {
  expect(named('A="a#b"\nB=\'a#b\'\nC=`a#b`\nD="a" # comment\n# E=e#f\n  # F=f\nG=\nH="two\n# lines"\n#\n')).toEqual([])
})

test('a warning appears exactly where the parsed value ends before a #', () => {
  const value = fc.stringMatching(/^[a-z#]{1,8}$/)
  fc.assert(
    fc.property(fc.array(fc.tuple(value, fc.constantFrom('', '"', "'", '`'))), (values) => {
      const lines = values.map(([text, quote], at) => `N${at}=${quote}${text}${quote}`)
      const read = parseEnv(lines.join('\n'))
      const lost = values.flatMap(([text], at) => (read[`N${at}`] === text ? [] : [`N${at}`]))
      expect(named(lines.join('\n')).sort()).toEqual(lost.sort())
    }),
  )
})

test('no file content makes the check throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void droppedComments(`A=${text}`)))
})
