/** What a check finds, and how checks are run: side by side, each with a deadline. */

export type Status = 'ok' | 'warning' | 'failed'

/** One line of the result. Holds no secret. */
export type Finding = {
  /** Stable, for programs: the area, and what of it. */
  readonly name: string
  readonly status: Status
  /** What was found, in a sentence or two. */
  readonly found: string
  /** What to do about it; always there where the status is not `ok`. */
  readonly remedy?: string
}

export const ok = (name: string, found: string): Finding => ({ name, status: 'ok', found })
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

export type Report = (finding: Finding) => void

export type Check = {
  readonly name: string
  /** Reports what it finds as it goes. When `signal` aborts, it is to let go of what it holds. */
  readonly run: (report: Report, signal: AbortSignal) => Promise<void>
  /** What to do where it does not end in time. */
  readonly slow: string
}

/** How long a check may take, in milliseconds. */
export const deadlineMs = 15_000

/** Runs all checks at once. Answers what they found, in their order; what took too long is a finding as well. */
export async function runChecks(checks: readonly Check[], ms = deadlineMs): Promise<readonly Finding[]> {
  return (await Promise.all(checks.map((check) => runCheck(check, ms)))).flat()
}

async function runCheck({ name, run, slow }: Check, ms: number): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const limit = new AbortController()
  let isOver = false
  const report: Report = (finding) => {
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

/** Of an error that nobody expected only its class and code are shown: its message may quote a setting. */
function defectText(error: unknown): string {
  const { name = 'Error', code } = (error ?? {}) as { name?: string; code?: unknown }
  return `The check itself failed (${typeof code === 'string' ? `${name}, ${code}` : name}).`
}
const defectRemedy = 'Start the service and read its log; if nothing is wrong there, report a defect in this command.'
