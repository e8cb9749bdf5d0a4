import type { Clock } from '../kernel/clock.ts'
import { createSealer, deriveKey, type KeyRing, keyIdOf, type Sealer, UnopenableError } from '../kernel/crypto.ts'
import { type Random, secretToken } from '../kernel/ids.ts'
import type { Evidence, Ledger, LedgerChange, RegisteredKey, SealedStore, SealedValue, Tally } from './ports.ts'

/** The keys given do not fit what is stored. The message is for the operator; nothing was changed. */
export class KeyRingError extends Error {
  override name = 'KeyRingError'
}

type OpenRingParts = { store: SealedStore; ring: KeyRing; sealer: Sealer; clock: Clock; random: Random }

/** What is derived from a secret of ours, and must outlive the keys it is sealed with. */
type Purpose = 'csrf' | 'ticket codes' | 'recovery codes'
const purposes = ['csrf', 'ticket codes', 'recovery codes'] as const satisfies readonly Purpose[]

/**
 * `carried` are the keys a database from before got from its ring itself: a recovery code on paper is a hash under one
 * of them, and cannot be hashed anew.
 */
type Root = { readonly root: string; readonly carried: Readonly<Record<string, readonly string[]>> }

const proofPlace = (id: string): string => `sealing_keys/${id}/proof`
const rootPlace = proofPlace('root:')
const proofWord = 'vinculum'

/** For instance `grants: 12, flows: 1`. */
export const tallyText = (tally: Tally): string => tally.map(({ table, values }) => `${table}: ${values}`).join(', ')

/** Whether this value opens; anything but its not opening is a defect. */
export function opens(sealer: Sealer, { sealed, place }: Pick<SealedValue, 'sealed' | 'place'>): boolean {
  try {
    sealer.open(sealed, place)
    return true
  } catch (error) {
    if (error instanceof UnopenableError) return false
    throw error
  }
}

/** The keys at hand that a database knows by the same name, but with other bytes. */
export const wrongKeys = ({ keys }: Ledger, ring: KeyRing, sealer: Sealer): readonly string[] =>
  keys
    .filter(
      ({ id, proof }) => ring.some((one) => one.id === id) && !opens(sealer, { sealed: proof, place: proofPlace(id) }),
    )
    .map(({ id }) => id)

/**
 * Makes sure, before anything else is opened or written, that the keys given are those this database knows, and that
 * none is missing that something is sealed with. Throws a `KeyRingError` otherwise, and has changed nothing.
 *
 * Costs one small read, and looks at what is sealed only when the ring has changed.
 */
export async function openRing({ store, ring, sealer, clock, random }: OpenRingParts) {
  const ids = ring.map(({ id }) => id)

  const refuseWrong = (ledger: Ledger): void => {
    for (const id of wrongKeys(ledger, ring, sealer))
      throw new KeyRingError(
        `ENCRYPTION_KEYS: the key ${id} is not the one this database knows by that name; what is stored was sealed with another key. Nothing was changed. Start with the right one; a new key needs a new name.`,
      )
  }

  const refuseMissing = ({ left }: Evidence): void => {
    for (const { key, tally } of left)
      if (tally.length > 0)
        throw new KeyRingError(
          `ENCRYPTION_KEYS: the key ${key} is missing, and values are still encrypted with it (${tallyText(tally)}). Nothing was changed. Add the key back at the end of the list, run “npm start -- reseal”, and remove the key when the command has succeeded.`,
        )
  }

  const refuseStrangers = ({ samples, signingKeys }: Evidence): void => {
    const stranger = [...signingKeys, ...samples].find((value) => !opens(sealer, value))
    if (!stranger) return
    const id = keyIdOf(stranger.sealed)
    throw new KeyRingError(
      `ENCRYPTION_KEYS: what is stored in ${stranger.table} was sealed with another key than ${ids.includes(id) ? `the one given as ${id}` : `those given; its name is ${id}`}. Nothing was changed. Start with the keys it was sealed with; a generated one is in encryption-keys beside the database.`,
    )
  }

  const registered = (one: KeyRing[number], at: Date): RegisteredKey => ({
    id: one.id,
    proof: createSealer([one], random).seal(proofWord, proofPlace(one.id)),
    createdAt: at,
  })

  /** Forms, codes in letters and codes on paper stay good: a database in use goes on with what its ring gave it. */
  const newRoot = (inUse: boolean): Root => ({
    root: secretToken(random),
    carried: Object.fromEntries(
      (inUse ? purposes : []).map((purpose) => [
        purpose,
        ring.map(({ key }) => deriveKey(key, purpose).toString('base64url')),
      ]),
    ),
  })

  const decide = (evidence: Evidence): LedgerChange => {
    refuseWrong(evidence)
    refuseMissing(evidence)
    refuseStrangers(evidence)
    const at = clock()
    const known = new Set(evidence.keys.map(({ id }) => id))
    return {
      register: ring.filter(({ id }) => !known.has(id)).map((one) => registered(one, at)),
      forget: evidence.left.map(({ key }) => key),
      ...(evidence.root === null && {
        root: {
          sealed: sealer.seal(JSON.stringify(newRoot(evidence.signingKeys.length > 0)), rootPlace),
          createdAt: at,
        },
      }),
    }
  }

  const settled = ({ keys, root }: Ledger): boolean =>
    root !== null && keys.length === ids.length && keys.every(({ id }) => ids.includes(id))

  const before = await store.ledger()
  refuseWrong(before)
  const ledger = settled(before) ? before : await store.settle(ids, decide)
  const { root, carried } = JSON.parse(sealer.open(ledger.root ?? '', rootPlace)) as Root

  return {
    /** The keys for one purpose, whatever the ring: the first one makes, all of them recognise. */
    keysFor(purpose: Purpose): readonly [Buffer, ...Buffer[]] {
      const [first, ...more] = (carried[purpose] ?? []).map((text) => Buffer.from(text, 'base64url'))
      return first ? [first, ...more] : [deriveKey(Buffer.from(root, 'base64url'), purpose)]
    },
  }
}
