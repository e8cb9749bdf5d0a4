import { connect, createServer, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { postgresBackend } from './backends.ts'
import { open } from './people.ts'

const { place } = postgresBackend()

/** A way to the database that treats each new connection as `meet` does, which may let it `through`. */
async function openThrough(meet: (here: Socket, through: () => void) => void) {
  const { url } = await place()
  const { hostname, port: behind } = new URL(url)
  let direct = true
  const door = createServer((here) => {
    here.on('error', () => {})
    const through = (): void => {
      const there = connect(Number(behind), hostname)
      there.on('error', () => here.destroy())
      here.pipe(there).pipe(here)
    }
    if (direct) through()
    else meet(here, through)
  })
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  const address = new URL(url)
  address.port = String((door.address() as { port: number }).port)
  const { store } = await open({ tag: 'postgres', url: address.href, maxConnections: 10 })
  direct = false
  onTestFinished(async () => {
    await store.close()
    door.close()
  })
  return store
}

test('ten callers without a connection open two at a time', async () => {
  const waiting: (() => void)[] = []
  let most = 0
  const store = await openThrough((_, through) => {
    waiting.push(through)
    most = Math.max(most, waiting.length)
  })
  let done = 0
  const all = Array.from({ length: 10 }, () => store.accounts.find('usr_none').then(() => done++))
  while (done < all.length) {
    await expect.poll(() => waiting.length > 0 || done === all.length).toBe(true)
    for (let turns = 0; turns < 20; turns++) await turn()
    waiting.shift()?.()
  }
  await Promise.all(all)
  expect(most).toBe(2)
})

test('a connection that is cut while it is being opened has carried nothing, so another one is opened', async () => {
  let cut = 0
  const store = await openThrough((here, through) => {
    if (cut++ < 3) here.destroy()
    else through()
  })
  expect(await store.accounts.find('usr_none')).toBeUndefined()
  expect(cut).toBe(4)
})

test('a database that cuts every connection is busy', async () => {
  let cut = 0
  const store = await openThrough((here) => {
    cut++
    here.destroy()
  })
  await expect(store.accounts.find('usr_none')).rejects.toThrow('the database is busy')
  expect(cut).toBeLessThan(10)
})
