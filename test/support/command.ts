/** A command after `npm start --`, in this process: one of its own takes ten times as long to start as to run. */
import { Writable } from 'node:stream'
import { exitCodeOf, formatReport, readInvocation } from '../../src/commands/index.ts'
import { ConfigError, inspectConfig } from '../../src/config.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createVinculum, type Vinculum } from '../../src/vinculum.ts'
import { encryptionKey, type World } from './service.ts'

const log = createLog('silent', new Writable({ write: (_chunk, _encoding, done) => done() }))

/** The environment in which a command works on the service and the database of this world. */
export const environmentOf = ({ base, databaseUrl, sandbox }: World): Record<string, string> => ({
  ...sandbox.env,
  NODE_ENV: 'test',
  PUBLIC_URL: base,
  PORT: new URL(base).port,
  DATABASE_URL: databaseUrl,
  ENCRYPTION_KEYS: `k1:${encryptionKey.toString('base64')}`,
})

/**
 * Runs it with exactly these settings, and returns what the process would print. The process itself reads `.env`, keeps
 * its log apart and explains what it throws: tests with `startService` cover that.
 */
export async function runCommand(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const invocation = readInvocation(args)
  if (!invocation) throw new Error(`there is no command ${args.join(' ')}`)
  const { command, json, ...given } = invocation
  const { config, faults } = inspectConfig(env)
  if (faults.length > 0 && !command.examinesConfig) throw new ConfigError(faults)
  const opened: Vinculum[] = []
  try {
    const report = await command.run(
      {
        config,
        configFaults: faults,
        now: systemClock,
        progress: () => {},
        service: async () => {
          const { encryptionKeys } = config
          if (!encryptionKeys) throw new Error('no key was given')
          const service = await createVinculum({ ...config, encryptionKeys }, { log })
          opened.push(service)
          return service
        },
      },
      given,
    )
    return { code: exitCodeOf(report), ...formatReport(report, json) }
  } finally {
    for (const service of opened) await service.close()
  }
}
