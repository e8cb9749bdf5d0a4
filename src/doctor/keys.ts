import { existsSync } from 'node:fs'
import type { Config } from '../config.ts'
import { BusyError } from '../kernel/busy.ts'
import { createSealer, type KeyRing } from '../kernel/crypto.ts'
import type { Random } from '../kernel/ids.ts'
import type { SealedValue } from '../sealing/ports.ts'
import { opens, tallyText, wrongKeys } from '../sealing/ring.ts'
import { generatedKeysFile, readGeneratedKeys } from '../secrets.ts'
import { openReader } from '../store/open.ts'
import { DatabaseOpenError } from '../store/open-error.ts'
import { readLedger, readSigningKeys, type SealedByKey, sealedByKey } from '../store/sealed.ts'
import { sqliteFileExists } from '../store/sqlite-file.ts'
import { type Check, type Finding, failed, passed, type ReportFinding, warning } from './check.ts'

type KeysCheckParts = { readonly config: Config; readonly now: () => Date; readonly random: Random }

/** How long one statement may take, in milliseconds. */
const statementMs = 10_000

export const keysCheck = ({ config, now, random }: KeysCheckParts): Check => ({
  name: 'keys',
  slow: 'Run the command again when the database is less busy.',
  async run(report, signal) {
    const ring = ringOf(config)
    if (ring === undefined)
      return report(
        passed('keys', 'No key exists yet. It is generated at the first start. In production, set ENCRYPTION_KEYS.'),
      )
    const { store } = config
    if (store.tag === 'sqlite' && !sqliteFileExists(store.file))
      return report(passed('keys', `${namesOf(ring)}: nothing is encrypted yet, because there is no database.`))
    try {
      await checkKeys(config, ring, { report, signal, now, random })
    } catch (error) {
      // PostgreSQL's errors have a code of five characters. The database check explains them.
      const { code } = error as { code?: string }
      if (!(error instanceof DatabaseOpenError || error instanceof BusyError || /^[0-9A-Z]{5}$/.test(code ?? '')))
        throw error
      report(warning('keys', 'Not checked, because the database cannot be read.', 'See the lines about the database.'))
    }
  },
})

/** The configured keys, or the generated ones. It generates none. */
export function ringOf(config: Config): KeyRing | undefined {
  if (config.encryptionKeys) return config.encryptionKeys
  const file = generatedKeysFile(config)
  return existsSync(file) ? readGeneratedKeys(file) : undefined
}

async function checkKeys(
  { store }: Config,
  ring: KeyRing,
  {
    report,
    signal,
    now,
    random,
  }: { report: ReportFinding; signal: AbortSignal } & Pick<KeysCheckParts, 'now' | 'random'>,
): Promise<void> {
  const reader = await openReader(store, statementMs)
  try {
    const ledger = await readLedger(reader)
    // Ends before the deadline of the check, so that partial counts are reported.
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(10_000)])
    const counted = await sealedByKey(reader, deadline)
    if (ledger === undefined && counted.tallies.size === 0)
      return report(passed('keys', `${namesOf(ring)}: nothing is encrypted yet, because the tables do not exist.`))
    const sealer = createSealer(ring, random)
    const closed = counted.samples.filter((value) => isOurs(value, ring) && !opens(sealer, value))
    const wrong = ledger ? wrongKeys(ledger, ring, sealer) : []
    for (const finding of keyFindings(
      ring.map(({ id }) => id),
      { counted, wrong, closed },
    ))
      report(finding)
    report(signingKeyFinding(await readSigningKeys(reader), now()))
  } finally {
    await reader.close()
  }
}

const namesOf = (ring: KeyRing): string => ring.map(({ id }) => id).join(', ')
const keyIn = ({ sealed }: SealedValue): string => sealed.split('.')[1] ?? ''
const isOurs = (value: SealedValue, ring: KeyRing): boolean => ring.some(({ id }) => id === keyIn(value))

type Facts = {
  readonly counted: SealedByKey
  /** Keys for which the database has recorded other bytes. */
  readonly wrong: readonly string[]
  /** Sample values that the key with their name does not open. */
  readonly closed: readonly SealedValue[]
}

/** One line for each key of the ring, in its order, and one for each missing key. */
export function keyFindings(ids: readonly string[], { counted, wrong, closed }: Facts): readonly Finding[] {
  const { tallies, incomplete, unread } = counted
  const [first = ''] = ids
  const amount = (key: string): string => {
    const tally = tallies.get(key) ?? []
    const sum = tally.reduce((total, { values }) => total + values, 0)
    return `${incomplete ? 'at least ' : ''}${sum} ${sum === 1 ? 'value' : 'values'}${sum > 0 ? ` (${tallyText(tally)})` : ''}`
  }
  const ofRing = ids.map((id): Finding => {
    const name = `keys.${id}`
    const damaged = [...new Set(closed.filter((value) => keyIn(value) === id).map(({ table }) => table))]
    if (wrong.includes(id) || damaged.length > 0)
      return failed(
        name,
        `The key ${id} does not decrypt the values that were encrypted with a key of that name${damaged.length > 0 ? ` (${damaged.join(', ')})` : ''}.`,
        `Set ${id} in ENCRYPTION_KEYS to the key that was used before. A new key needs a new name. The service does not start.`,
      )
    if (id === first) return passed(name, `Encrypts all new values, and ${amount(id)} now.`)
    if (tallies.has(id))
      return warning(
        name,
        `Encrypts ${amount(id)}, although ${first} is the first key.`,
        'Keep it in ENCRYPTION_KEYS and run “npm start -- reseal”. Then you can remove it.',
      )
    return incomplete
      ? passed(name, 'Encrypts none of the counted values.')
      : passed(name, 'Encrypts nothing. Remove it from ENCRYPTION_KEYS, unless it will become the first key.')
  })
  const missing = [...tallies.keys()]
    .filter((key) => !ids.includes(key))
    .map((key) =>
      failed(
        `keys.${key}`,
        `${amount(key)} are encrypted with a key that is not in ENCRYPTION_KEYS: ${key}.`,
        `Add ${key} at the end of ENCRYPTION_KEYS and run “npm start -- reseal”. Without that key these values are lost.`,
      ),
    )
  return [
    ...ofRing,
    ...missing,
    ...(incomplete
      ? [
          warning(
            'keys',
            'Counting was not finished after ten seconds.',
            'Run the command again when the database is less busy.',
          ),
        ]
      : []),
    ...(unread.length > 0
      ? [
          warning(
            'keys',
            `Not counted, because migrations are pending: ${unread.join(', ')}.`,
            'Start the service, which applies them, and run the command again.',
          ),
        ]
      : []),
  ]
}

type SigningKey = Awaited<ReturnType<typeof readSigningKeys>>[number]

/** The signing keys and their age. There is no maximum age. */
export function signingKeyFinding(keys: readonly SigningKey[], now: Date): Finding {
  const name = 'keys.signing'
  if (keys.length === 0) return passed(name, 'There are no signing keys yet: the first start creates them.')
  const ageOf = (at: Date): string => {
    const hours = Math.max(0, Math.floor((now.getTime() - at.getTime()) / 3_600_000))
    return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`
  }
  const names = { access: 'access tokens', refresh: 'refresh tokens', rs256: 'id_tokens with RS256' } as const
  const described = (['access', 'refresh', 'rs256'] as const).flatMap((purpose) => {
    const ofPurpose = keys.filter((key) => key.purpose === purpose)
    const current = ofPurpose.findLast(({ activatesAt }) => activatesAt <= now)
    const waiting = ofPurpose.filter(({ activatesAt }) => activatesAt > now).length
    return current
      ? [
          `${names[purpose]}: ${ageOf(current.createdAt)} old, ${ofPurpose.length} published${waiting > 0 ? `, ${waiting} not signing yet` : ''}`,
        ]
      : []
  })
  return passed(name, `Signing keys for ${described.join('; ')}.`)
}
