/** The folder of this package: what is read from it lies beside `src/` as beside `dist/`, where the build is flat. */
export const packageRoot = new URL('../', import.meta.url)
