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
  states: { enabled: 'Enabled', disabled: 'Disabled' },
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
  removeSecondFactor: 'Remove the second factor…',
  rotate: 'New secret…',
  rotateWhat: (name: string) =>
    `${name} gets another secret, which is shown once. The current one stays valid for one more day.`,
  revoke: 'Revoke…',
  revokeWhat: (name: string) => `Requests of ${name} are refused immediately. This cannot be undone.`,
}
