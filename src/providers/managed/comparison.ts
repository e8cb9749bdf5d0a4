/** What differs between two sets of settings, for the audit log and for a command that makes providers as declared. */
import { type AppError, fail } from '../../errors/catalogue.ts'
import { ok, type Result } from '../../kernel/result.ts'
import type { InvalidProvider, NewProvider } from '../managed.ts'
import type { StoredProvider } from '../ports.ts'
import { invalid, type SettingsChecks } from './checks.ts'
import { findPresent } from './records.ts'
import { type SettingsVersions, secretNames } from './versions.ts'

export type SettingChange = { setting: string; before: string | null; after: string | null }

/** What differs between a provider as it is and as it is declared. */
export type Comparison = {
  readonly exists: boolean
  readonly hasDraft: boolean
  readonly isEnabled: boolean
  /** With values before and after, except for secrets. */
  readonly changes: readonly SettingChange[]
  /** The settings to remove. */
  readonly removes: readonly string[]
  /** Whether its place in the list, or the expiry of its secret, differs. */
  readonly reorders: boolean
  readonly expires: boolean
}

/**
 * What it would take to make a provider as declared. A secret that is left out stays as it is stored; any other setting
 * that is left out is removed.
 */
export function compareWith(
  given: NewProvider,
  all: readonly StoredProvider[],
  versions: SettingsVersions,
  { check, hasMoved }: SettingsChecks,
): Result<Comparison, InvalidProvider | AppError<'provider_secret_required'>> {
  const { id, kind } = given
  const current = findPresent(all, id)
  const base = current && (current.draft ?? current.live)
  if (current && current.kind !== kind)
    return invalid([{ field: 'kind', message: 'cannot be changed; delete the provider, then add it again' }])
  const before = current && base ? versions.baseOf(current, base) : undefined
  const stored = before?.settings ?? {}
  const kept = secretNames(kind).flatMap((name) => {
    const value = stored[name]
    return value === undefined || Object.hasOwn(given.settings, name) ? [] : [[name, value] as const]
  })
  const settings = { ...given.settings, ...Object.fromEntries(kept) }
  const checked = check({ ...given, settings }, all)
  if (!checked.ok) return checked
  if (kept.length > 0 && hasMoved(before, checked.value)) return fail('provider_secret_required')
  return ok({
    exists: current !== undefined,
    hasDraft: current?.draft != null,
    isEnabled: current?.enabled ?? false,
    changes: changesBetween(stored, settings, kind),
    removes: Object.keys(stored).filter((name) => !Object.hasOwn(settings, name)),
    reorders: current !== undefined && given.position !== undefined && given.position !== current.position,
    expires:
      base != null &&
      given.secretExpiresAt !== undefined &&
      given.secretExpiresAt?.getTime() !== base.secretExpiresAt?.getTime(),
  })
}

/**
 * What changed, for the audit log. The value of a secret is not shown. A secret that was `given` counts as changed: if
 * the stored one alone changed nothing, anyone could try secrets until one is the stored one, without an audit entry.
 */
export function changesBetween(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  kind: string,
  given: Readonly<Record<string, string | null>> = {},
): SettingChange[] {
  const secret = new Set(secretNames(kind))
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return names.flatMap((setting) => {
    const [old, now] = [before[setting] ?? null, after[setting] ?? null]
    if (old === now && !(secret.has(setting) && now !== null && Object.hasOwn(given, setting))) return []
    if (!secret.has(setting)) return [{ setting, before: old, after: now }]
    return [{ setting, before: null, after: now === null ? null : 'changed' }]
  })
}

/** The settings after a change; those that are `null` in it are removed. */
export const withChanges = (
  before: Readonly<Record<string, string>>,
  change: Readonly<Record<string, string | null>>,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ ...before, ...change }).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  )

/** What changed besides the settings: the place in the list, and the expiry of the secret. */
export const otherChanges = (
  before: { readonly position: number; readonly secretExpiresAt: Date | null },
  after: { readonly position: number; readonly secretExpiresAt: Date | null },
): SettingChange[] => [
  ...(after.position === before.position
    ? []
    : [{ setting: 'order', before: String(before.position), after: String(after.position) }]),
  ...(after.secretExpiresAt?.getTime() === before.secretExpiresAt?.getTime()
    ? []
    : [
        {
          setting: 'secret_expires_at',
          before: before.secretExpiresAt?.toISOString() ?? null,
          after: after.secretExpiresAt?.toISOString() ?? null,
        },
      ]),
]
