import { expect, test } from 'vitest'
import { textsFor } from '../../../src/http/pages/texts.ts'

test.each([
  ['en', ['0 issues', '1 issue', '1,042 issues']],
  ['pt-BR', ['0 itens', '1 item', '1.042 itens']],
] as const)('the number of issues in a queue is written naturally in %s', (locale, said) => {
  expect([0, 1, 1042].map((count) => textsFor(locale).jira.issues(count))).toEqual(said)
})
