import type { EndedCounts } from '../sessions/end-sessions.ts'
import { type Command, type CommandReport, plain } from './command.ts'

/** RFC 3339 with a time zone: without one, a time means different moments on different machines. */
const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})$/

/** Reads the value of `--before`. Returns an error message if it is invalid. */
export function momentOf(text: string | undefined, now: Date): Date | string {
  if (text === undefined) return now
  const at = new Date(text.toUpperCase())
  if (!rfc3339.test(text) || Number.isNaN(at.getTime()))
    return '--before is not a time with a time zone. Write it like 2026-05-31T18:00:00Z or 2026-05-31T15:00:00-03:00.'
  if (at > now) return '--before is in the future. Leave it out to end every session that exists now.'
  return at
}

const names: Readonly<Record<keyof EndedCounts, string>> = {
  sessions: 'sessions ended',
  trustedDevices: 'trusted devices removed',
  pendingSignIns: 'pending sign-ins deleted',
  codes: 'sign-in codes deleted',
  tickets: 'emailed links and codes deleted',
}

const invalidTime = (sentence: string): CommandReport => ({
  ok: false,
  done: [],
  failed: [sentence],
  data: { result: 'invalid_time', message: sentence },
})

export const endSessionsCommand: Command = {
  ...plain,
  options: { before: 'time' },
  summary: 'end every session created before a time (default: now), while the service runs',
  async run({ service, progress }, { options }) {
    const opened = await service()
    // Session times come from the shared clock. With a local clock that is behind, the newest sessions would be missed.
    const before = momentOf(options.before, opened.now())
    if (typeof before === 'string') return invalidTime(before)
    const ended = await opened.endSessions(before, (kind, done) =>
      progress({ table: names[kind], done, total: Number.POSITIVE_INFINITY }),
    )
    const counts = Object.entries(names).map(([kind, name]) => `${ended[kind as keyof EndedCounts]} ${name}`)
    return {
      ok: true,
      done: [
        `Created before ${before.toISOString()}: ${counts.join(', ')}.`,
        ...(ended.sessions > 0 ? ['Everyone who used one of these sessions has to sign in again.'] : []),
      ],
      data: {
        result: 'ended',
        before: before.toISOString(),
        sessions: ended.sessions,
        trusted_devices: ended.trustedDevices,
        pending_sign_ins: ended.pendingSignIns,
        sign_in_codes: ended.codes,
        tickets: ended.tickets,
      },
    }
  },
}
