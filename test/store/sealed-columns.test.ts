/** Which columns are sealed: the schema says so once, and startup, `doctor` and `reseal` read it there. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getTableName } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { postgres } from '../../src/store/dialect.postgres.ts'
import { sqlite } from '../../src/store/dialect.sqlite.ts'
import { defineTables } from '../../src/store/schema.ts'
import { placesIn } from '../../src/store/sealed.ts'

const namesOf = (dialect: typeof sqlite): readonly string[] =>
  placesIn(defineTables(dialect)).flatMap(({ table, columns }) =>
    columns.map(({ name }) => `${getTableName(table)}.${name}`),
  )

test('both databases have the same sealed columns, and values move to revocations after grants are read', () => {
  const names = namesOf(sqlite)
  expect(names).toEqual(namesOf(postgres))
  expect(names.indexOf('grants.access_token')).toBeLessThan(names.indexOf('revocations.access_token'))
  expect(names).toEqual(
    expect.arrayContaining(['provider_versions.secret', 'provider_versions.trial', 'openid_states.payload']),
  )
})

test('every column for which a value is sealed is declared so', () => {
  const source = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join('src', file), 'utf8'))
    .filter((text) => text.includes('ealer'))
    .join('\n')
  // `<table>/<row>/<column>`: the place of a sealed value.
  const places = [...source.matchAll(/`([a-z_]+)\/\$\{\w+\}\/(\w+|\$\{column\})`/g)].map(([, table, column]) =>
    column?.startsWith('$') ? `${table}.access_token` : `${table}.${column}`,
  )
  expect(places.length).toBeGreaterThan(8)
  expect(places.filter((name) => !namesOf(sqlite).includes(name))).toEqual([])
  // And none is declared that nothing seals. Revocations get their values from grants.
  const kept = namesOf(sqlite).filter((name) => !/^revocations\.|\.refresh_token$/.test(name))
  expect(kept.filter((name) => !places.includes(name))).toEqual([])
})
