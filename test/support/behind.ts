import { openDriver as open } from '../../src/store/open.ts'

export type { Driver } from '../../src/store/driver.ts'

/** The tables of a running service, by the URL of its database. */
export const openDriver = (url: string) =>
  open(
    url.startsWith('file:')
      ? { tag: 'sqlite', file: url.slice('file:'.length) }
      : { tag: 'postgres', url, maxConnections: 1 },
  )
