import type { UserCount } from '../../accounts/ports.ts'

/** What administrators see and do about the accounts of others. */
export const englishPeople = {
  counted: (count: string) => `Accounts at the last count: ${count}`,
  /** `written`: the number as people write it. */
  matching: ({ count, isComplete }: UserCount, written: string) =>
    isComplete
      ? `Accounts that match: ${written}`
      : count >= 1000
        ? `Accounts that match: more than ${written}`
        : `Accounts that match: at least ${written}. Not every account was examined.`,
  state: 'State',
  anyRole: 'Any role',
  anyState: 'Any state',
  states: { enabled: 'Enabled', disabled: 'Disabled', invited: 'Invited' },
  verified: 'Email address',
  anyVerified: 'Verified or not',
  verifiedStates: { yes: 'Verified', no: 'Not verified' },
  secondFactor: 'Two-step verification',
  anySecondFactor: 'On or off',
  secondFactorStates: { yes: 'On', no: 'Off' },
  provider: 'Provider',
  anyProvider: 'Any provider, or none',
  lastSignIn: 'Last sign-in',
  anySignIn: 'At any time, or never',
  signedInWithin: (days: number) => (days === 1 ? 'In the last 24 hours' : `In the last ${days} days`),
  notSignedInFor: (days: number) => `Not in the last ${days} days`,
  neverSignedIn: 'Never',
  signedInLastHour: 'in the last hour',
  name: 'Name',
  email: 'Email address',
  since: 'Created',
  all: 'Show all accounts',
  noneYet: 'No account matches so far. Older accounts were not searched yet.',
  add: {
    title: 'Add a person',
    intro:
      'This creates an account that goes to the person who proves the email address. Until then, nobody can sign in to it.',
    name: 'Name (optional)',
    language: 'Language',
    anyLanguage: 'Like this page',
    invitation: 'Invitation',
    send: 'By email, valid for seven days',
    dontSend: 'Send none',
    noMail:
      'This service cannot send email. The person gets the account when they sign in with a provider that has verified the email address.',
    button: 'Add the person',
  },
  invitation: 'Invitation',
  invited: 'Invited',
  added: 'Added, without an invitation',
  linkUntil: 'Link valid until',
  linkExpired: 'Link expired',
  invitationText: (email: string) =>
    `The account goes to the person who proves that ${email} is theirs: with the link of the invitation, a sign-in by email, or a provider that has verified the address.`,
  invitationExpired:
    'The link has expired. The person can still sign in by email or with a provider, until you withdraw the invitation.',
  noMethods: 'None yet.',
  sendAgain: 'Send the invitation again…',
  sendFirst: 'Send an invitation…',
  sendWhat: (email: string) => `${email} gets an email with a link that is valid for seven days. An earlier link ends.`,
  sendYes: 'Send the invitation',
  withdraw: 'Withdraw the invitation…',
  withdrawWhat: (email: string) =>
    `The account for ${email} is deleted, and the link of the invitation ends. You can invite the person again later.`,
  withdrawYes: 'Withdraw the invitation',
  sameAddress: 'Accounts with the same email address',
  sameAddressText:
    'They may belong to the same person. That person can sign in to one of them and link their other sign-in methods.',
  endDevice: 'Sign out…',
  endDeviceWhat: (device: string, name: string) =>
    `${name} is signed out on ${device}, and can sign in again. Other devices stay signed in.`,
  endDeviceYes: 'Sign out this device',
  role: 'Change role…',
  roleWhat: (name: string) =>
    `The new role applies immediately, also where ${name} is signed in. ${name} is notified by email.`,
  disable: 'Disable…',
  disableWhat: (name: string) =>
    `${name} is signed out on every device immediately, and cannot sign in until the account is enabled again. ${name} is notified by email.`,
  enable: 'Enable…',
  enableWhat: (name: string) => `${name} can sign in again.`,
  endSessions: 'Sign out everywhere…',
  endSessionsWhat: (name: string) => `${name} is signed out on every device, and can sign in again.`,
  reset: 'Send a password reset…',
  resetWhat: (email: string) => `${email} gets an email with a link to choose a new password.`,
  metadata: 'Metadata',
  metadataText:
    'What you and your back ends record about this account, as JSON. The person can read it, and so can each application that they allow to see it.',
  metadataField: 'Public metadata (JSON)',
  metadataHint:
    'One object. Keys start with a letter and have at most 64 letters, digits, dots, hyphens and underscores. At most 50 keys, 4 levels and 4096 bytes.',
  metadataSave: 'Save metadata',
  noMetadata: 'No metadata.',
  removeSecondFactor: 'Remove the second factor…',
  rotate: 'New secret…',
  rotateWhat: (name: string) =>
    `${name} gets another secret, which is shown once. The current one stays valid for one more day.`,
  revoke: 'Revoke…',
  revokeWhat: (name: string) => `Requests of ${name} are refused immediately. This cannot be undone.`,
}
