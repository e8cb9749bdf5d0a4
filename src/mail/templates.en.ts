import type { Templates } from './templates.ts'

const factors: Readonly<Record<string, string>> = { totp: 'an authenticator app', passkey: 'a passkey' }
const stopped = (service: string): Readonly<Record<string, string>> => ({
  connector_left: `The person who connected your team at ${service} to Jira has left the team, so their permission ended.`,
  connector_disabled: `The account of the person who connected your team at ${service} to Jira was disabled. Their permission is not used until the account is enabled again.`,
  invalid_grant: `Jira no longer accepts the permission that connects your team at ${service}.`,
})
const ignore = 'If you did not request this, you can ignore this message. Nothing changes.'

export const englishTemplates: Templates = {
  messages: {
    verify_email: ({ service, to, link, until }) => ({
      subject: 'Verify your email address',
      body: [
        `${to} was entered as the email address of an account at ${service}. Open the link and confirm that it is yours:`,
        { link: link('/verify-email'), label: 'Verify my address' },
        `The link is valid until ${until}. You need to be signed in to that account.`,
        'If you have no account there, ignore this message and do not open the link. The address then stays unverified.',
      ],
    }),
    change_email: ({ service, to, link, until }) => ({
      subject: 'Confirm your new email address',
      body: [
        `${to} was entered as the new email address of an account at ${service}. To confirm it, sign in to that account and open the link:`,
        { link: link('/change-email'), label: 'Confirm my new address' },
        `The link is valid until ${until}. Nothing changes before you confirm.`,
        ignore,
      ],
    }),
    email_change_requested: ({ service, page, param }) => ({
      subject: 'A change of your email address was requested',
      body: [
        `A new email address was requested for your account at ${service}: ${param('new_address')}. Nothing has changed yet. The new address must be confirmed first.`,
        'If this was not you, someone else is signed in to your account. Sign out all other devices and reset your password now.',
        { link: page('/account'), label: 'To your account' },
        { link: page('/forgot-password'), label: 'Reset your password' },
      ],
    }),
    email_changed: ({ service, page, param }) => ({
      subject: 'Your email address was changed',
      body: [
        `The email address of your account at ${service} was changed from ${param('old_address')} to ${param('new_address')}. All other devices were signed out.`,
        'If this was not you, contact the operator of the service immediately.',
        { link: page('/account'), label: 'To your account' },
      ],
    }),
    address_taken: ({ service, to, page }) => ({
      subject: 'You already have an account',
      body: [
        `Someone, perhaps you, tried to use ${to} for an account at ${service}. An account with this email address already exists, so nothing was changed.`,
        'If it was you, sign in to your existing account. If you forgot its password, you can set a new one:',
        { link: page('/login'), label: 'Sign in' },
        { link: page('/forgot-password'), label: 'Reset your password' },
        ignore,
      ],
    }),
    address_claimed: ({ service, to, page }) => ({
      subject: 'Your email address was already used',
      body: [
        `Someone, perhaps you, tried to create an account at ${service} with ${to}. This email address was used for an account before, but was never verified, so nothing was changed.`,
        'You receive its email, so you can verify it. Request a link to sign in, or a new password. The address is then yours, and anyone who used it without receiving its email is signed out and loses the password they chose.',
        { link: page('/login/email'), label: 'Sign in with an emailed link' },
        { link: page('/forgot-password'), label: 'Set a password' },
        ignore,
      ],
    }),
    reset_password: ({ service, link, until }) => ({
      subject: 'Set a new password',
      body: [
        `A new password was requested for your account at ${service}. Open the link to choose one:`,
        { link: link('/reset-password'), label: 'Choose a new password' },
        `The link can be used once, until ${until}. With a new password, all devices are signed out.`,
        ignore,
      ],
    }),
    sign_in: ({ service, link, code, until }) => ({
      subject: 'Your sign-in code',
      body: [
        `Enter this code where you are signing in to ${service}:`,
        { code },
        'Or open the link in the browser in which you want to sign in:',
        { link: link('/login/email/link'), label: 'Sign in' },
        `Code and link can be used once, until ${until}. Do not share the code with anyone: we never ask you for it.`,
        ignore,
      ],
    }),
    team_invitation: ({ service, link, until, param }) => ({
      subject: 'You are invited to a team',
      body: [
        `${param('inviter')} invited you to the team “${param('team')}” at ${service}.`,
        'Open the link to see the invitation and to join with your account:',
        { link: link('/invitation'), label: 'See the invitation' },
        `The link can be used once, until ${until}. You join only after you confirm. Do not share the link: anyone who has it can join.`,
        'If you do not know this person, you can ignore this message.',
      ],
    }),
    invitation: ({ service, to, link, page, until }) => ({
      subject: `You are invited to ${service}`,
      body: [
        `An administrator created an account for ${to} at ${service}. Open the link to accept it, and choose how you sign in:`,
        { link: link('/accept-invitation'), label: 'Accept the invitation' },
        `The link can be used once, until ${until}. Do not share it: anyone who has it gets the account.`,
        'You can also sign in with any method that proves this email address, such as a code by email:',
        { link: page('/login'), label: 'Sign in' },
        'If you do not expect this invitation, you can ignore this message.',
      ],
    }),
    no_account: ({ service, to, page }) => ({
      subject: 'There is no account with this email address',
      body: [
        `Someone, perhaps you, tried to sign in to ${service} with ${to}. There is no account with this email address.`,
        'Perhaps your account has another email address, or another sign-in method:',
        { link: page('/login'), label: 'To the sign-in page' },
        ignore,
      ],
    }),
  },

  notices: {
    'account.disabled': ({ service }) => ({
      subject: 'Your account was disabled',
      happened: `Your account at ${service} was disabled, and you were signed out everywhere.`,
      advice: 'If you do not know why, contact the operator of the service.',
    }),
    'account.role_changed': ({ service, param }) => ({
      subject: 'Your role was changed',
      happened: `Your account at ${service} now has the role “${param('role')}”.`,
      advice: 'If you do not know why, contact the operator of the service.',
    }),
    'identity.linked': ({ service, provider }) => ({
      subject: `${provider} was linked to your account`,
      happened: `${provider} was linked to your account at ${service}. You can now sign in with it.`,
    }),
    'identity.unlinked': ({ service, provider }) => ({
      subject: `${provider} was unlinked from your account`,
      happened: `${provider} was unlinked from your account at ${service}. You can no longer sign in with it.`,
    }),
    'password.set': ({ service }) => ({
      subject: 'Your account now has a password',
      happened: `A password was set for your account at ${service}.`,
    }),
    'password.changed': ({ service }) => ({
      subject: 'Your password was changed',
      happened: `The password of your account at ${service} was changed.`,
    }),
    'password.reset': ({ service }) => ({
      subject: 'Your password was reset',
      happened: `The password of your account at ${service} was reset through a link sent to this email address. All devices were signed out.`,
      advice:
        'If this was not you, someone else can read your email. Secure your mailbox first, then reset the password again.',
    }),
    'password.removed': ({ service }) => ({
      subject: 'Your password was removed',
      happened: `Your account at ${service} no longer has a password.`,
    }),
    'second_factor.added': ({ service, param }) => ({
      subject: 'A second factor was added',
      happened: `A second factor was added to your account at ${service}: ${factors[param('factor')] ?? param('factor')}.`,
    }),
    'second_factor.removed': ({ service, param }) => ({
      subject: 'A second factor was removed',
      ...(param('by') === ''
        ? {
            happened: `A second factor of your account at ${service} was removed: ${factors[param('factor')] ?? param('factor')}.`,
          }
        : {
            happened: `An administrator removed the second factor of your account at ${service}. You were signed out everywhere. You sign in without a second factor until you set one up again.`,
            advice:
              'If you did not request this, contact the operator of the service immediately and set a new password.',
          }),
    }),
    'recovery_codes.made': ({ service }) => ({
      subject: 'You have new recovery codes',
      happened: `New recovery codes were created for your account at ${service}. The old ones no longer work.`,
    }),
    'recovery_code.used': ({ service, param }) => ({
      subject: 'A recovery code was used',
      happened: `Someone signed in to your account at ${service} with a recovery code instead of the second factor. Codes left: ${param('left')}.`,
    }),
    'provider_token.needs_reauthorization': ({ service, provider }) => ({
      subject: `Renew your permission at ${provider}`,
      happened: `${provider} no longer accepts the permission that you gave ${service}. Services that act for you there have stopped. You can sign in as before.`,
      advice: `To renew it, sign in to ${service} with ${provider} once. If you withdrew it yourself, you do not need to do anything.`,
      onward: { path: '/account', label: 'To your account' },
    }),
    'provider.secret_expiring': ({ provider, service, param }) => ({
      subject: `The client secret of ${provider} expires soon`,
      happened: `The client secret that ${service} uses for sign-ins with ${provider} expires in ${param('days')} days. After that, sign-ins with ${provider} fail.`,
      advice: 'Create a new client secret at the provider and save it here before that day.',
      onward: { path: '/admin/providers', label: 'Providers' },
    }),
    'jira.needs_reauthorization': ({ service, param }) => ({
      subject: 'Your team’s connection to Jira stopped working',
      happened: `${stopped(service)[param('reason')] ?? stopped(service).invalid_grant} The sites you chose are kept.`,
      advice: 'An owner or admin of the team can connect Jira again, on its integrations page.',
      onward: { path: `/account/teams/${param('team')}/integrations`, label: 'To the team’s integrations' },
    }),
    'device.new': ({ service, provider }) => ({
      subject: 'New sign-in to your account',
      happened: `Someone signed in to your account at ${service} with ${provider}, on a device that we have not seen before.`,
    }),
  },

  advice:
    'If this was you, you do not need to do anything. If not, sign out all other devices on your account page and set a new password.',
  toAccount: 'To your account',
  toReset: 'Reset your password',
  when: 'When',
  device: 'Device',
  address: 'IP address',
  devices: { unknown: 'unknown', on: (browser, system) => `${browser} on ${system}` },
  ways: { password: 'a password', passkey: 'a passkey', email: 'a link or code by email' },
  support: (address) => `Questions? Write to ${address}.`,
  closing: (service) => `Sent by ${service}. Replies to this message are not read.`,
}
