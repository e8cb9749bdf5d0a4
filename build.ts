/**
 * `npm run build`: `src/` as a few files in `dist/`. Node takes longer to find, read and link several hundred small
 * modules than to run them, so each module of our own that is loaded at startup is in one file. What is imported
 * dynamically stays apart and is loaded when it is needed. Packages stay in `node_modules`, where audits look for them.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { build } from 'esbuild'

// Another folder of the package may be named, so that a test leaves `dist/` alone.
const outdir = process.argv[2] ?? 'dist'
/** What `tsc -p tsconfig.build.json` wrote before. */
const types = join(outdir, 'types')
for (const name of existsSync(outdir) ? readdirSync(outdir) : [])
  if (name !== 'types') rmSync(join(outdir, name), { recursive: true })
await build({
  entryPoints: {
    main: 'src/main.ts',
    // What a program that embeds the service imports.
    index: 'src/index.ts',
    // A worker thread loads it by its name, next to the file that starts it.
    'long-read-thread': 'src/store/long-read-thread.js',
  },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  sourcemap: true,
  // Side by side with the entry points: `root.ts` finds the package one folder above either.
  chunkNames: '[name]-[hash]',
  logLevel: 'warning',
})
if (existsSync(types)) keepDeclarations(types, 'index.d.ts')

/** Keeps the declarations that the entry leads to. They name their imports as they are in `dist/`. */
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
