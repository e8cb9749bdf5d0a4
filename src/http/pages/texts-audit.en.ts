import type { EventGroup } from '../../events/groups.ts'
import type { AuditWords } from './texts.ts'

/** What differs from a person's own activity: it is not addressed to that person. */
const words: AuditWords = {
  'signing_key.rotated': 'A new signing key was published',
  'service_credential.created': 'Created a service credential',
  'service_credential.rotated': 'Created another secret for a service credential',
  'service_credential.revoked': 'Revoked a service credential',
  'service_credential.refused': 'A back end used a wrong or revoked secret',
  'branding.updated': 'Changed the branding',
  'application.created': 'Registered an application',
  'application.updated': 'Changed an application',
  'application.deleted': 'Deleted an application',
  'application.disabled': 'Disabled an application',
  'application.enabled': 'Enabled an application',
  'application.secret_ended': 'Ended the previous secret of an application',
  'application.secret_rotated': 'Created another secret for an application',
  'application.refused': ({ attempts }) =>
    `An application sent a wrong secret or assertion, or is disabled${attempts > 1 ? ` (${attempts} attempts within an hour)` : ''}`,
  'application.consented': 'Allowed an application to see some of their data',
  'provider.created': ({ provider }) => `Added the provider ${provider}, as a draft`,
  'provider.updated': ({ provider }) => `Changed the settings of ${provider}, as a draft`,
  'provider.went_live': ({ provider }) => `A draft of the settings of ${provider} became live`,
  'provider.enabled': ({ provider }) => `Enabled the provider ${provider}`,
  'provider.disabled': ({ provider }) => `Disabled the provider ${provider}`,
  'provider.deleted': ({ provider }) => `Deleted the provider ${provider}`,
  'account.sessions_read': 'An administrator viewed the devices of the account',
  'account.invited': 'Sent an invitation to the account',
  'account.invitation_withdrawn': 'Withdrew the invitation to the account',
  'account.exported': 'Exported everything stored about the account',
  'password.reset_started': 'An administrator sent a link to choose a new password',
  'identity.linked': ({ provider, how }) =>
    how === 'verified_email'
      ? `${provider} linked by its verified email address`
      : how === 'invitation'
        ? `${provider} linked by the email address that was invited`
        : how === 'conflict'
          ? `${provider} linked after a sign-in to the account`
          : `${provider} linked`,
  'provider_token.lent': ({ provider }) => `A back end acted for the person at ${provider}`,
}

export const englishAuditLog = {
  words,
  account: 'Person',
  accountHint: 'Email address, name or account ID.',
  event: 'Events',
  allEvents: 'All events',
  groups: {
    sign_ins: 'Sign-ins and devices',
    accounts: 'Accounts',
    sign_in_methods: 'Sign-in methods',
    permissions: 'Permissions at providers',
    teams: 'Teams',
    applications: 'Applications',
    administration: 'Administration',
  } satisfies Record<EventGroup, string>,
  outcome: 'Outcome',
  anyOutcome: 'Any outcome',
  outcomes: { done: 'Done', refused: 'Refused' },
  from: 'From day (UTC)',
  until: 'To day (UTC)',
  ip: 'IP address',
  ipMalformed: 'An IP address is like 203.0.113.7 or 2001:db8::7.',
  dayMalformed: 'A day is like 2027-05-31.',
  moreFilters: 'More filters',
  filter: 'Show entries',
  all: 'Show all entries',
  when: 'When',
  who: 'Who',
  what: 'What',
  details: 'Details',
  entry: 'Entry ID',
  eventName: 'Event',
  data: 'Data',
  somebody: 'unknown',
  deleted: 'deleted account',
  by: (name: string) => `by ${name}`,
  byOperator: 'by an operator at the machine',
  about: (name: string) => `about ${name}`,
  things: {
    application: (name: string) => `Application: ${name}`,
    credential: (name: string) => `Service credential: ${name}`,
    team: (name: string) => `Team: ${name}`,
  },
  entries: 'Entries',
  none: 'No entry matches.',
  noneYet: 'No entry matches so far. Older entries were not searched yet.',
  export: 'Export',
  exportText: 'Everything that matches the filters, as a file. The export is recorded.',
  formats: { jsonl: 'JSON Lines', csv: 'CSV for spreadsheets' },
}
