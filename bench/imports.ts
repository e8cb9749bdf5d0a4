/** Imports what it is given and does nothing else: what a start costs before any code of the service runs. */
import { tellReady } from './ipc.ts'

const { urls } = JSON.parse(process.argv[2] ?? '{}') as { urls: readonly string[] }
await Promise.all(urls.map((url) => import(url)))
// What has been imported holds nothing open; the channel to the bench does.
tellReady()
