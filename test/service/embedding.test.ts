/** A program that embeds Vinculum: it has what `npm run build` makes and nothing of our source. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isThorough } from '../store/thorough.ts'
import { encryptionKey, freePort } from '../support/service.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = mkdtempSync(join(tmpdir(), 'vinculum-embedding-'))
const installed = join(program, 'node_modules/vinculum')
const types = join(installed, 'dist/types')
beforeAll(() => {
  mkdirSync(join(program, 'node_modules/@types'), { recursive: true })
  mkdirSync(installed)
  // What `npm run build` runs, with another output folder.
  const tsc = [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json']
  if (isThorough) execFileSync(process.execPath, [...tsc, '--outDir', types], { cwd: root })
  else writeDeclarations()
  execFileSync(process.execPath, ['--import', 'tsx', 'build.ts', join(installed, 'dist')], { cwd: root })
  cpSync(join(root, 'package.json'), join(installed, 'package.json'))
  for (const name of ['drizzle', 'node_modules']) symlinkSync(join(root, name), join(installed, name))
  symlinkSync(join(root, 'node_modules/@types/node'), join(program, 'node_modules/@types/node'))
  writeFileSync(join(program, 'package.json'), '{"type":"module"}')
}, 240_000)
afterAll(() => {
  rmSync(program, { recursive: true, force: true })
  parsed.clear()
})

/** Both programs below read the same declarations of Node and of the language. */
const parsed = new Map<string, ts.SourceFile | undefined>()
function hostOf(options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options)
  const parse = host.getSourceFile
  host.getSourceFile = (file, ...how) => {
    if (!parsed.has(file)) parsed.set(file, parse(file, ...how))
    return parsed.get(file)
  }
  return host
}

/**
 * Writes the declarations that `tsc -p tsconfig.build.json` writes, but only of the files to which the entry leads. All
 * of them, with the checks of `npm run check`, take a minute of CPU; `npm run bench:store` writes all.
 */
function writeDeclarations(): void {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.build.json'),
    { outDir: types, noCheck: true },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: ({ messageText }) => expect.fail(String(messageText)) },
  )
  const options = config?.options ?? {}
  const host = hostOf(options)
  const entry = join(root, 'src/index.ts')
  // The entry declares what it returns, so nothing behind it is needed, which is most of the service.
  const behind = './vinculum.ts'
  host.resolveModuleNameLiterals = (names, from, redirected, _, source) =>
    names.map((name) => {
      if (from === entry && name.text === behind) return { resolvedModule: undefined }
      const mode = ts.getModeForUsageLocation(source, name, options)
      return ts.resolveModuleName(name.text, from, options, host, undefined, redirected, mode)
    })
  const program = ts.createProgram([entry], options, host)
  const written = new Set<string>()
  const write = (file: string): void => {
    if (written.has(file)) return
    written.add(file)
    const source = program.getSourceFile(file)
    if (!source) throw new Error(`the declarations lead to ${file}`)
    program.emit(source, (path, text) => {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text)
      for (const [, name = ''] of text.matchAll(/['"](\.\.?\/[^'"\n]+\.tsx?)['"]/g)) write(join(dirname(file), name))
    })
  }
  write(entry)
  // One to which it does not lead.
  writeFileSync(join(types, 'vinculum.d.ts'), 'export {}\n')
}

/**
 * What the compiler says about each of these programs and about the declarations, with every check on. It reads and
 * checks the declarations once for all of them. `npm run bench:store` also checks those of all packages they import.
 */
function compile(sources: Readonly<Record<string, string>>): Readonly<Record<string, readonly string[]>> {
  const files = Object.entries(sources).map(([name, source]) => {
    const file = join(program, `${name}.ts`)
    writeFileSync(file, source)
    return file
  })
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(program, 'node_modules/@types')],
  }
  const compiled = ts.createProgram(files, options, hostOf(options))
  const ours = compiled
    .getSourceFiles()
    .filter(({ fileName }) => files.includes(fileName) || fileName.startsWith(types))
  const found = isThorough
    ? ts.getPreEmitDiagnostics(compiled)
    : [
        ...compiled.getConfigFileParsingDiagnostics(),
        ...compiled.getOptionsDiagnostics(),
        ...compiled.getGlobalDiagnostics(),
        ...ours.flatMap((file) => [
          ...compiled.getSyntacticDiagnostics(file),
          ...compiled.getSemanticDiagnostics(file),
        ]),
      ]
  expect(ours.length).toBeGreaterThan(files.length)
  const said = found.map(({ file, messageText }) => ({
    at: file?.fileName ?? '',
    text: ts.flattenDiagnosticMessageText(messageText, ' '),
  }))
  const textsAt = (isThere: (at: string) => boolean) => said.filter(({ at }) => isThere(at)).map(({ text }) => text)
  return {
    ...Object.fromEntries(files.map((file) => [basename(file, '.ts'), textsAt((at) => at === file)])),
    declarations: textsAt((at) => !files.includes(at)),
  }
}

const example = (): string => {
  const text = readFileSync(join(root, 'docs/clients.md'), 'utf8')
  const [section = ''] = text.split(/^## /m).filter((each) => each.startsWith('Embed Vinculum in a Node program\n'))
  const blocks = [...section.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code)
  expect(blocks).toHaveLength(1)
  return blocks.join('')
}

test('the printed example compiles strictly against the declarations alone, and a wrong use of them does not', () => {
  const wrong = `${example()}
const id: number = (await vinculum.oauth.listLinkedAccounts('acc')).length.toFixed()
if (!(await beginSignIn()).flowTokn) vinculum.open()
`
  expect(compile({ example: example(), wrong })).toEqual({
    declarations: [],
    example: [],
    wrong: [
      "Type 'string' is not assignable to type 'number'.",
      expect.stringContaining("Property 'flowTokn' does not exist"),
      expect.stringContaining("Property 'open' does not exist"),
    ],
  })
})

test('only the declarations that the entry leads to are part of the package', () => {
  const files = readdirSync(types, { recursive: true, encoding: 'utf8' })
  const declared = files.filter((file) => file.endsWith('.d.ts'))
  expect(declared).toContain('index.d.ts')
  expect(declared).not.toContain('vinculum.d.ts')
  expect(declared.length).toBeLessThan(32)
  for (const file of declared) expect(readFileSync(join(types, file), 'utf8')).not.toMatch(/from '\.[^']*\.tsx?'/)
})

test('the package is imported by its name, reports errors as values, serves its routes and closes', async () => {
  const port = await freePort()
  writeFileSync(
    join(program, 'run.mjs'),
    `import { ConfigError, createVinculum, readConfig } from 'vinculum'
const { ENCRYPTION_KEYS, ...without } = process.env
const refused = await createVinculum(readConfig(without)).catch((error) => error instanceof ConfigError)
const vinculum = await createVinculum(readConfig(process.env))
const started = await vinculum.oauth.authorizeUrl('nobody')
await vinculum.listen()
const answer = await fetch('http://127.0.0.1:${port}/health/live')
await vinculum.close()
console.log(JSON.stringify([refused, started.ok, started.error.code, answer.status]))
`,
  )
  const env = {
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    DATABASE_URL: `file:${join(program, 'embedded.db')}`,
    ENCRYPTION_KEYS: `k1:${encryptionKey.toString('base64')}`,
  }
  const out = execFileSync(process.execPath, ['run.mjs'], { cwd: program, env, encoding: 'utf8', timeout: 180_000 })
  expect(JSON.parse(out)).toEqual([true, false, 'provider_not_found', 200])
})
