/**
 * Checks everything the service depends on, and changes nothing. It works whether or not the service runs. With a
 * broken configuration, it skips only the checks that depend on a broken setting.
 */
import { type Config, settingsIn } from '../config.ts'
import type { Random } from '../kernel/ids.ts'
import { prefix } from '../providers/settings.ts'
import { tidyAfterReading } from '../store/examine-sqlite.ts'
import { type Check, deadlineMs, type Finding, runChecks, warning } from './check.ts'
import { examineConfiguration } from './configuration.ts'
import { databaseCheck } from './database.ts'
import { diskCheck } from './disk.ts'
import { keysCheck, ringOf } from './keys.ts'
import { mailCheck } from './mail.ts'
import { providerCheck } from './providers.ts'
import { proxyCheck, serviceCheck } from './proxy.ts'

type ExamineAllParts = {
  readonly config: Config
  readonly faults: readonly string[]
  readonly now: () => Date
  readonly random: Random
  readonly deadlineMs?: number
}

/** A check and the settings that it depends on. A name that ends with `_` is a prefix. */
type CheckWithSettings = { readonly settings: readonly string[]; readonly check: () => Check }

/** Returns all findings, in the order of the sections in the documentation. */
export async function examineAll({
  config,
  faults,
  deadlineMs: ms = deadlineMs,
  ...parts
}: ExamineAllParts): Promise<readonly Finding[]> {
  const { now } = parts
  const all: Readonly<Record<string, CheckWithSettings>> = {
    database: { settings: ['DATABASE_URL'], check: () => databaseCheck(config.store, now) },
    keys: { settings: ['DATABASE_URL', 'ENCRYPTION_KEYS'], check: () => keysCheck({ config, ...parts }) },
    ...Object.fromEntries(
      config.providers.map((one): [string, CheckWithSettings] => [
        `provider.${one.id}`,
        {
          settings: [prefix(one.id), 'OIDC_PROVIDERS', 'OAUTH2_PROVIDERS', 'HTTPS_PROXY', 'PUBLIC_URL'],
          check: () => providerCheck(one, { config, ...parts }),
        },
      ]),
    ),
    service: { settings: ['HOST', 'PORT'], check: () => serviceCheck({ config }) },
    proxy: {
      settings: ['PUBLIC_URL', 'ENCRYPTION_KEYS'],
      check: () => proxyCheck({ config, ring: () => ringOf(config), now }),
    },
    mail: { settings: ['SMTP_URL', 'MAIL_FROM'], check: () => mailCheck(config) },
    disk: { settings: ['DATABASE_URL'], check: () => diskCheck(config) },
  }
  const broken = new Set(faults.flatMap(settingsIn))
  const brokenOf = ({ settings }: CheckWithSettings): readonly string[] =>
    [...broken].filter(
      (name) =>
        name === '.env' ||
        settings.some((one) => (one.endsWith('_') ? name.startsWith(one) : name === one || name === `${one}_FILE`)),
    )
  const checks = Object.entries(all).map(([name, one]): Check => {
    const reasons = brokenOf(one)
    return reasons.length === 0 ? one.check() : skippedCheck(name, reasons)
  })
  const tidy = config.store.tag === 'sqlite' ? tidyAfterReading(config.store.file) : undefined
  const findings = await runChecks(checks, ms)
  tidy?.()
  return [...examineConfiguration(config, faults), ...findings]
}

const skippedCheck = (name: string, settings: readonly string[]): Check => ({
  name,
  slow: '',
  run: async (report) =>
    report(
      warning(
        name,
        `Not checked, because of the errors in ${settings.join(', ')}.`,
        'Correct them, then run the command again.',
      ),
    ),
})
