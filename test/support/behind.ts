import { openDriver as open } from '../../src/store/open.ts'

export type { Driver } from '../../src/store/driver.ts'

/** The tables behind a service that runs, by the address of its database. */
export const openDriver = (url: string) =>
  open(
    url.startsWith('file:')
      ? { tag: 'sqlite', file: url.slice('file:'.length) }
      : { tag: 'postgres', url, maxConnections: 1 },
  )
