/** The local provider, in its own process: a minimal OAuth 2.0 server. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { reportReady } from './ipc.ts'
import { tokenAnswer, userinfoAnswer } from './provider-answers.ts'

const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString('latin1')
  })
  request.on('end', () => {
    const answer =
      request.url === '/token'
        ? tokenAnswer(new URLSearchParams(body))
        : userinfoAnswer(request.headers.authorization ?? '')
    const text = JSON.stringify(answer ?? { error: 'invalid_grant' })
    response.writeHead(answer ? 200 : 400, ['Content-Type', 'application/json', 'Content-Length', String(text.length)])
    response.end(text)
  })
})
server.listen(0, '127.0.0.1', () => reportReady((server.address() as AddressInfo).port))
