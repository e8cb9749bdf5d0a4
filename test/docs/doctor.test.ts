import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const document = readFileSync('docs/doctor.md', 'utf8')
const source = readdirSync('src/doctor')
  .map((file) => readFileSync(join('src/doctor', file), 'utf8'))
  .join('\n')

test('docs/doctor.md describes every check by its name, and no other', () => {
  const table = [...document.matchAll(/^\| (`.+?) \| /gm)].flatMap(([, names = '']) =>
    names.replaceAll('`', '').split(', '),
  )
  const written = new Set(
    [
      ...source.matchAll(
        /['`]((?:database|keys|provider|disk)\.[a-z_.${}]+|configuration|keys|service|proxy|mail)['`]/gi,
      ),
    ]
      .map(([, name = '']) => name.replace(/\$\{[^}]*\}/g, '<id>'))
      // A common prefix of names, and names built from a variable.
      .flatMap((name) => (name === 'provider.<id>' ? [] : name === 'disk.<id>' ? ['disk.data', 'disk.log'] : [name])),
  )
  for (const rest of ['redirect_uris', 'discovery', 'client'])
    if (source.includes(`.${rest}\``)) written.add(`provider.<id>.${rest}`)
  const statuses = new Set(['ok', 'warning', 'failed'])
  expect(table.filter((name) => !statuses.has(name)).sort()).toEqual([...written].sort())
})
