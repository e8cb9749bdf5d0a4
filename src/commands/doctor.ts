import { systemRandom } from '../kernel/ids.ts'
import { type Command, plain } from './command.ts'

type FindingLine = { readonly name: string; readonly status: string; readonly found: string; readonly remedy?: string }

/** One line for each finding, then a summary. */
export function linesOf(findings: readonly FindingLine[]): readonly string[] {
  const width = Math.max(...findings.map(({ name }) => name.length))
  const count = (status: string): number => findings.filter((one) => one.status === status).length
  return [
    ...findings.map(({ name, status, found, remedy }) =>
      // A finding may quote another program. That text must not start a new line.
      `${status.padEnd('warning'.length)}  ${name.padEnd(width)}  ${found}${remedy === undefined ? '' : ` → ${remedy}`}`.replace(
        /\p{Cc}+/gu,
        ' ',
      ),
    ),
    (['ok', 'warning', 'failed'] as const).map((status) => `${status}: ${count(status)}`).join(', '),
  ]
}

export const doctor: Command = {
  ...plain,
  summary: 'check configuration, database, keys, providers, proxies, mail server and disk; changes nothing',
  examinesConfig: true,
  async run({ config, configFaults, now }) {
    const { examineAll } = await import('../doctor/doctor.ts')
    const findings = await examineAll({ config, faults: configFaults, now, random: systemRandom })
    return {
      ok: findings.every(({ status }) => status !== 'failed'),
      done: linesOf(findings),
      data: { checks: findings },
    }
  },
}
