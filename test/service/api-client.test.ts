/** What other people’s tools make of `/openapi.json`: a linter, a generator of clients, the TypeScript compiler. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import createClient from 'openapi-fetch'
import openapiTS, { astToString } from 'openapi-typescript'
import ts from 'typescript'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inTree } from '../support/program.ts'
import { startWorld, type World } from '../support/service.ts'

// In the source tree, so that the client finds `openapi-fetch`.
const folder = mkdtempSync(inTree('dist-test-client-'))
const file = join(folder, 'openapi.json')
let world: World
let published: string
beforeAll(async () => {
  world = await startWorld()
  published = await (await fetch(`${world.base}/openapi.json`)).text()
  writeFileSync(file, published)
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await world.stop()
})

type Problem = { readonly ruleId: string; readonly severity: string; readonly location: readonly { pointer: string }[] }

/** The findings of `redocly lint`, each as its rule and its place. */
async function lint(flag: string): Promise<readonly string[]> {
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
  const program = fileURLToPath(import.meta.resolve('@redocly/cli/bin/cli.js'))
  const found = promisify(execFile)(process.execPath, [program, 'lint', file, '--format=json', flag], {
    env,
    // Where no `redocly.yaml` is found without being named.
    cwd: folder,
    maxBuffer: 16_000_000,
  })
  // Findings of severity `error` end it with a code, and are on its output all the same.
  const { stdout } = await found.catch((error: { stdout: string }) => error)
  const { problems } = JSON.parse(stdout) as { problems: readonly Problem[] }
  return problems.map(({ ruleId, location: [first] }) => `${ruleId} ${decodeURIComponent(first?.pointer ?? '')}`)
}

test('redocly lint finds only one path with all recommended rules, and our rules leave out the rule of that path', async () => {
  expect(await lint('--extends=recommended')).toEqual(['no-ambiguous-paths #/paths/~1auth~1conflicts~1{ticket}'])
  const rules = readFileSync(inTree('redocly.yaml'), 'utf8').replace(/^ *#.*\n/gm, '')
  expect(rules).toBe('extends:\n  - recommended\nrules:\n  no-ambiguous-paths: off\n')
})

test('a generated client is short and compiles strictly', async () => {
  const client = astToString(await openapiTS(published))
  // The generator writes 29 lines for an operation without parameters, body and errors of its own.
  const operations = Object.values((JSON.parse(published) as { paths: object }).paths).flatMap((path) =>
    Object.values(path),
  )
  expect(client.split('\n').length / operations.length).toBeLessThan(60)
  writeFileSync(join(folder, 'vinculum.ts'), client)
  writeFileSync(
    join(folder, 'app.ts'),
    `import createClient from 'openapi-fetch'
import type { components, paths } from './vinculum.ts'

const client = createClient<paths>({ baseUrl: 'https://id.example.org' })

export async function nameOf(token: string): Promise<string | null> {
  const { data, error } = await client.GET('/me', { headers: { authorization: \`Bearer \${token}\` } })
  if (error) throw new Error(error.code === 'token_expired' ? 'refresh first' : error.detail)
  const role: components['schemas']['Role'] = data.role
  return role === 'user' ? data.name : null
}
export const rename = (id: string, name: string) =>
  client.PATCH('/teams/{id}', { params: { path: { id } }, body: { name } })
// @ts-expect-error There is no such field.
export const wrong = (id: string) => client.PATCH('/teams/{id}', { params: { path: { id } }, body: { nam: 'x' } })
// @ts-expect-error No operation responds with this code.
export const never: paths['/me']['get']['responses'][401]['content']['application/problem+json']['code'] = 'nonsense'
`,
  )
  const program = ts.createProgram([join(folder, 'app.ts')], {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    allowImportingTsExtensions: true,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    types: [],
  })
  const found = ts
    .getPreEmitDiagnostics(program)
    .map(({ file: where, messageText }) =>
      [where?.fileName.slice(folder.length), ts.flattenDiagnosticMessageText(messageText, '\n')].join(': '),
    )
  expect(found).toEqual([])
})

test('such a client talks to the service', async () => {
  type Paths = {
    '/auth/providers': {
      get: { responses: { 200: { content: { 'application/json': { id: string }[] } } } }
    }
  }
  const client = createClient<Paths>({ baseUrl: world.base })
  const { data, response } = await client.GET('/auth/providers')
  expect([response.status, data?.some(({ id }) => id === 'google')]).toEqual([200, true])
})
