import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export type SampleServer = { readonly origin: string; readonly close: () => Promise<void> }
type Listening = { readonly port: number; readonly host: string | undefined }

/**
 * A server of the demo on a port of its own. `answer` receives the path without its query; it is compared, never parsed,
 * because a request may send a path that is no URL. Rejects with `EADDRINUSE` if the port is in use.
 */
export async function serve(
  { port, host }: Listening,
  answer: (path: string, request: IncomingMessage, response: ServerResponse) => void,
): Promise<SampleServer> {
  const server = createServer((request, response) => answer(request.url?.split('?')[0] ?? '', request, response))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    origin: `http://localhost:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
