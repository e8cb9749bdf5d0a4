/** Only imports packages: the cost of a start before any code of the service runs. */
import { reportReady } from './ipc.ts'

const { urls } = JSON.parse(process.argv[2] ?? '{}') as { urls: readonly string[] }
await Promise.all(urls.map((url) => import(url)))
// The imported packages keep nothing open; the channel to the bench does.
reportReady()
