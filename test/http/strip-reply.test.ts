import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { apiRoutes } from '../../src/http/api/index.ts'
import { examples } from '../../src/http/openapi/examples.ts'
import { operationIdOf } from '../../src/http/openapi/outcomes.ts'
import { stripperOf } from '../../src/http/strip-reply.ts'

const Reply = z.object({
  id: z.string(),
  count: z.number().nullable(),
  state: z.enum(['on', 'off']).optional(),
  kind: z.literal('thing'),
  flags: z.array(z.boolean()),
  inner: z.strictObject({ at: z.iso.datetime() }).nullable(),
  notes: z.record(z.string(), z.unknown()).optional(),
})
const List = z.object({ list: z.array(z.object({ id: z.string() })) })
const reply = { id: 'a', count: 1, kind: 'thing', flags: [true, false], inner: { at: '2026-01-01T00:00:00.000Z' } }

describe('a reply', () => {
  test.each([
    ['as it is', reply],
    ['with an optional field', { ...reply, state: 'on' }],
    ['with nulls', { ...reply, count: null, inner: null }],
    ['with any names and values, where those are free', { ...reply, notes: { a: { b: [1] } } }],
  ])('%s leaves without being copied', (_, value) => {
    expect(stripperOf(() => Reply)(value)).toBe(value)
  })

  test('that inherits its fields, which JSON would omit, is copied', () => {
    expect(JSON.parse(JSON.stringify(stripperOf(() => Reply)(Object.create(reply))))).toEqual(reply)
  })

  test('loses a field that its schema does not name', () => {
    expect(stripperOf(() => Reply)({ ...reply, secret: 'x' })).toEqual(reply)
    expect(stripperOf(() => List)({ list: [{ id: 'a', more: 1 }] })).toEqual({ list: [{ id: 'a' }] })
  })

  test.each([
    ['lacks a field', { ...reply, id: undefined }],
    ['has a value of another type', { ...reply, id: 1 }],
    ['has a number that JSON cannot express', { ...reply, count: Number.NaN }],
    ['has a value that is not in the list', { ...reply, state: 'broken' }],
    ['has another literal', { ...reply, kind: 'other' }],
    ['has a wrong element', { ...reply, flags: [1] }],
    ['has an unknown field in a strict object', { ...reply, inner: { ...reply.inner, more: 1 } }],
    ['has a list instead of names', { ...reply, notes: [1] }],
    ['is a list', [reply]],
    ['is null', null],
  ])('that %s is a defect', (_, value) => {
    expect(() => stripperOf(() => Reply)(value)).toThrow(z.ZodError)
  })

  test('of a schema that changes its values is changed', () => {
    const changing = z.object({ name: z.string().trim(), size: z.number().default(3) })
    expect(stripperOf(() => changing)({ name: ' a ' })).toEqual({ name: 'a', size: 3 })
  })

  test('is, whatever its fields are, what parsing returns', () => {
    const scalar = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.constant(undefined))
    const something = fc.record(
      {
        id: scalar,
        count: scalar,
        state: fc.oneof(scalar, fc.constantFrom('on', 'off')),
        kind: fc.oneof({ weight: 4, arbitrary: fc.constant('thing') }, { weight: 1, arbitrary: scalar }),
        flags: fc.oneof(fc.array(fc.boolean()), fc.array(scalar)),
        notes: fc.oneof(scalar, fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), scalar)),
        inner: fc.oneof(fc.constant(null), fc.record({ at: fc.constant('2026-01-01T00:00:00Z'), more: scalar })),
        more: scalar,
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(something, (value) => {
        const parsed = Reply.safeParse(value)
        if (parsed.success) expect(JSON.stringify(stripperOf(() => Reply)(value))).toBe(JSON.stringify(parsed.data))
        else expect(() => stripperOf(() => Reply)(value)).toThrow(z.ZodError)
      }),
    )
  })

  const documented = apiRoutes.flatMap(({ reply, example, ...route }) => {
    const response = example?.response ?? examples[operationIdOf(route)]?.response
    return reply && response !== undefined ? [{ id: operationIdOf(route), reply, response }] : []
  })

  test.each(['get_me', 'post_auth_refresh', 'post_oauth_token'])('of %s leaves without being copied', (wanted) => {
    const found = documented.filter(({ id }) => id === wanted)
    expect(found).toHaveLength(1)
    for (const { reply, response } of found) expect(stripperOf(() => reply)(response)).toBe(response)
  })

  test('of every documented example is what parsing returns', () => {
    expect(documented.length).toBeGreaterThan(50)
    const stale = documented.filter(({ reply, response }) => !reply.safeParse(response).success).map(({ id }) => id)
    expect(stale).toEqual([])
    for (const { id, reply, response } of documented)
      expect(stripperOf(() => reply)(response), id).toEqual(reply.parse(response))
  })
})
