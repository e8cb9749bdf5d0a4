/** Pure decisions about observations: no clock, no network. */

/** One observation, and whether it matches the promise. */
export type Finding = { readonly what: string; readonly held: boolean; readonly found: string }

/** One request and its response. `status` 0: no response. */
export type ObservedResponse = {
  readonly path: string
  readonly status: number
  /** The error code in the response, if any. */
  readonly code?: string | undefined
  readonly hasRetryAfter?: boolean
  /** Milliseconds from sending to the end of the response. */
  readonly ms: number
}

export const finding = (what: string, held: boolean, found: string | number): Finding => ({
  what,
  held,
  found: String(found),
})

const counted = (texts: readonly string[]): string => {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return [...counts].map(([text, count]) => `${count} × ${text}`).join(', ') || 'none'
}
const described = ({ path, status, code }: ObservedResponse): string =>
  `${path} ${status}${code === undefined ? '' : ` ${code}`}`

/** Every response has one of these statuses, and there was at least one. */
export const onlyStatuses = (answers: readonly ObservedResponse[], allowed: readonly number[]): Finding => {
  const odd = answers.filter(({ status }) => !allowed.includes(status))
  return finding(
    `every response is ${allowed.join(' or ')}`,
    answers.length > 0 && odd.length === 0,
    odd.length > 0 ? counted(odd.map(described)) : counted(answers.map(({ status }) => String(status))),
  )
}

/** Every 503 has Retry-After. */
export const retryAfterOn503 = (answers: readonly ObservedResponse[]): Finding => {
  const silent = answers.filter(({ status, hasRetryAfter }) => status === 503 && !hasRetryAfter)
  return finding('every 503 has Retry-After', silent.length === 0, counted(silent.map(described)))
}

export const longest = (answers: readonly Pick<ObservedResponse, 'ms'>[]): number =>
  answers.reduce((most, { ms }) => Math.max(most, ms), 0)

/** No response took longer. */
export const noneLongerThan = (ms: number, answers: readonly ObservedResponse[], of = 'response'): Finding =>
  finding(
    `no ${of} takes longer than ${ms} ms`,
    answers.length > 0 && longest(answers) <= ms,
    `longest ${Math.round(longest(answers))} ms of ${answers.length}`,
  )

/** At least this share of the responses has this status. */
export const mostly = (status: number, share: number, answers: readonly ObservedResponse[]): Finding => {
  const met = answers.filter((answer) => answer.status === status).length
  return finding(
    `at least ${share * 100} % are ${status}`,
    answers.length > 0 && met >= share * answers.length,
    `${met} of ${answers.length}`,
  )
}

/** The `state` of each log line that reports the health of the database, in order. */
export const databaseStates = (log: string): readonly string[] =>
  log
    .split('\n')
    .filter((line) => line.includes('"database.state"'))
    .map((line) => /"state":"([a-z]+)"/.exec(line)?.[1] ?? 'unknown')

/** No two consecutive lines report the same state, and there are no more lines than changes. */
export const oneLinePerChange = (log: string, most: number): Finding => {
  const states = databaseStates(log)
  const repeated = states.some((state, at) => state === states[at - 1])
  return finding(
    `1 to ${most} log lines report the database, none of them repeated`,
    states.length > 0 && states.length <= most && !repeated,
    states.join(', ') || 'none',
  )
}

/** No unexpected error was logged. */
export const noDefects = (log: string): Finding => {
  const defects = log.split('\n').filter((line) => line.includes('"msg":"defect"') || line.includes('unhandled'))
  return finding('no defect is logged', defects.length === 0, defects[0]?.slice(0, 400) ?? 'none')
}

/** A failed start prints a message, not a stack trace. */
export const isErrorMessage = (output: string): Finding =>
  finding(
    'it ends with an error message',
    output.trim() !== '' && !/\n\s+at /.test(output),
    output.trim().split('\n').at(-1)?.slice(0, 200) ?? '',
  )
