/** Pure decisions on what was seen: no clock, no network. */

/** One thing a case looked at, and whether it was as promised. */
export type Finding = { readonly what: string; readonly held: boolean; readonly found: string }

/** One request and what came back. `status` 0: no answer. */
export type Answer = {
  readonly path: string
  readonly status: number
  /** Our code for the error, if the answer had one. */
  readonly code?: string | undefined
  readonly hasRetryAfter?: boolean
  /** Milliseconds from sending to the end of the answer. */
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
const described = ({ path, status, code }: Answer): string => `${path} ${status}${code === undefined ? '' : ` ${code}`}`

/** Every answer has one of these statuses, and there was at least one. */
export const onlyStatuses = (answers: readonly Answer[], allowed: readonly number[]): Finding => {
  const odd = answers.filter(({ status }) => !allowed.includes(status))
  return finding(
    `every answer is ${allowed.join(' or ')}`,
    answers.length > 0 && odd.length === 0,
    odd.length > 0 ? counted(odd.map(described)) : counted(answers.map(({ status }) => String(status))),
  )
}

/** Every 503 says when to come back. */
export const retryAfterOn503 = (answers: readonly Answer[]): Finding => {
  const silent = answers.filter(({ status, hasRetryAfter }) => status === 503 && !hasRetryAfter)
  return finding('every 503 has Retry-After', silent.length === 0, counted(silent.map(described)))
}

export const longest = (answers: readonly Pick<Answer, 'ms'>[]): number =>
  answers.reduce((most, { ms }) => Math.max(most, ms), 0)

/** No answer took longer. */
export const noneLongerThan = (ms: number, answers: readonly Answer[], of = 'answer'): Finding =>
  finding(
    `no ${of} takes longer than ${ms} ms`,
    answers.length > 0 && longest(answers) <= ms,
    `longest ${Math.round(longest(answers))} ms of ${answers.length}`,
  )

/** At least this share of the answers has this status. */
export const mostly = (status: number, share: number, answers: readonly Answer[]): Finding => {
  const met = answers.filter((answer) => answer.status === status).length
  return finding(
    `at least ${share * 100} % are ${status}`,
    answers.length > 0 && met >= share * answers.length,
    `${met} of ${answers.length}`,
  )
}

/** The `state` of each line of the log that reports the health of the database, in order. */
export const databaseStates = (log: string): readonly string[] =>
  log
    .split('\n')
    .filter((line) => line.includes('"database.state"'))
    .map((line) => /"state":"([a-z]+)"/.exec(line)?.[1] ?? 'unknown')

/** No two lines in a row report the same state, and there are at most as many as there were changes. */
export const oneLinePerChange = (log: string, most: number): Finding => {
  const states = databaseStates(log)
  const repeated = states.some((state, at) => state === states[at - 1])
  return finding(
    `1 to ${most} log lines report the database, none of them twice`,
    states.length > 0 && states.length <= most && !repeated,
    states.join(', ') || 'none',
  )
}

/** No error that nobody expected was logged. */
export const noDefects = (log: string): Finding => {
  const defects = log.split('\n').filter((line) => line.includes('"msg":"defect"') || line.includes('unhandled'))
  return finding('no defect is logged', defects.length === 0, defects[0]?.slice(0, 400) ?? 'none')
}

/** What a start that failed wrote is a sentence, not a stack trace. */
export const isSentence = (output: string): Finding =>
  finding(
    'it ends with a sentence',
    output.trim() !== '' && !/\n\s+at /.test(output),
    output.trim().split('\n').at(-1)?.slice(0, 200) ?? '',
  )
