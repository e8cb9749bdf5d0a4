import type { AppError } from '../errors/catalogue.ts'
import { internalOrigin } from '../events/catalogue.ts'
import type { Comparison } from '../providers/managed/comparison.ts'
import type { ManagedProviders } from '../providers/managed/managed-providers.ts'
import type { InvalidProvider, ManageCode } from '../providers/managed.ts'

/** A provider as it should be. A secret that is absent is kept as it is stored; any other absent setting is removed. */
export type DeclaredProvider = {
  readonly id: string
  readonly kind: string
  readonly enabled: boolean
  readonly order?: number | undefined
  readonly secretExpiresAt?: Date | null | undefined
  readonly settings: Readonly<Record<string, string>>
}

/** What was done with a provider, in this order. */
export type ApplyStep = 'created' | 'changed' | 'published' | 'enabled' | 'disabled'
export type AppliedProvider = {
  readonly id: string
  readonly changes: Comparison['changes']
  /** Empty if the provider is as declared. */
  readonly steps: readonly ApplyStep[]
  /** Why it is not as declared. */
  readonly refusal: AppError<ManageCode> | InvalidProvider | null
}

type ApplyProvidersParts = { managed: ManagedProviders }

/**
 * Makes providers as declared, for a command. Applying the same again changes nothing. Everything is checked before
 * anything is changed. Changes become live at once, without a trial: the audit log records that as `forced`.
 */
export function applyProviders({ managed }: ApplyProvidersParts) {
  const by = null

  /** The steps that a provider needs. A declared provider is live even while it is disabled. */
  function stepsFor(declared: DeclaredProvider, found: Comparison): readonly ApplyStep[] {
    const { exists, hasDraft, isEnabled, changes, reorders, expires } = found
    const isChanged = changes.length > 0
    return [
      ...(exists ? [] : (['created'] as const)),
      ...(exists && (isChanged || reorders || expires) ? (['changed'] as const) : []),
      ...(!exists || hasDraft || isChanged ? (['published'] as const) : []),
      ...(declared.enabled && !isEnabled ? (['enabled'] as const) : []),
      ...(!declared.enabled && isEnabled ? (['disabled'] as const) : []),
    ]
  }

  /** `revision`: the result of the step before. Nothing is published that another administrator changed since. */
  async function take(step: ApplyStep, declared: DeclaredProvider, found: Comparison, revision: number | undefined) {
    const { id, kind, settings, order: position, secretExpiresAt } = declared
    const also = {
      ...(position === undefined ? {} : { position }),
      ...(secretExpiresAt === undefined ? {} : { secretExpiresAt }),
    }
    switch (step) {
      case 'created':
        return managed.create(by, { id, kind, settings, ...also }, internalOrigin)
      case 'changed': {
        const removed = Object.fromEntries(found.removes.map((name) => [name, null]))
        // A secret that is sent makes a draft. If only the order differs, nothing would publish it.
        const changed = found.changes.length > 0 ? { settings: { ...removed, ...settings } } : {}
        return managed.change(by, id, { ...changed, ...also }, internalOrigin)
      }
      case 'published':
        return managed.goLive(by, id, { force: true, revision }, internalOrigin)
      case 'enabled':
        return managed.enable(by, id, { force: true }, internalOrigin)
      case 'disabled':
        return managed.disable(by, id, internalOrigin)
    }
  }

  async function applyOne(declared: DeclaredProvider, found: Comparison): Promise<AppliedProvider> {
    const done: ApplyStep[] = []
    let revision: number | undefined
    for (const step of stepsFor(declared, found)) {
      const taken = await take(step, declared, found, revision)
      if (!taken.ok) return { id: declared.id, changes: found.changes, steps: done, refusal: taken.error }
      done.push(step)
      revision = taken.value.record?.revision
    }
    return { id: declared.id, changes: found.changes, steps: done, refusal: null }
  }

  /** With `dryRun`, the result is what would be done. */
  return async function apply(
    declared: readonly DeclaredProvider[],
    { dryRun }: { dryRun: boolean },
  ): Promise<{ readonly applied: boolean; readonly providers: readonly AppliedProvider[] }> {
    const compared: { readonly one: DeclaredProvider; readonly found: Awaited<ReturnType<typeof managed.compare>> }[] =
      []
    for (const one of declared) {
      const { order: position, secretExpiresAt, id, kind, settings } = one
      const given = {
        id,
        kind,
        settings,
        ...(position === undefined ? {} : { position }),
        ...(secretExpiresAt === undefined ? {} : { secretExpiresAt }),
      }
      compared.push({ one, found: await managed.compare(given) })
    }
    if (dryRun || compared.some(({ found }) => !found.ok))
      return {
        applied: false,
        providers: compared.map(({ one: { id }, one, found }) =>
          found.ok
            ? { id, changes: found.value.changes, steps: stepsFor(one, found.value), refusal: null }
            : { id, changes: [], steps: [], refusal: found.error },
        ),
      }
    const providers: AppliedProvider[] = []
    for (const { one, found } of compared) if (found.ok) providers.push(await applyOne(one, found.value))
    return { applied: true, providers }
  }
}
