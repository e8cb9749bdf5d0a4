import type { Clock } from '../kernel/clock.ts'
import { createSealer, deriveKey, type KeyRing, keyIdOf, type Sealer, UnopenableError } from '../kernel/crypto.ts'
import { type Random, secretToken } from '../kernel/ids.ts'
import type { Ledger, LedgerChange, RegisteredKey, RingEvidence, SealedStore, SealedValue, Tally } from './ports.ts'

/** The keys in `ENCRYPTION_KEYS` do not match the stored data. The message is for the operator; nothing was changed. */
export class KeyRingError extends Error {
  override name = 'KeyRingError'
}

type OpenRingParts = { store: SealedStore; ring: KeyRing; sealer: Sealer; clock: Clock; random: Random }

/** Purposes of keys derived from the root secret. They must outlive the keys that seal the root secret. */
type Purpose = (typeof carriedPurposes)[number] | 'pairwise subjects' | 'dpop nonces'
/** Those that a database without a root secret derived from its ring. */
const carriedPurposes = ['csrf', 'ticket codes', 'recovery codes'] as const

/**
 * `carried` holds the keys that an older database derived directly from its ring. Recovery codes on paper are stored as
 * hashes under one of them, and cannot be hashed again.
 */
type RootSecret = { readonly root: string; readonly carried: Readonly<Record<string, readonly string[]>> }

const proofPlace = (id: string): string => `sealing_keys/${id}/proof`
const rootPlace = proofPlace('root:')
const proofWord = 'vinculum'
/** How often a node looks again because another one has changed the ledger. Nodes with one ring need two rounds. */
const mostRounds = 10

/** For instance `grants: 12, flows: 1`. */
export const tallyText = (tally: Tally): string => tally.map(({ table, values }) => `${table}: ${values}`).join(', ')

/** Whether this value opens. Any error other than `UnopenableError` is a defect. */
export function opens(sealer: Sealer, { sealed, place }: Pick<SealedValue, 'sealed' | 'place'>): boolean {
  try {
    sealer.open(sealed, place)
    return true
  } catch (error) {
    if (error instanceof UnopenableError) return false
    throw error
  }
}

/** Names of available keys that the database knows with other key material. */
export const wrongKeys = ({ keys }: Ledger, ring: KeyRing, sealer: Sealer): readonly string[] =>
  keys
    .filter(
      ({ id, proof }) => ring.some((one) => one.id === id) && !opens(sealer, { sealed: proof, place: proofPlace(id) }),
    )
    .map(({ id }) => id)

/**
 * Runs before anything else is decrypted or written. It checks that the given keys are those this database knows, and
 * that no key in use is missing. Otherwise it throws a `KeyRingError` without changing anything.
 *
 * It costs one small read, and examines sealed values only if the ring has changed.
 */
export async function openRing({ store, ring, sealer, clock, random }: OpenRingParts) {
  const ids = ring.map(({ id }) => id)

  const refuseWrong = (ledger: Ledger): void => {
    for (const id of wrongKeys(ledger, ring, sealer))
      throw new KeyRingError(
        `ENCRYPTION_KEYS: the key ${id} differs from the key that this database knows by that name, and stored values are encrypted with that other key. Nothing was changed. Start with the original key; give a new key a new name.`,
      )
  }

  const refuseMissing = ({ left }: RingEvidence): void => {
    for (const { key, tally } of left)
      if (tally.length > 0)
        throw new KeyRingError(
          `ENCRYPTION_KEYS: the key ${key} is missing, and values are still encrypted with it (${tallyText(tally)}). Nothing was changed. Add the key back at the end of the list, run “npm start -- reseal”, and remove the key when the command has succeeded.`,
        )
  }

  const refuseUnopened = ({ samples, signingKeys }: RingEvidence): void => {
    const unopened = [...signingKeys, ...samples].find((value) => !opens(sealer, value))
    if (!unopened) return
    const id = keyIdOf(unopened.sealed)
    throw new KeyRingError(
      `ENCRYPTION_KEYS: values in ${unopened.table} are encrypted with ${ids.includes(id) ? `another key than the one listed as ${id}` : `the key ${id}, which is not listed`}. Nothing was changed. Start with the keys that encrypted them; a generated key is in the file encryption-keys next to the database.`,
    )
  }

  const registered = (one: KeyRing[number], at: Date): RegisteredKey => ({
    id: one.id,
    proof: createSealer([one], random).seal(proofWord, proofPlace(one.id)),
    createdAt: at,
  })

  /** Keeps forms, emailed codes and recovery codes valid: a database in use keeps the keys that its ring gave it. */
  const newRoot = (inUse: boolean): RootSecret => ({
    root: secretToken(random),
    carried: Object.fromEntries(
      (inUse ? carriedPurposes : []).map((purpose) => [
        purpose,
        ring.map(({ key }) => deriveKey(key, purpose).toString('base64url')),
      ]),
    ),
  })

  const decide = (evidence: RingEvidence): LedgerChange => {
    refuseWrong(evidence.ledger)
    refuseMissing(evidence)
    refuseUnopened(evidence)
    const at = clock()
    const known = new Set(evidence.ledger.keys.map(({ id }) => id))
    return {
      register: ring.filter(({ id }) => !known.has(id)).map((one) => registered(one, at)),
      forget: evidence.left.map(({ key }) => key),
      ...(evidence.ledger.root === null && {
        root: {
          sealed: sealer.seal(JSON.stringify(newRoot(evidence.signingKeys.length > 0)), rootPlace),
          createdAt: at,
        },
      }),
    }
  }

  const settled = ({ keys, root }: Ledger): boolean =>
    root !== null && keys.length === ids.length && keys.every(({ id }) => ids.includes(id))

  async function settle(): Promise<Ledger> {
    for (let round = 0; round < mostRounds; round++) {
      const before = await store.ledger()
      refuseWrong(before)
      if (settled(before)) return before
      const evidence = await store.evidence(ids)
      const after = await store.settle(evidence.ledger, decide(evidence))
      if (after) return after
    }
    throw new KeyRingError(
      'ENCRYPTION_KEYS: other nodes keep changing which keys this database knows. Start all nodes with the same keys, one after another.',
    )
  }

  const ledger = await settle()
  const { root, carried } = JSON.parse(sealer.open(ledger.root ?? '', rootPlace)) as RootSecret

  return {
    /** The keys for one purpose, independent of the ring: the first one creates values, all of them verify. */
    keysFor(purpose: Purpose): readonly [Buffer, ...Buffer[]] {
      const [first, ...more] = (carried[purpose] ?? []).map((text) => Buffer.from(text, 'base64url'))
      return first ? [first, ...more] : [deriveKey(Buffer.from(root, 'base64url'), purpose)]
    },
  }
}
