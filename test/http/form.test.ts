import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { fail } from '../../src/errors/catalogue.ts'
import { apiRoutes } from '../../src/http/api/index.ts'
import { formOf, signInFormOf } from '../../src/http/form.ts'
import { pageRoutes } from '../../src/http/pages/index.ts'
import { json, noContent, seeOther } from '../../src/http/reply.ts'
import { type Input, object, type Principal, type Route, route } from '../../src/http/route.ts'
import { ok } from '../../src/kernel/result.ts'

const named = ({ method, path }: Pick<Route, 'method' | 'path'>): string => `${method.toUpperCase()} ${path}`
const acts = pageRoutes.filter(({ method }) => method !== 'get')
const derived = acts.flatMap((form) => (form.act ? [{ form, act: form.act }] : []))

/** Acts of pages that no API route does as well, and why. Any other is derived from the API route that does the same. */
const withoutApiRoute: Readonly<Record<string, string>> = {
  'POST /auth/conflicts/:ticket': 'is the API route as well: apps send it JSON',
  'POST /device': 'answers the request of a device, which has no program that could call an API for the person',
  'POST /language': 'sets a cookie of the browser, also for a visitor without an account',
  'POST /login/password': 'is one of three grants of POST /auth/token, which takes no cookie and has errors of OAuth',
  'POST /oauth/authorize': 'is a form of the application, as OpenID Connect Core specifies',
  'POST /oauth/interaction/:uid': 'belongs to a request of an application that only a browser carries',
  'POST /oauth/logout': 'is a form of the application, as RP-initiated logout specifies',
  'POST /oauth/logout/confirm': 'confirms what the application asked for',
}

describe('an act of a page', () => {
  test('is derived from the API route that does the same', () => {
    const others = acts.filter(({ act }) => !act).map(named)
    expect(others.sort()).toEqual(Object.keys(withoutApiRoute))
    expect(derived.filter(({ act }) => !(apiRoutes as readonly Route<never>[]).includes(act))).toEqual([])
  })

  test.each(derived.map(({ form, act }) => [named(form), named(act), form, act] as const))(
    '%s checks what %s checks',
    (_, __, form, act) => {
      const checksOf = ({ scope, limit, params }: Route<never>) => ({ scope, limit, params })
      expect(checksOf(form)).toEqual(checksOf(act))
      expect(form.auth).toBe(act.auth === 'none' ? 'public' : act.auth)
      expect(form.fails).toEqual(expect.arrayContaining([...act.fails]))
      // A form of an act without a body has no fields.
      if (!act.body) expect(form.body).toBeUndefined()
    },
  )
})

type Vinculum = { readonly rename: (name: string | null) => boolean }
const act = route({
  method: 'patch',
  path: '/things/:id',
  summary: 'Rename a thing',
  tag: 'Things',
  surface: 'api',
  auth: 'recent',
  scope: 'users:write',
  limit: 'account',
  params: object({ id: z.string() }),
  body: object({ name: z.string().min(1).nullable() }),
  reply: z.object({ id: z.string() }),
  fails: ['account_not_found'],
  handle: ({ params, body }, { rename }: Vinculum) =>
    rename(body.name) ? ok(json({ id: params.id })) : { ...fail('account_not_found'), faults: [] },
})
const place = { path: '/things/:id/rename', summary: 'Rename a thing in a browser' } as const
const given = { params: { id: 'one' }, body: { name: 'x' } } as unknown as Input<never, never, never, 'user'>
const accepts: Vinculum = { rename: () => true }
const refuses: Vinculum = { rename: () => false }

describe('formOf', () => {
  test('declares what its act declares, and asks for no session where its act looks at none', () => {
    const form = formOf(act, { ...place, done: () => seeOther('/'), fails: ['ticket_invalid'] })
    expect(form).toMatchObject({
      ...place,
      act,
      method: 'post',
      surface: 'browser',
      auth: 'recent',
      scope: 'users:write',
      limit: 'account',
      fails: ['account_not_found', 'ticket_invalid'],
      params: act.params,
      body: act.body,
    })
    const open = route({ ...act, auth: 'none', fails: [], handle: () => ok(noContent()) })
    expect(formOf(open, { ...place, done: () => seeOther('/') }).auth).toBe('public')
  })

  test('does the act, and then answers with what it returned', async () => {
    const form = formOf(act, { ...place, done: ({ body }, { id }) => seeOther(`/${id}/${body.name}`) })
    expect(await form.handle(given, accepts)).toEqual(ok(seeOther('/one/x')))
  })

  test('answers an error as the act does, unless it shows it on a page', async () => {
    const plain = formOf(act, { ...place, done: () => seeOther('/') })
    expect(await plain.handle(given, refuses)).toEqual({ ...fail('account_not_found'), faults: [] })
    const shown = formOf(act, {
      ...place,
      done: () => seeOther('/'),
      failed: ({ error }) => ok(seeOther(`/${error.code}`)),
    })
    expect(await shown.handle(given, refuses)).toEqual(ok(seeOther('/account_not_found')))
  })

  test('does not do the act where the form answers before it', async () => {
    const never: Vinculum = {
      rename: () => {
        throw new Error('done all the same')
      },
    }
    const form = formOf(act, {
      ...place,
      before: ({ body }) => (body.name === 'x' ? ok(seeOther('/before')) : undefined),
      done: () => seeOther('/'),
    })
    expect(await form.handle(given, never)).toEqual(ok(seeOther('/before')))
  })

  test('does not compile with fields that are not read into the body of the act, or with an error nobody declared', () => {
    formOf(act, {
      ...place,
      fields: object({ name: z.string().transform((name) => name || null) }),
      done: ({ who, params, body }, value) => {
        expectTypeOf(who).toEqualTypeOf<Principal>()
        expectTypeOf(params).toEqualTypeOf<{ id: string }>()
        expectTypeOf(body).toEqualTypeOf<{ name: string | null }>()
        expectTypeOf(value).toEqualTypeOf<{ id: string }>()
        return seeOther('/')
      },
    })
    formOf(act, {
      ...place,
      // @ts-expect-error the act needs a name
      fields: object({ title: z.string() }),
      done: () => seeOther('/'),
    })
    formOf(act, {
      ...place,
      // @ts-expect-error ticket_invalid is neither an error of the act nor among `fails`
      before: () => fail('ticket_invalid'),
      done: () => seeOther('/'),
    })
    const finish = route({ ...act, auth: 'none', fails: ['ticket_invalid'], handle: () => ok(noContent()) })
    signInFormOf(finish, {
      ...place,
      fields: object({ code: z.string() }),
      handle: ({ who, body }) => {
        expectTypeOf(who).toEqualTypeOf<Principal | null>()
        expectTypeOf(body).toEqualTypeOf<{ code: string }>()
        return fail('ticket_invalid')
      },
    })
  })
})
