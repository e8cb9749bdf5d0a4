/**
 * The providers in use on this node: those from the environment, those that administrators manage, and versions of
 * settings that are not live but that a sign-in in progress needs.
 */
import type { Clock } from '../../kernel/clock.ts'
import type { Provider, ProviderSettings } from '../provider.ts'
import type { ProviderState } from './state.ts'

/** A provider that administrators manage, with one version of its settings. */
export type ManagedSettings = {
  readonly settings: ProviderSettings
  readonly version: string
  /** Users cannot sign in with it, but grants that they withdraw are still revoked there. */
  readonly isDisabled?: boolean
}

type RegistryParts = {
  /** The providers from the environment, which stay as they are until the next start. */
  readonly settings: readonly ProviderSettings[]
  readonly createState: (settings: ProviderSettings, version: string | null) => ProviderState
  /** Called when the settings of a provider were replaced. */
  readonly onReplaced: (id: string) => void
  readonly formerSeconds: number
  readonly clock: Clock
}

export function createRegistry({ settings, createState, onReplaced, formerSeconds, clock }: RegistryParts) {
  /** The state of every version that is in use. A provider is a version: the object stands for its settings. */
  const states = new WeakMap<Provider, ProviderState>()
  const fixed = new Map(settings.map((one) => [one.id, register(one, null)]))
  /** The providers that users can sign in with, by ID and in their order. */
  let live: ReadonlyMap<string, ProviderState> = fixed
  /** Those that are disabled: only revocations reach them. */
  let resting: ReadonlyMap<string, ProviderState> = new Map()
  /** Drafts, and versions that were replaced while sign-ins may be in progress, by version. */
  const others = new Map<string, { readonly state: ProviderState; until: number }>()

  function register(one: ProviderSettings, version: string | null): ProviderState {
    const state = createState(one, version)
    states.set(state.provider, state)
    return state
  }

  /** Keeps a version for the sign-ins that began with it, and for as long as it is asked for. */
  function keep(version: string, state: ProviderState): Provider {
    others.set(version, { state, until: clock().getTime() + formerSeconds * 1000 })
    return state.provider
  }

  return {
    stateOf(provider: Provider): ProviderState {
      const found = states.get(provider)
      if (!found) throw new Error(`${provider.id} is not a provider here`)
      return found
    },

    /** The providers that users can sign in with, in their order. */
    live: (): readonly ProviderState[] => [...live.values()],
    get: (id: string): Provider | undefined => live.get(id)?.provider,
    /** The providers at which grants can be revoked: also those that are disabled. */
    revocable: (): readonly Provider[] => [...live.values(), ...resting.values()].map(({ provider }) => provider),

    /**
     * Replaces the providers that administrators manage, without a restart. One whose version is the same keeps its
     * breakers, its key sets and its discovery document. A version that is replaced still finishes the sign-ins that
     * began with it.
     */
    replace(managed: readonly ManagedSettings[]): void {
      const before = [...live, ...resting]
      const [next, disabled] = [new Map(fixed), new Map<string, ProviderState>()]
      for (const { settings: one, version, isDisabled = false } of managed) {
        // The environment takes precedence; the caller reports it.
        if (fixed.has(one.id)) continue
        const known = before.find(([, { provider }]) => provider.version === version)?.[1]
        const same = known ?? others.get(version)?.state
        others.delete(version)
        const set = isDisabled ? disabled : next
        set.set(one.id, same ?? register(one, version))
      }
      live = next
      resting = disabled
      for (const [id, state] of before) {
        if (next.get(id) === state || disabled.get(id) === state) continue
        if (state.provider.version !== null) keep(state.provider.version, state)
        onReplaced(id)
      }
    },
    /** The provider with this version of its settings, if this node has it in memory. */
    version(version: string): Provider | undefined {
      const current = [...live.values(), ...resting.values()].find(({ provider }) => provider.version === version)
      if (current) return current.provider
      const other = others.get(version)
      return other && keep(version, other.state)
    },
    /** The provider with settings that are not live: those of a draft, or those that a sign-in began with. */
    another: ({ settings: one, version }: ManagedSettings): Provider =>
      keep(version, others.get(version)?.state ?? register(one, version)),
    /** Closes the versions that no sign-in in progress can need any longer. */
    closeFormer(): void {
      const at = clock().getTime()
      for (const [version, { state, until }] of others)
        if (until <= at) {
          others.delete(version)
          state.close()
        }
    },
  }
}
