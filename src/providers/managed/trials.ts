/** Tries drafts before they go live: an administrator signs in with one, or its settings are tested. */
import { type AppError, fail } from '../../errors/catalogue.ts'
import type { Origin } from '../../events/catalogue.ts'
import { type Clock, secondsAfter } from '../../kernel/clock.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import type { Examination } from '../examine.ts'
import type { Trial, UnknownProvider } from '../managed.ts'
import type { Provider } from '../provider.ts'
import type { Providers } from '../providers.ts'
import type { ProviderDirectory } from './directory.ts'
import type { LiveSettings } from './loading.ts'
import { findPresent, recordOf } from './records.ts'
import type { SettingsVersions } from './versions.ts'

/** How long the result of a trial can be read, in seconds. */
const trialSeconds = 3600

type TrialsParts = {
  directory: ProviderDirectory
  versions: SettingsVersions
  live: LiveSettings
  providers: Providers
  clock: Clock
}

export function createTrials({ directory, versions, live, providers, clock }: TrialsParts) {
  return {
    /** Tests discovery and client authentication with the draft, or with the live settings if there is none. */
    async check(id: string): Promise<Result<Examination, AppError<'provider_not_found'>>> {
      const fixedOne = directory.isFixed(id) ? providers.get(id) : undefined
      if (fixedOne) return ok(await providers.examine(fixedOne))
      const found = await directory.stored(id)
      const version = found.ok ? (found.value.draft ?? found.value.live) : null
      const provider = found.ok && version ? live.open(found.value, version) : undefined
      return provider
        ? ok(await providers.examine(provider))
        : fail('provider_not_found', { provider: id.slice(0, 40) })
    },

    /** The provider as its draft describes it, to try it. */
    async openDraft(
      id: string,
    ): Promise<
      Result<{ provider: Provider; version: number }, UnknownProvider | AppError<'provider_version_not_found'>>
    > {
      const found = await directory.stored(id)
      if (!found.ok) return found
      const { draft } = found.value
      const provider = draft ? live.open(found.value, draft) : undefined
      return draft && provider ? ok({ provider, version: draft.version }) : fail('provider_version_not_found')
    },

    /**
     * Stores the result of a trial for the person who made it. A draft whose author signed in with it can become live.
     * Returns `false` if the draft was replaced in the meantime.
     */
    async saveTrial(
      id: string,
      versionId: string,
      trial:
        | Omit<Extract<Trial, { outcome: 'failed' }>, 'version'>
        | Omit<Extract<Trial, { outcome: 'signed_in' }>, 'version'>,
      origin: Origin,
    ): Promise<boolean> {
      const saved = await directory.change<'replaced'>(id, (all) => {
        const current = findPresent(all, id)
        const draft = current?.draft
        if (!current || draft?.id !== versionId) return err('replaced')
        const at = clock()
        const { by } = trial
        const isPassed = trial.outcome === 'signed_in' && trial.restriction === null
        const isTried = isPassed && (draft.author === null || draft.author === by)
        return ok({
          record: { ...recordOf(current), revision: current.revision + 1 },
          versions: [
            {
              ...draft,
              triedAt: isTried ? at : draft.triedAt,
              trial: versions.sealTrial(versionId, { ...trial, version: draft.version }),
              trialExpiresAt: secondsAfter(at, trialSeconds),
            },
          ],
          because: isPassed
            ? [{ name: 'provider.tried', accountId: by, origin, data: { provider: id, version: draft.version, by } }]
            : [],
        })
      })
      return saved.ok
    },

    /** The result of this person's last trial of the draft. */
    async trial(
      by: string,
      id: string,
    ): Promise<Result<Trial, UnknownProvider | AppError<'provider_trial_not_found'>>> {
      const found = await directory.stored(id)
      if (!found.ok) return found
      const { draft } = found.value
      const isOpen = draft?.trialExpiresAt && draft.trialExpiresAt > clock()
      if (!draft?.trial || !isOpen) return fail('provider_trial_not_found')
      const trial = versions.openTrial(draft.id, draft.trial)
      return trial?.by === by ? ok(trial) : fail('provider_trial_not_found')
    },
  }
}
