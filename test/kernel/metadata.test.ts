import { describe, expect, test } from 'vitest'
import type { MetadataObject } from '../../src/kernel/account.ts'
import { type MetadataPatch, metadataLimits, patchMetadata, patchOfEdit } from '../../src/kernel/metadata.ts'

const outcome = (current: MetadataObject, patch: MetadataPatch | null): unknown => {
  const result = patchMetadata(current, patch)
  return result.tag === 'patched' ? [result.metadata, result.changed] : result.fault.code
}
/** As a request has it: `__proto__` is a key like any other. */
const json = (text: string): MetadataPatch => JSON.parse(text) as MetadataPatch
const nested = (levels: number): MetadataPatch => json(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`)

describe('metadata', () => {
  // Appendix A of RFC 7396, where both are objects and the keys are allowed here.
  test.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    [{ a: 1, b: [2] }, null, {}],
  ])('%j with the patch %j becomes %j', (current, patch, expected) => {
    const result = patchMetadata(current, patch)
    expect(result).toMatchObject({ tag: 'patched', metadata: expected })
  })

  test('names the outermost keys that changed, and none without a change', () => {
    const current = { plan: 'team', limits: { seats: 5 } }
    expect(outcome(current, { plan: 'team', limits: { seats: 6 }, trial: null, since: 2026 })).toEqual([
      { plan: 'team', limits: { seats: 6 }, since: 2026 },
      ['limits', 'since'],
    ])
    expect(outcome(current, { plan: 'team', limits: {}, gone: null })).toEqual([current, []])
  })

  test.each([
    ['a key that some programs take for something else', '{"__proto__":{"admin":true}}', 'invalid_key'],
    ['the same, deeper', '{"a":{"__proto__":1}}', 'invalid_key'],
    ['an empty key', '{"":1}', 'invalid_key'],
    ['a key with a space', '{"a b":1}', 'invalid_key'],
    ['a long key', `{"${'a'.repeat(65)}":1}`, 'invalid_key'],
    ['a list with null', '{"a":[null]}', 'invalid'],
    ['an object with null in a list', '{"a":[{"b":null}]}', 'invalid'],
    ['a NUL', '{"a":"\\u0000"}', 'invalid'],
    ['half of a surrogate pair', '{"a":"\\ud800"}', 'invalid'],
    ['an integer that would be rounded', '{"a":12345678901234567890}', 'invalid'],
    ['a number without end', '{"a":1e999}', 'invalid'],
    ['a deep list', '{"a":[[[[1]]]]}', 'too_deep'],
    ['a very deep list', `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, 'too_deep'],
  ])('refuses %s', (_, text, code) => {
    expect(outcome({}, json(text))).toBe(code)
  })

  test('has limits that hold for the result, not for the patch', () => {
    expect(outcome({}, nested(metadataLimits.depth))).toEqual([nested(4), ['a']])
    expect(outcome({}, nested(metadataLimits.depth + 1))).toBe('too_deep')
    const full = Object.fromEntries(Array.from({ length: metadataLimits.keys }, (_, at) => [`k${at}`, at]))
    expect(outcome(full, { another: 1 })).toBe('too_many')
    expect(outcome(full, { another: 1, k0: null })).toEqual([
      expect.objectContaining({ another: 1 }),
      ['another', 'k0'],
    ])
    const most = { a: 'é'.repeat((metadataLimits.bytes - '{"a":""}'.length) / 2) }
    expect(outcome({}, most)).toEqual([most, ['a']])
    expect(outcome(most, { b: 1 })).toBe('too_long')
  })

  test('an edit of everything changes only what was edited', () => {
    const shown = { plan: 'free', limits: { seats: 5, days: 7 }, tags: ['a'] }
    const edited = { plan: 'team', limits: { seats: 5 }, since: 2026 }
    const patch = patchOfEdit(shown, edited)
    expect(patch).toEqual({ plan: 'team', limits: { days: null }, since: 2026, tags: null })
    const changed = { ...shown, limits: { ...shown.limits, disk: 9 }, score: 1 }
    expect(outcome(changed, patch)).toEqual([
      { plan: 'team', limits: { seats: 5, disk: 9 }, since: 2026, score: 1 },
      ['tags', 'plan', 'limits', 'since'],
    ])
    expect(patchOfEdit(shown, shown)).toEqual({})
    expect(outcome(shown, patchOfEdit(shown, nested(20_000)))).toBe('too_deep')
  })

  test('an edit leads to what was typed, whatever it was before', () => {
    let seed = 7
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    const value = (depth: number): MetadataObject[string] => {
      const kind = random(depth > 2 ? 3 : 5)
      if (kind === 0) return random(3)
      if (kind === 1) return `t${random(3)}`
      if (kind === 2) return random(2) === 0
      return kind === 3 ? [value(depth + 1)] : object(depth + 1)
    }
    const object = (depth: number): MetadataObject =>
      Object.fromEntries(Array.from({ length: random(5) }, () => [`k${random(5)}`, value(depth)]))
    for (let round = 0; round < 2000; round++) {
      const [shown, edited] = [object(0), object(0)]
      expect(patchMetadata(shown, patchOfEdit(shown, edited))).toMatchObject({ tag: 'patched' })
      const result = patchMetadata(shown, patchOfEdit(shown, edited))
      if (result.tag === 'patched') expect(result.metadata).toEqual(edited)
    }
  })
})
