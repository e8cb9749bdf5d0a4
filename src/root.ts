/** The folder of this package: what is read from it lies next to `src/` as next to `dist/`, where the build is flat. */
export const packageRoot = new URL('../', import.meta.url)
