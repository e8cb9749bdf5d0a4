import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

test('Portuguese page texts never assign a gender to a provider, since its name can be anything', () => {
  const gendered = /(?:^|[\s`])(?:[oa]|n[oa]|d[oa]|ao|à|pel[oa])\s\$\{provider\}/i
  const source = readFileSync(new URL('../../../src/http/pages/texts.pt-br.ts', import.meta.url), 'utf8')
  expect(source.split('\n').filter((line) => gendered.test(line))).toEqual([])
})
