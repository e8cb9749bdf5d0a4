/**
 * `npm run build`: `src/` as a few files in `dist/`. Node takes longer to find, read and link several hundred small
 * modules than to run them, so each module of our own that is loaded at startup is in one file. What is imported
 * dynamically stays apart and is loaded when it is needed. Packages stay in `node_modules`, where audits look for them.
 */
import { rmSync } from 'node:fs'
import { build } from 'esbuild'

// Another folder of the package may be named, so that a test leaves `dist/` alone.
const outdir = process.argv[2] ?? 'dist'
rmSync(outdir, { recursive: true, force: true })
await build({
  entryPoints: {
    main: 'src/main.ts',
    // What a program that embeds the service imports.
    vinculum: 'src/vinculum.ts',
    config: 'src/config.ts',
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
