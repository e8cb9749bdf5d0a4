/** Names of providers from the environment, which the system resolves. */
import type { LookupAddress } from 'node:dns'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { Deadline } from '../../src/providers/calls/deadline.ts'
import { createOutbound, type Resolver } from '../../src/providers/calls/outbound.ts'
import { createSystemResolver } from '../../src/providers/calls/system-resolver.ts'

const address: LookupAddress = { address: '127.0.0.1', family: 4 }

/** Like the system with names whose DNS servers do not answer before `release` is called. */
function systemWith(silent: readonly string[]) {
  const asked: string[] = []
  const waiting: (() => void)[] = []
  const resolver: Resolver = (host, _options, done) => {
    asked.push(host)
    if (silent.includes(host)) waiting.push(() => done(Object.assign(new Error('none'), { code: 'EAI_AGAIN' }), []))
    else process.nextTick(done, null, [address])
  }
  const release = (): void => {
    for (const end of waiting.splice(0)) end()
  }
  return { asked, resolver: createSystemResolver(resolver), release }
}

const ask = (resolver: Resolver, host: string, family: 0 | 4 | 6 = 0) =>
  new Promise<{ code: string | undefined; addresses: LookupAddress[] }>((resolve) =>
    resolver(host, { all: true, family }, (error, addresses) => resolve({ code: error?.code, addresses })),
  )

test('callers that ask for a name at the same time share one lookup, and a later one asks again', async () => {
  const { asked, resolver, release } = systemWith(['silent.example'])
  const callers = Array.from({ length: 50 }, () => ask(resolver, 'silent.example'))
  expect(await ask(resolver, 'fine.example')).toEqual({ code: undefined, addresses: [address] })
  expect(asked).toEqual(['silent.example', 'fine.example'])
  release()
  for (const caller of callers) expect(await caller).toEqual({ code: 'EAI_AGAIN', addresses: [] })
  void ask(resolver, 'silent.example')
  expect(asked).toHaveLength(3)
})

test('callers that ask for different families of addresses share no lookup', async () => {
  const { asked, resolver } = systemWith([])
  await Promise.all([ask(resolver, 'fine.example', 4), ask(resolver, 'fine.example', 6)])
  expect(asked).toHaveLength(2)
})

test('calls to a name whose DNS servers do not answer delay no call to another', async () => {
  const server = createServer((_request, response) => response.end('{}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const { asked, resolver, release } = systemWith(['silent.example'])
  const outbound = createOutbound(null, { any: resolver })
  const [silent, fine] = [await outbound.open('any'), await outbound.open('any')]
  const options = { method: 'GET', headers: {}, body: null, signal: new Deadline(60_000) } as const
  const ends = Array.from({ length: 8 }, () =>
    silent.request(`http://silent.example:${port}/`, options).catch((error: NodeJS.ErrnoException) => error.code),
  )
  const response = await fine.request(`http://fine.example:${port}/`, options)
  expect([response.statusCode, await response.body.text()]).toEqual([200, '{}'])
  expect(asked).toEqual(['silent.example', 'fine.example'])
  release()
  expect(new Set(await Promise.all(ends))).toEqual(new Set(['EAI_AGAIN']))
  options.signal.over()
  await outbound.drop(fine)
  await new Promise((resolve) => server.close(resolve))
})
