import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../src')

/**
 * Who may import what: `design.md` §1 and §2. A target is a folder or a file; `type ` before it allows types alone. Whatever
 * has no row here may not exist.
 */
const may: Record<string, readonly string[]> = {
  kernel: [],
  errors: ['kernel'],
  events: ['kernel', 'type errors'],
  accounts: ['kernel', 'errors', 'events', 'type providers/provider.ts'],
  sessions: ['kernel', 'errors', 'events', 'type providers/provider.ts'],
  connections: ['kernel', 'errors', 'events', 'type providers/provider.ts'],
  // Its letters and its tokens are stored with its changes.
  teams: ['kernel', 'errors', 'events', 'type mail/ports.ts', 'type connections/ports.ts'],
  // A change of what somebody knows is written down with its letters, and asks what else is left.
  credentials: ['kernel', 'errors', 'events', 'type mail/ports.ts', 'type accounts/ports.ts'],
  mail: ['kernel', 'errors', 'events'],
  sealing: ['kernel'],
  audit: ['kernel', 'errors', 'events', 'type providers/provider.ts'],
  providers: ['kernel', 'errors', 'events'],
  // Of everybody else a store sees only the ports it answers, and the facts it writes down.
  store: [
    'kernel',
    'events/catalogue.ts',
    ...['accounts', 'sessions', 'connections', 'credentials', 'teams', 'mail'].map((noun) => `type ${noun}/ports.ts`),
    ...['audit', 'providers', 'sealing', 'jobs', 'http'].map((noun) => `type ${noun}/ports.ts`),
  ],
  flows: [
    'kernel',
    'errors',
    'events',
    'accounts',
    'credentials',
    'sessions',
    'connections',
    'teams',
    'mail',
    'audit',
    'providers',
  ],
  jobs: ['kernel', 'events', 'accounts', 'sessions', 'connections', 'teams', 'mail', 'audit', 'flows'],
  // Its documentation lists the events, and JWKS says how long they may be kept; the rest it only names.
  http: [
    'kernel',
    'errors',
    'flows',
    'events/catalogue.ts',
    'type events',
    'type accounts',
    'type sessions',
    'sessions/keys.ts',
    'type connections',
    'type teams',
    'teams/policy.ts',
    'type credentials',
    'credentials/scopes.ts',
    'type mail',
    'type audit',
    'type jobs',
    'type providers',
  ],
  telemetry: ['kernel', 'events'],
  'config.ts': ['kernel', 'provider-config.ts'],
  'provider-config.ts': ['kernel', 'type providers/provider.ts'],
  'secrets.ts': ['kernel', 'config.ts'],
  // The facade for programs that embed the service: verbs, spoken in its own words.
  'oauth.ts': ['kernel', 'errors', 'type events', 'type accounts', 'type sessions', 'type providers', 'type flows'],
  'vinculum.ts': ['*'],
  'main.ts': ['*'],
}

/** Which packages belong to one place alone. */
const keptIn: Record<string, string> = {
  'drizzle-orm': 'store',
  'better-sqlite3': 'store',
  pg: 'store',
  express: 'http',
  'express-rate-limit': 'http',
  preact: 'http',
  'preact-render-to-string': 'http',
  cookie: 'http',
  passport: 'providers',
  'passport-oauth2': 'providers',
  'passport-github2': 'providers',
  'passport-google-oauth20': 'providers',
  opossum: 'providers',
  undici: 'providers',
  jose: 'providers',
  argon2: 'credentials',
  '@zxcvbn-ts/language-common': 'credentials',
  otpauth: 'credentials',
  '@simplewebauthn/server': 'credentials',
  nodemailer: 'mail',
  croner: 'jobs',
  'node-cache': 'providers',
  jsonwebtoken: 'sessions',
  'prom-client': 'telemetry',
}

type Import = { readonly file: string; readonly from: string; readonly target: string; readonly type: boolean }

/** Everything one file names: static, re-exported, dynamic, and in types. */
function importsOf(file: string): Import[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true)
  const found: Import[] = []
  const add = (target: ts.Node | undefined, type: boolean): void => {
    if (target && ts.isStringLiteral(target)) found.push({ file, from: unit(file), target: target.text, type })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, onlyTypes(node.importClause))
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

const onlyTypes = (clause: ts.ImportClause | undefined): boolean => {
  if (clause === undefined) return false
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const named = clause.namedBindings
  return (
    clause.name === undefined &&
    named !== undefined &&
    ts.isNamedImports(named) &&
    named.elements.every(({ isTypeOnly }) => isTypeOnly)
  )
}

/** The folder a file is in, or its name when it lies in `src` itself. */
const unit = (file: string): string => file.split('/')[0] ?? file

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => /\.tsx?$/.test(file))
const imports = files.flatMap(importsOf)
const said = ({ file, type, target }: Import): string => `${file} imports ${type ? 'types of ' : ''}${target}`

test('every folder and every file at the root of src has a row in the table', () => {
  expect([...new Set(files.map(unit))].filter((name) => !Object.hasOwn(may, name))).toEqual([])
})

test('every row of the table is of something that exists', () => {
  expect(Object.keys(may).filter((name) => !files.some((file) => unit(file) === name))).toEqual([])
})

test('each folder imports only what its row allows', () => {
  const allowed = ({ from, file, target, type }: Import): boolean => {
    if (!target.startsWith('.')) return true
    const path = relative(root, resolve(root, dirname(file), target)).replaceAll('\\', '/')
    if (unit(path) === from) return true
    return (may[from] ?? []).some((rule) => {
      const what = rule.replace(/^type /, '')
      return (what === '*' || what === path || what === unit(path)) && (type || !rule.startsWith('type '))
    })
  }
  expect(imports.filter((one) => !allowed(one)).map(said)).toEqual([])
})

test('nothing in src imports from outside it: the sandbox, the tests and the tools are no part of the service', () => {
  const outside = ({ file, target }: Import): boolean =>
    target.startsWith('.')
      ? relative(root, resolve(root, dirname(file), target)).startsWith('..')
      : target.startsWith('/')
  expect(imports.filter(outside).map(said)).toEqual([])
})

test('SQL stays in store, Express in http, Passport in providers, and every other such package in its place', () => {
  const packageOf = (target: string): string =>
    target
      .split('/')
      .slice(0, target.startsWith('@') ? 2 : 1)
      .join('/')
  const astray = ({ from, target }: Import): boolean => {
    const home = keptIn[packageOf(target)]
    return home !== undefined && home !== from
  }
  expect(imports.filter(astray).map(said)).toEqual([])
})

test('imports of our own files name them with their ending', () => {
  expect(
    imports.filter(({ target }) => target.startsWith('.') && !/\.(tsx?|json|css)$/.test(target)).map(said),
  ).toEqual([])
})
