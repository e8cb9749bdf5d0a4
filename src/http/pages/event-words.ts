import type { AuditRecord } from '../../audit/ports.ts'
import { type ErrorCode, texts as errorTexts, type Locale } from '../../errors/catalogue.ts'
import type { Providers } from '../../providers/providers.ts'
import type { Reader } from './layout.tsx'
import { type Audience, type EventDetails, textsFor } from './texts.ts'

/** The sentence for a row of the audit log; the name of the event if this version has no sentence for it. */
export function eventWords(
  { event, data }: AuditRecord,
  providers: Providers,
  { say, locale }: Reader,
  audience: Audience,
): string {
  const all: Readonly<Record<string, string | ((details: EventDetails) => string)>> =
    audience === 'person' ? say.events.words : { ...say.events.words, ...say.auditLog.words }
  const word = Object.hasOwn(all, event) ? all[event] : undefined
  if (word === undefined) return event
  return typeof word === 'string' ? word : word(detailsOf(data, providers, locale))
}

function detailsOf(data: AuditRecord['data'], providers: Providers, locale: Locale): EventDetails {
  const read = (name: string): string | undefined => {
    const value = Object.hasOwn(data, name) ? data[name] : undefined
    return typeof value === 'string' ? value : undefined
  }
  const provider = read('provider') ?? read('via') ?? ''
  const code = read('code')
  const role = read('role') ?? ''
  const { ways_in, admin, teams } = textsFor(locale)
  const waysIn: Readonly<Record<string, string>> = ways_in
  const roles: Readonly<Record<string, string>> = admin.roles
  const teamRoles: Readonly<Record<string, string>> = teams.roles
  return {
    provider: providers.get(provider)?.name ?? waysIn[provider] ?? provider,
    why:
      code !== undefined && Object.hasOwn(errorTexts.en, code)
        ? errorTexts[locale][code as ErrorCode].title
        : undefined,
    attempts: typeof data.attempts === 'number' ? data.attempts : 1,
    intent: read('intent'),
    how: read('how'),
    purpose: read('purpose'),
    action: read('action'),
    result: read('result'),
    reason: read('reason'),
    role: roles[role] ?? teamRoles[role] ?? role,
    factor: read('factor') ?? '',
    by: read('by'),
    doneBy: read('done_by'),
    member: read('member'),
  }
}
