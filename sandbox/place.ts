/** The state of one look-alike, derived from what its file declares. */
import { createRegistry } from './clients.ts'
import { createCodes } from './codes.ts'
import { createGrants } from './grants.ts'
import type { Identities, Identity } from './identities.ts'
import { createKeyRing } from './keys.ts'
import type { Holder, Place } from './look-alike.ts'
import { CALLBACK_NAME, lookAlikeOf, type ProviderId, type Switches } from './providers/index.ts'

export type SharedState = {
  /** The URL of the sandbox. Empty until the server listens. */
  readonly url: () => string
  readonly now: () => Date
  readonly mode: Readonly<{ as: string; deny: boolean }>
  readonly identities: Identities
  readonly switches: Switches
  readonly appOrigin: string | undefined
}

export function createPlace(provider: ProviderId, shared: SharedState): Place<object, object> {
  const { now, mode, identities, switches, appOrigin } = shared
  const lookAlike = lookAlikeOf(provider)
  const holder = (who: Identity): Holder<object | undefined> => ({
    key: who.key,
    title: who.title,
    account: who[provider],
  })
  const find = (matches: (account: object) => boolean): Holder<object | undefined> | undefined => {
    const found = identities.all().find((who) => who[provider] !== undefined && matches(who[provider]))
    return found && holder(found)
  }
  const get = (key: string) => {
    const who = identities.get(key)
    return who && holder(who)
  }
  return {
    get url() {
      return `${shared.url()}/${provider}`
    },
    prefix: `/${provider}`,
    label: lookAlike.label,
    now,
    mode,
    switches: switches[provider],
    client: lookAlike.client,
    registry: createRegistry(lookAlike.client, `/auth/${CALLBACK_NAME[provider]}/callback`, appOrigin),
    codes: createCodes(now),
    grants: createGrants(now),
    keys: createKeyRing(CALLBACK_NAME[provider]),
    alg: () => lookAlike.alg?.(switches[provider]) ?? 'RS256',
    people: {
      all: () =>
        identities.all().flatMap(({ key, title, [provider]: account }) => (account ? [{ key, title, account }] : [])),
      get,
      hinted: (hint) =>
        get(hint) ??
        find((account) => lookAlike.subject(account) === hint || lookAlike.hints?.(account).includes(hint) === true),
      bySubject: (subject) => find((account) => lookAlike.subject(account) === subject)?.account,
      subjectOf(key) {
        const account = get(key)?.account
        return account && lookAlike.subject(account)
      },
    },
  }
}
