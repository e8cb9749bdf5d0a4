import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { apiRoutes } from '../../src/http/api/index.ts'
import { pageRoutes } from '../../src/http/pages/index.ts'
import { json } from '../../src/http/reply.ts'
import { route } from '../../src/http/route.ts'
import { ok } from '../../src/kernel/result.ts'

test('no schema of a reply is built before it is needed, and each only once', () => {
  const declared = [...apiRoutes, ...pageRoutes].filter((each) => 'reply' in each)
  expect(declared.length).toBeGreaterThan(100)
  const early = declared.filter((each) => Object.getOwnPropertyDescriptor(each, 'reply')?.get === undefined)
  expect(early.map(({ method, path }) => `${method} ${path}`)).toEqual([])

  let built = 0
  const late = route({
    method: 'get',
    path: '/late',
    summary: 'Get something',
    tag: 'Things',
    surface: 'api',
    auth: 'none',
    limit: 'none',
    fails: [],
    reply: () => {
      built += 1
      return z.object({ one: z.number() })
    },
    handle: () => ok(json({ one: 1 })),
  })
  expect(built).toBe(0)
  expect(late.reply?.parse({ one: 1, two: 2 })).toEqual({ one: 1 })
  expect(late.reply).toBe(late.reply)
  expect(built).toBe(1)
})

test('the service starts without the commands of operators', () => {
  const lines = readFileSync('src/main.ts', 'utf8').split('\n')
  const early = lines.filter((line) => /from '\.\/commands\//.test(line) && !line.startsWith('import type '))
  expect(early).toEqual([])
})
