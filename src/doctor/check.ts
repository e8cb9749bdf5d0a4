/** Checks and their findings. Checks run concurrently, each with a deadline. */

export type Status = 'ok' | 'warning' | 'failed'

/** One line of the result. Contains no secret. */
export type Finding = {
  /** Stable, for programs: the area and its aspect. */
  readonly name: string
  readonly status: Status
  /** What was found, in one or two sentences. */
  readonly found: string
  /** What to do about it. Required unless the status is `ok`. */
  readonly remedy?: string
}

export const passed = (name: string, found: string): Finding => ({ name, status: 'ok', found })
export const warning = (name: string, found: string, remedy: string): Finding => ({
  name,
  status: 'warning' as const,
  found,
  remedy,
})
export const failed = (name: string, found: string, remedy: string): Finding => ({
  name,
  status: 'failed' as const,
  found,
  remedy,
})

export type ReportFinding = (finding: Finding) => void

export type Check = {
  readonly name: string
  /** Reports findings as they come. When `signal` aborts, it must release its resources. */
  readonly run: (report: ReportFinding, signal: AbortSignal) => Promise<void>
  /** What to do if the check does not finish in time. */
  readonly slow: string
}

/** How long a check may take, in milliseconds. */
export const deadlineMs = 15_000

/** Runs all checks concurrently. Returns their findings in order. A check that takes too long is a finding as well. */
export async function runChecks(checks: readonly Check[], ms = deadlineMs): Promise<readonly Finding[]> {
  return (await Promise.all(checks.map((check) => runCheck(check, ms)))).flat()
}

async function runCheck({ name, run, slow }: Check, ms: number): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const limit = new AbortController()
  let isOver = false
  const report: ReportFinding = (finding) => {
    if (!isOver) findings.push(finding)
  }
  const tooLate = new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      report(failed(name, `No answer within ${ms / 1000} seconds.`, slow))
      isOver = true
      limit.abort()
      resolve()
    }, ms)
    limit.signal.addEventListener('abort', () => clearTimeout(timer))
  })
  const done = run(report, limit.signal).catch((error: unknown) =>
    report(failed(name, defectText(error), defectRemedy)),
  )
  await Promise.race([done, tooLate])
  isOver = true
  limit.abort()
  return findings
}

/** Show only the class and code of an unexpected error: its message may quote a setting. */
function defectText(error: unknown): string {
  const { name = 'Error', code } = (error ?? {}) as { name?: string; code?: unknown }
  return `The check itself failed (${typeof code === 'string' ? `${name}, ${code}` : name}).`
}
const defectRemedy = 'Start the service and read its log. If it shows no problem, report this as a bug.'
