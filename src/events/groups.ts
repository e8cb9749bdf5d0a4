import { type AuditName, auditNames } from './catalogue.ts'

/** The groups in which administrators look for events. */
export const eventGroups = [
  'sign_ins',
  'accounts',
  'sign_in_methods',
  'permissions',
  'teams',
  'applications',
  'administration',
] as const
export type EventGroup = (typeof eventGroups)[number]

/** The group of an event, by the first part of its name. A part that is missing here does not compile. */
const groupOf: Readonly<Record<Beginning<AuditName>, EventGroup>> = {
  authentication: 'sign_ins',
  device: 'sign_ins',
  session: 'sign_ins',
  account: 'accounts',
  identity: 'sign_in_methods',
  conflict: 'sign_in_methods',
  password: 'sign_in_methods',
  second_factor: 'sign_in_methods',
  passkey: 'sign_in_methods',
  recovery_codes: 'sign_in_methods',
  recovery_code: 'sign_in_methods',
  provider_token: 'permissions',
  team: 'teams',
  jira: 'teams',
  application: 'applications',
  registration_token: 'applications',
  service_credential: 'administration',
  signing_key: 'administration',
  provider: 'administration',
  audit: 'administration',
  branding: 'administration',
  access: 'administration',
}
type Beginning<N extends string> = N extends `${infer B}.${string}` ? B : never

/** The events that report a refusal. All others report that something was done. */
const refusals: readonly AuditName[] = [
  'authentication.failed',
  'identity.unlink_refused',
  'service_credential.refused',
  'application.refused',
  'session.token_reused',
  'access.refused',
]

export const outcomes = ['done', 'refused'] as const
export type EventOutcome = (typeof outcomes)[number]
/** Whether an event reports a refusal. The name may be from another version. */
export const outcomeOf = (event: string): EventOutcome =>
  (refusals as readonly string[]).includes(event) ? 'refused' : 'done'

/**
 * The events that a filter names: `event` is the name of an event or of a group. `null` if every event matches. A name
 * of another version is a possible event, too: rows with it stay in the audit log.
 */
export function eventsMatching(event: string | null, outcome: EventOutcome | null): readonly string[] | null {
  if (event === null && outcome === null) return null
  const named: readonly string[] =
    event === null
      ? auditNames
      : (eventGroups as readonly string[]).includes(event)
        ? auditNames.filter((name) => groupOf[name.split('.')[0] as Beginning<AuditName>] === event)
        : [event]
  return named.filter((name) => outcome === null || outcomeOf(name) === outcome)
}
