import { expect, test } from 'vitest'
import { BusyError } from '../../src/kernel/busy.ts'
import { limitRequests, type RequestResult } from '../../src/openid/requests.ts'

const get = { method: 'GET', headers: {}, mostBytes: 1000 } as const

/** Every request waits for `answer`. */
function hanging() {
  const waiting: (() => void)[] = []
  const sent: string[] = []
  const send = (url: string): Promise<RequestResult> => {
    sent.push(url)
    return new Promise((resolve) => {
      waiting.push(() => resolve({ tag: 'failed', reason: 'timeout' }))
    })
  }
  return { send, sent, answer: () => waiting.shift()?.() }
}

test('an application that does not answer uses up only the requests to its own origin', async () => {
  const { send, sent, answer } = hanging()
  const limited = limitRequests({ send })
  const first = limited.send('https://slow.example/1', get)
  for (const path of [2, 3, 4]) void limited.send(`https://slow.example/${path}`, get)
  await expect(limited.send('https://slow.example/5', get)).rejects.toThrow(BusyError)
  void limited.send('https://other.example/1', get)
  answer()
  await first
  void limited.send('https://slow.example/6', get)
  expect(sent.map((url) => new URL(url).host.at(0) + url.slice(-1))).toEqual(['s1', 's2', 's3', 's4', 'o1', 's6'])
})

test('applications that do not answer use up only the requests for one purpose', async () => {
  const { send, sent } = hanging()
  const [keys, documents] = [limitRequests({ send }), limitRequests({ send })]
  for (let i = 0; i < 32; i++) void documents.send(`https://${i}.example/`, get)
  await expect(documents.send('https://one-more.example/', get)).rejects.toThrow(BusyError)
  void keys.send('https://0.example/keys', get)
  expect(sent).toHaveLength(33)
  expect(sent.at(-1)).toBe('https://0.example/keys')
})
