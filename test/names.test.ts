import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../src')

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'))

/** The names that a file declares and exports; a re-export declares nothing. */
function exportedBy(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true)
  const namesIn = (name: ts.BindingName): string[] =>
    ts.isIdentifier(name)
      ? [name.text]
      : name.elements.flatMap((element) => (ts.isBindingElement(element) ? namesIn(element.name) : []))
  const names = source.statements.flatMap((statement) => {
    const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined
    if (!modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return []
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.flatMap(({ name }) => namesIn(name))
    const { name } = statement as ts.Statement & { name?: ts.Node }
    return name && ts.isIdentifier(name) ? [name.text] : []
  })
  // A schema and the type derived from it share one name.
  return [...new Set(names)]
}

/**
 * Files whose names may be declared elsewhere as well: the second dialect of the schema; the types for embedding
 * programs, which repeat ours as published ones; and the acts of the API, each named within its resource and imported
 * by the page of the same resource.
 */
const mayRepeat = (file: string): boolean =>
  ['store/schema.postgres.ts', 'embedding.ts', 'index.ts'].includes(file) || file.startsWith('http/api/')

/** Names that say what happened to something and not what it is. */
const participles = /^(Said|Told|Asked|Given|Kept|Made|Found|Seen|Shown|Begun|Entered|Entering|Admitted|Arrived|Done)$/

test('one exported name stands for one thing: no two files declare it', () => {
  const declaredIn = new Map<string, string[]>()
  for (const file of files.filter((each) => !mayRepeat(each)))
    for (const name of exportedBy(file)) declaredIn.set(name, [...(declaredIn.get(name) ?? []), file])
  const shared = [...declaredIn].filter(([, places]) => places.length > 1)
  expect(shared.map(([name, places]) => `${name}: ${places.join(', ')}`)).toEqual([])
})

test('an exported type is named with a noun, never with a bare participle', () => {
  const named = files.flatMap((file) => exportedBy(file).map((name) => `${file}: ${name}`))
  expect(named.filter((line) => participles.test(line.slice(line.indexOf(': ') + 2)))).toEqual([])
})
