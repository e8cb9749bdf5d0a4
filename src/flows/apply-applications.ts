import { isDeepStrictEqual } from 'node:util'
import { type Applications, defaultsOf, type NewApplication, type Refused } from '../applications/applications.ts'
import { type ApplicationFault, faultsOf } from '../applications/faults.ts'
import type { Application, ApplicationChange } from '../applications/ports.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import { internalOrigin } from '../events/catalogue.ts'

/** An application as it should be. What is absent has its default. */
export type DeclaredApplication = NewApplication & {
  readonly id: string
  readonly enabled: boolean
  /** Absent: the stored secret is kept; a new application gets a generated one. */
  readonly secret?: string | undefined
}

/** What was done with an application, in this order. */
export type ApplicationStep = 'created' | 'changed' | 'secret_rotated' | 'enabled' | 'disabled'
export type AppliedApplication = {
  readonly id: string
  /** The members that differ. */
  readonly changes: readonly (keyof ApplicationChange)[]
  /** Empty if the application is as declared. */
  readonly steps: readonly ApplicationStep[]
  /** A secret that was generated now: it is shown only once. */
  readonly secret: string | null
  /** The members that a rule refuses. */
  readonly faults: readonly ApplicationFault[]
  /** Why it could not be made as declared. */
  readonly refusal: AppError | null
}

type Plan = {
  readonly one: DeclaredApplication
  readonly found: Application | undefined
  readonly applied: AppliedApplication
}

/**
 * Makes applications as declared, for a command. Applying the same again changes nothing. Everything is checked before
 * anything is changed. Applications that are not declared stay as they are.
 */
export function applyApplications({ applications }: { applications: Applications }) {
  const by = null

  /** All members that can be changed, with the defaults of those that are not declared. */
  function whole({
    id: _,
    kind,
    enabled: __,
    secret: ___,
    ...declared
  }: DeclaredApplication): Required<ApplicationChange> {
    return { ...defaultsOf(kind, declared.redirectUris), ...declared }
  }

  async function plan(one: DeclaredApplication): Promise<Plan> {
    const stored = await applications.get(one.id)
    const found = stored.ok ? stored.value : undefined
    const wanted = whole(one)
    const names = Object.keys(wanted) as (keyof ApplicationChange)[]
    const changes = found ? names.filter((name) => !isDeepStrictEqual(found[name], wanted[name])) : []
    const isSecretNew =
      found !== undefined && one.secret !== undefined && !applications.isCurrentSecret(found, one.secret)
    const faults: ApplicationFault[] = [
      ...faultsOf({
        ...wanted,
        kind: one.kind,
        source: found?.source ?? 'administrator',
        previousHash: null,
        previousUntil: null,
        disabledAt: null,
      }),
      // An application without a secret cannot become one with a secret: its code is where everyone can read it.
      ...(found && found.kind !== one.kind ? [{ path: 'kind', reason: 'invalid' } as const] : []),
      ...(one.secret !== undefined && wanted.clientAuth === 'none'
        ? [{ path: 'secret', reason: 'invalid' } as const]
        : []),
    ]
    const steps: readonly ApplicationStep[] = [
      ...(found ? [] : (['created'] as const)),
      ...(changes.length > 0 ? (['changed'] as const) : []),
      ...(isSecretNew ? (['secret_rotated'] as const) : []),
      ...(found && found.disabledAt !== null && one.enabled ? (['enabled'] as const) : []),
      ...(found?.disabledAt === null && !one.enabled ? (['disabled'] as const) : []),
      ...(!found && !one.enabled ? (['disabled'] as const) : []),
    ]
    return {
      one,
      found,
      applied: { id: one.id, changes, steps: faults.length > 0 ? [] : steps, secret: null, faults, refusal: null },
    }
  }

  async function take(step: ApplicationStep, one: DeclaredApplication) {
    const { id, kind, secret } = one
    switch (step) {
      case 'created':
        return applications.create(by, { kind, ...whole(one) }, internalOrigin, { id, secret })
      case 'changed':
        return applications.update(by, id, whole(one), internalOrigin)
      case 'secret_rotated':
        return secret === undefined
          ? fail('application_has_no_secret')
          : applications.rotateSecret(by, { id, secret }, internalOrigin)
      case 'enabled':
        return applications.enable(by, id, internalOrigin)
      case 'disabled':
        return applications.disable(by, id, internalOrigin)
    }
  }

  async function applyOne({ one, applied }: Plan): Promise<AppliedApplication> {
    const steps: ApplicationStep[] = []
    let generated: string | null = null
    for (const step of applied.steps) {
      const done = await take(step, one)
      if (!done.ok) {
        const refusal: AppError | Refused = done.error
        // What only the service finds out, such as a list at another URL.
        if ('fields' in refusal) return { ...applied, steps, secret: generated, faults: refusal.fields }
        return { ...applied, steps, secret: generated, refusal }
      }
      steps.push(step)
      if (step === 'created' && one.secret === undefined && 'secret' in done.value) generated = done.value.secret
    }
    return { ...applied, steps, secret: generated }
  }

  /** With `dryRun`, the result is what would be done. */
  return async function apply(
    declared: readonly DeclaredApplication[],
    { dryRun }: { dryRun: boolean },
  ): Promise<{ readonly applied: boolean; readonly applications: readonly AppliedApplication[] }> {
    const plans: Plan[] = []
    for (const one of declared) plans.push(await plan(one))
    if (dryRun || plans.some(({ applied }) => applied.faults.length > 0))
      return { applied: false, applications: plans.map(({ applied }) => applied) }
    const done: AppliedApplication[] = []
    for (const one of plans) done.push(await applyOne(one))
    return { applied: true, applications: done }
  }
}
