/**
 * `npm run build`: bundles `src/` into a few files in `dist/`. Node takes longer to find, read and link several hundred
 * small modules than to run them, so all modules needed at startup are in one file. Dynamic imports stay separate and
 * are loaded when needed. Packages stay in `node_modules`, where security audits look for them.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { build } from 'esbuild'

// The first argument is another output folder, so that a test does not touch `dist/`.
const outdir = process.argv[2] ?? 'dist'
/** The declarations from `tsc -p tsconfig.build.json`, which runs before. */
const types = join(outdir, 'types')
for (const name of existsSync(outdir) ? readdirSync(outdir) : [])
  if (name !== 'types') rmSync(join(outdir, name), { recursive: true })
await build({
  entryPoints: {
    main: 'src/main.ts',
    // Imported by programs that embed the service.
    index: 'src/index.ts',
    // Worker threads load them by name, from the folder of the file that starts them.
    'long-read-thread': 'src/store/long-read-thread.js',
    'svg-thread': 'src/branding/svg-thread.js',
  },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  sourcemap: true,
  // Node keeps the text of each file in memory, twice as large if any comment has a character like →. Names stay, and
  // so do lines: both are in the stack traces of the log.
  minifyWhitespace: true,
  lineLimit: 160,
  // Chunks are next to the entry points: `root.ts` looks for the package one folder above either.
  chunkNames: '[name]-[hash]',
  logLevel: 'warning',
})
if (existsSync(types)) keepDeclarations(types, 'index.d.ts')

/** Deletes all declarations that the entry does not import, directly or indirectly. */
function keepDeclarations(folder: string, entry: string): void {
  const kept = new Set<string>()
  const keep = (file: string): void => {
    if (kept.has(file)) return
    kept.add(file)
    const text = readFileSync(join(folder, file), 'utf8').replace(/(['"])(\.\.?\/[^'"\n]+)\.tsx?\1/g, '$1$2.js$1')
    writeFileSync(join(folder, file), text)
    for (const [, path = ''] of text.matchAll(/['"](\.\.?\/[^'"\n]+)\.js['"]/g))
      keep(normalize(join(dirname(file), `${path}.d.ts`)))
  }
  keep(entry)
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (/\.d\.ts$/.test(file) && !kept.has(file)) rmSync(join(folder, file))
}
