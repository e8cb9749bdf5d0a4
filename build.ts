/**
 * `npm run build`: `src/` as a few files in `dist/`. Node takes longer to find, read and link several hundred small
 * modules than to run them, so each module of our own that is loaded at startup is in one file. What is imported
 * dynamically stays apart and is loaded when it is needed. Packages stay in `node_modules`, where audits look for them.
 */
import { rmSync } from 'node:fs'
import { build } from 'esbuild'

const outdir = 'dist'
rmSync(outdir, { recursive: true, force: true })
await build({
  // The process, and what a program that embeds the service imports.
  entryPoints: ['src/main.ts', 'src/vinculum.ts', 'src/config.ts'],
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
