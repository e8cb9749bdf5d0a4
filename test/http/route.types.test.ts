import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { type AppError, fail } from '../../src/errors/catalogue.ts'
import { json, noContent, seeOther } from '../../src/http/reply.ts'
import { object, type Principal, route } from '../../src/http/route.ts'
import { ok, type Result } from '../../src/kernel/result.ts'

const Pair = z.object({ access_token: z.string(), token_type: z.literal('bearer'), scopes: z.array(z.string()) })
const facts = { method: 'post', path: '/x', summary: 'x', tag: 'x', surface: 'api', limit: 'none' } as const
type Vinculum = { readonly refresh: (token: string) => Promise<Result<string, AppError<'token_reused'>>> }

test('a handler that returns an error code its route does not declare does not compile', () => {
  const routes = [
    route({ ...facts, auth: 'none', fails: ['token_reused'], handle: () => fail('token_reused') }),
    route({
      ...facts,
      auth: 'none',
      fails: ['token_reused'],
      // @ts-expect-error token_expired is not among `fails`
      handle: () => fail('token_expired'),
    }),
    route({
      ...facts,
      auth: 'none',
      fails: [],
      reply: Pair,
      // @ts-expect-error nor is a code that only the flow behind it may return
      handle: async (_, { refresh }: Vinculum) => {
        const token = await refresh('t')
        return token.ok ? ok(json({ access_token: token.value, token_type: 'bearer' as const, scopes: [] })) : token
      },
    }),
    // Every route may fail as the framework does.
    route({ ...facts, auth: 'none', fails: [], handle: () => fail('internal') }),
  ]
  expect(routes).toHaveLength(4)
})

test('a reply that does not match its schema does not compile', () => {
  route({
    ...facts,
    auth: 'none',
    reply: Pair,
    fails: ['token_reused'],
    handle: async (_, { refresh }: Vinculum) => {
      const token = await refresh('t')
      if (!token.ok) return token
      return ok(json({ access_token: token.value, token_type: 'bearer', scopes: [] }, { status: 201 }))
    },
  })
  route({
    ...facts,
    auth: 'none',
    reply: Pair,
    fails: [],
    // @ts-expect-error access_token is missing
    handle: async () => ok(json({ token_type: 'bearer' })),
  })
  // @ts-expect-error a route without a reply schema returns no JSON
  route({ ...facts, auth: 'none', fails: [], handle: async () => ok(json({ surprise: true })) })
})

test('a handler gets the output types of its schemas, and a user where one is required', () => {
  route({
    ...facts,
    auth: 'recent',
    params: object({ id: z.string() }),
    body: object({ count: z.coerce.number() }),
    fails: [],
    handle: ({ params, query, body, who, cookie, csrfToken, wants }) => {
      expectTypeOf(params).toEqualTypeOf<{ id: string }>()
      expectTypeOf(query).toEqualTypeOf<undefined>()
      expectTypeOf(body).toEqualTypeOf<{ count: number }>()
      expectTypeOf(who).toEqualTypeOf<Principal>()
      if (wants === 'html') return ok(seeOther('/login'))
      return cookie('session') === csrfToken() ? ok(noContent()) : fail('rate_limited', { seconds: '1' })
    },
  })
  route({
    ...facts,
    auth: 'public',
    fails: [],
    handle: ({ who }) => {
      expectTypeOf(who).toEqualTypeOf<Principal | null>()
      return ok(noContent())
    },
  })
})
