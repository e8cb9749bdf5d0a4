/**
 * Metadata of accounts, pure: JSON that administrators and back ends write and applications read. It is bounded, because
 * it is read with the account at every request and is part of ID tokens.
 */
import { isDeepStrictEqual } from 'node:util'
import type { MetadataObject, MetadataValue } from './account.ts'

export const metadataLimits = {
  /** As UTF-8, written as JSON. */
  bytes: 4096,
  /** The keys of all objects together. */
  keys: 50,
  /** How deeply objects and lists are nested; the outermost object is the first level. */
  depth: 4,
} as const

/** `__proto__` is no key: a program that reads the claim could take it for something else. */
const keyForm = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/

/** A change of metadata, in the form of RFC 7396: `null` deletes a key, an object changes one, all else replaces it. */
export type MetadataPatch = { readonly [key: string]: unknown }

export type MetadataFault = {
  /** Where it is: the keys, from the outermost one. */
  readonly at: readonly string[]
  readonly code: 'too_long' | 'too_many' | 'too_deep' | 'invalid_key' | 'invalid'
  readonly params: Readonly<Record<string, string>>
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Every store keeps it unchanged: PostgreSQL refuses NUL and half of a surrogate pair, and large integers are rounded. */
const isPlain = (value: unknown): boolean => {
  if (typeof value === 'string') return /^[^\0\p{Cs}]*$/u.test(value)
  if (typeof value === 'number')
    return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
  return typeof value === 'boolean'
}

/** What is wrong with a patch, or with a value inside it; `undefined` if nothing is. Ends at the deepest allowed level. */
function shapeFault(value: unknown, at: readonly string[], mayDelete: boolean): MetadataFault | undefined {
  const inner = Array.isArray(value) ? value.entries() : isObject(value) ? Object.entries(value) : undefined
  if (inner === undefined)
    return isPlain(value) || (mayDelete && value === null) ? undefined : { at, code: 'invalid', params: {} }
  if (at.length >= metadataLimits.depth)
    return { at, code: 'too_deep', params: { limit: String(metadataLimits.depth) } }
  for (const [key, each] of inner) {
    if (typeof key === 'string' && !keyForm.test(key)) return { at, code: 'invalid_key', params: {} }
    // A list is replaced as a whole: there is nothing to delete in it.
    const fault = shapeFault(each, [...at, String(key)], mayDelete && typeof key === 'string')
    if (fault) return fault
  }
  return undefined
}

const countKeys = (value: MetadataValue): number => {
  if (typeof value !== 'object') return 0
  const own = Array.isArray(value) ? 0 : Object.keys(value).length
  return Object.values(value as MetadataObject).reduce<number>((sum, each) => sum + countKeys(each), own)
}

/** RFC 7396 §2, for a patch without faults. */
function merge(target: MetadataValue | undefined, patch: MetadataPatch): MetadataObject {
  const found = new Map(isObject(target) ? Object.entries(target as MetadataObject) : [])
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) found.delete(key)
    else found.set(key, isObject(value) ? merge(found.get(key), value) : (value as MetadataValue))
  }
  return Object.fromEntries(found)
}

/** The metadata after a patch, with the outermost keys that changed; or the first fault. */
export type PatchedMetadata =
  | { readonly tag: 'patched'; readonly metadata: MetadataObject; readonly changed: readonly string[] }
  | { readonly tag: 'refused'; readonly fault: MetadataFault }

/** `null` in place of a patch deletes all keys. */
export function patchMetadata(current: MetadataObject, given: MetadataPatch | null): PatchedMetadata {
  const refused = (fault: MetadataFault) => ({ tag: 'refused', fault }) as const
  const patch = given ?? Object.fromEntries(Object.keys(current).map((key) => [key, null]))
  const fault = shapeFault(patch, [], true)
  if (fault) return refused(fault)
  const metadata = merge(current, patch)
  const { keys, bytes } = metadataLimits
  if (countKeys(metadata) > keys) return refused({ at: [], code: 'too_many', params: { limit: String(keys) } })
  if (Buffer.byteLength(JSON.stringify(metadata)) > bytes)
    return refused({ at: [], code: 'too_long', params: { limit: `${bytes} bytes` } })
  const changed = Object.keys(patch).filter((key) => !isDeepStrictEqual(current[key], metadata[key]))
  return { tag: 'patched', metadata, changed }
}

/**
 * The patch that leads from what a person was shown to what they made of it. It changes only what they edited: what a
 * back end changed in the meantime stays. Faults stay in the patch, to be refused with it.
 */
export const patchOfEdit = (shown: MetadataPatch, edited: MetadataPatch): MetadataPatch =>
  [shown, edited].some((one) => shapeFault(one, [], true)) ? edited : patchBetween(shown, edited)

function patchBetween(before: MetadataPatch, after: MetadataPatch): MetadataPatch {
  const deleted = Object.keys(before).filter((key) => !Object.hasOwn(after, key))
  const changed = Object.entries(after).flatMap(([key, value]) => {
    const old = Object.hasOwn(before, key) ? before[key] : undefined
    if (isDeepStrictEqual(old, value)) return []
    return [[key, isObject(old) && isObject(value) ? patchBetween(old, value) : value] as const]
  })
  return Object.fromEntries([...deleted.map((key) => [key, null] as const), ...changed])
}
