/**
 * The users of the sandbox providers, with each provider's data about them. A user has another subject at every
 * provider.
 */
import type { Person } from './look-alike.ts'
import { SCRIPTED } from './people.ts'
import { type AccountAt, forEachProvider, lookAlikeOf, type ProviderId } from './providers/index.ts'

/** A provider that is absent does not know this user. */
export type Identity = { readonly key: string; readonly title: string } & { [P in ProviderId]?: AccountAt<P> }

const identity = (person: Person, accountAt: (provider: ProviderId) => object): Required<Identity> => ({
  key: person.key,
  title: person.title ?? `${person.name}, ${person.email}`,
  // Each account was created by the look-alike of its provider.
  ...(forEachProvider(accountAt) as { [P in ProviderId]: AccountAt<P> }),
})

/** An ordinary user at every provider. */
export const person = (who: Person): Required<Identity> =>
  identity(who, (provider) => lookAlikeOf(provider).account(who))

const scripted = () =>
  SCRIPTED.map((who) =>
    identity(who, (provider) => {
      const lookAlike = lookAlikeOf(provider)
      const account = lookAlike.account(who)
      return lookAlike.people?.[who.key]?.(account, who) ?? account
    }),
  )

export function createIdentities() {
  const people = new Map<string, Identity>()
  const start = () => {
    people.clear()
    for (const who of scripted()) people.set(who.key, who)
  }
  start()
  return {
    get: (key: string): Identity | undefined => people.get(key),
    all: (): Identity[] => [...people.values()],
    /** Adds a user, or replaces the one with the same key. */
    set: (who: Identity) => void people.set(who.key, who),
    reset: start,
  }
}
export type Identities = ReturnType<typeof createIdentities>

export function subjectOf(who: Identity, provider: ProviderId): string | undefined {
  const account = who[provider]
  return account && lookAlikeOf(provider).subject(account)
}
