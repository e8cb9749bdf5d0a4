/**
 * Records the examples of `/openapi.json`: `npm run docs:examples`. Starts a demo of its own in an empty folder, takes
 * the tour through it, and keeps for each operation without an example of its own the first request that succeeded, with
 * its response.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { apiRoutes } from '../src/http/api/index.ts'
import { examples as known } from '../src/http/openapi/examples.ts'
import { operationIdOf } from '../src/http/openapi/outcomes.ts'
import type { Example } from '../src/http/route.ts'
import { createPlaceholders } from './placeholders.ts'

const output = fileURLToPath(new URL('../src/http/openapi/examples.ts', import.meta.url))
process.env.TSX_TSCONFIG_PATH = fileURLToPath(new URL('../tsconfig.json', import.meta.url))

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const folder = mkdtempSync(join(tmpdir(), 'vinculum-examples-'))
mkdirSync(join(folder, 'data'))
process.chdir(folder)
const [port, sandboxPort] = [await freePort(), await freePort()]
Object.assign(process.env, {
  PORT: String(port),
  SANDBOX_PORT: String(sandboxPort),
  SAMPLE_APP_PORT: String(await freePort()),
  SAMPLE_API_PORT: String(await freePort()),
})

const demo = spawn(process.execPath, [...process.execArgv, fileURLToPath(new URL('demo.ts', import.meta.url))], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const ended = new Promise<number | null>((resolve) => demo.once('exit', resolve))
await new Promise<void>((resolve, reject) => {
  demo.stdout.on('data', (chunk: Buffer) => {
    if (chunk.toString().includes('Ctrl+C to stop')) resolve()
  })
  void ended.then((code) => reject(new Error(`The demo ended with code ${code}.`)))
})

type Recorded = { readonly id: string; readonly example: Example }
const base = `http://localhost:${port}`
const run = '0a1b2c3d'
const recorded: Recorded[] = []
/** Fixed words before parameters, as the service matches them. */
const patterns = [...apiRoutes]
  .sort((a, b) => a.path.split(':').length - b.path.split(':').length)
  .map((route) => ({ route, shape: new RegExp(`^${route.path.replace(/[.]/g, '\\.').replace(/:\w+/g, '[^/]+')}$`) }))

const send = globalThis.fetch
globalThis.fetch = async (input, init) => {
  const response = await send(input, init)
  const { origin, pathname } = new URL(input instanceof Request ? input.url : input)
  const method = (init?.method ?? 'GET').toLowerCase()
  const found = patterns.find(({ route, shape }) => route.method === method && shape.test(pathname))
  if (origin !== base || !found || !response.ok) return response
  const text = await response.clone().text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  const example: Example = {
    ...(init?.body ? { request: bodyOf(init.body) } : {}),
    ...(text !== '' && isJson ? { response: JSON.parse(text) } : {}),
  }
  recorded.push({ id: operationIdOf(found.route), example })
  return response
}

const bodyOf = (body: unknown): Record<string, unknown> =>
  body instanceof URLSearchParams ? Object.fromEntries(body) : JSON.parse(String(body))

try {
  const { walk } = await import('./tour/walk.ts')
  await walk(run)
} finally {
  demo.kill('SIGTERM')
  await ended
  process.chdir(tmpdir())
  rmSync(folder, { recursive: true, force: true })
}

const first = new Map<string, Example>()
for (const { id, example } of recorded) if (!first.has(id)) first.set(id, example)
const places = { base, sandbox: `http://127.0.0.1:${sandboxPort}`, run }
const declared = new Set(apiRoutes.filter(({ example }) => example).map(operationIdOf))
const seen = [...first]
  .filter(([id, example]) => Object.keys(example).length > 0 && !declared.has(id))
  .map(([id, example]) => [id, createPlaceholders(places)(example)] as const)
// What the tour does on pages keeps the example from before.
const all = Object.entries({ ...known, ...Object.fromEntries(seen) })
const examples = Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(
  output,
  `import type { Example } from '../route.ts'

/** Requests and responses of the tour, recorded by \`npm run docs:examples\`. */
export const examples: Readonly<Record<string, Example>> = ${JSON.stringify(examples, null, 2)}
`,
)
await new Promise((resolve) =>
  spawn('npx', ['biome', 'check', '--write', output], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
  }).once('exit', resolve),
)
process.stdout.write(`\n${Object.keys(examples).length} examples in ${output}\n`)
