/** What is wrong with a setting of a provider is said in both languages: the pages of administrators show it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fault } from '../../src/http/problem.ts'
import { settingFault } from '../../src/http/setting-faults.ts'

const definitions = readdirSync('src/providers/definitions').map((file) => join('providers/definitions', file))
const sources = [
  'settings/text.ts',
  'providers/setting.ts',
  'providers/settings.ts',
  'providers/managed/checks.ts',
  'providers/managed/comparison.ts',
]
  .concat(definitions)
  .map((file) => readFileSync(join('src', file), 'utf8'))
  .join('\n')

/** Every message and part of a message in the source, with `X` for what differs. */
const messages = [
  ...sources.matchAll(
    /(?:\bfault\(\s*(?:\[[^\]]*\],\s*)?|\bmessage: |\bfault: |\bmust: |\bwhat: |faults\.push\(\s*)(['`])((?:(?!\1).)+?)\1/gs,
  ),
].flatMap(([, , text = '']) => {
  const message = text.replace(/^\$\{[^`]*?\}: /, '').replace(/\$\{[^}]*\}/g, 'X')
  // Only at startup: which providers there are is no setting of one of them.
  return message === 'X' || /^[A-Z0-9_, ]+: /.test(message) ? [] : [message]
})

test('every message of a setting has a Portuguese text', () => {
  expect(messages.length).toBeGreaterThan(30)
  expect(messages).toContain('must be a list of X, space or comma separated, X at most')
  expect(messages.filter((message) => settingFault(message, 'pt-BR') === message)).toEqual([])
})

test('what differs in it is kept, and translated where it is a text itself', () => {
  expect(
    settingFault('must be a list of domains like example.com, space or comma separated, 200 at most', 'pt-BR'),
  ).toBe('deve ser uma lista de domínios como example.com, separados por espaço ou vírgula, no máximo 200')
  expect(settingFault('must be never, always or X$&', 'pt-BR')).toBe('deve ser never, always or X$&')
  expect(fault('settings.ISSUER', 'setting', 'pt-BR', { message: 'is required' }).detail).toBe(
    'Esta configuração é obrigatória.',
  )
  expect(fault('settings.ISSUER', 'setting', 'en', { message: 'is required' }).detail).toBe('This setting is required.')
})
