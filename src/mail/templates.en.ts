import type { Templates } from './templates.ts'

const factors: Readonly<Record<string, string>> = { totp: 'an authenticator app', passkey: 'a passkey' }
/** Why a team’s connection to Jira stopped working. */
const stopped = (service: string): Readonly<Record<string, string>> => ({
  connector_left: `Whoever connected a team of yours at ${service} to Jira has left it, and their permission with them.`,
  connector_disabled: `The account of whoever connected a team of yours at ${service} to Jira was disabled, so their permission is not used until the account is enabled again.`,
  invalid_grant: `Jira no longer accepts the permission a team of yours at ${service} was connected with.`,
})
const ignore = 'If you did not ask for this, you can ignore this message: nothing changes.'

export const en: Templates = {
  letters: {
    verify_email: ({ service, to, link, until }) => ({
      subject: 'Verify your e-mail address',
      body: [
        `${to} was given as the address of an account at ${service}. Follow the link and confirm that it is yours:`,
        { link: link('/verify-email'), label: 'Verify my address' },
        `The link is good until ${until}, for somebody signed in to that account.`,
        'If you have no account there, ignore this message. Do not follow the link: the address stays unverified.',
      ],
    }),
    change_email: ({ service, to, link, until }) => ({
      subject: 'Confirm your new e-mail address',
      body: [
        `An account at ${service} is to have the address ${to}. Follow the link, signed in to that account, to confirm it:`,
        { link: link('/change-email'), label: 'Confirm my new address' },
        `The link is good until ${until}. Nothing changes before you confirm.`,
        ignore,
      ],
    }),
    email_change_requested: ({ service, page, param }) => ({
      subject: 'Somebody asked to change your e-mail address',
      body: [
        `Your account at ${service} is to have another e-mail address: ${param('new_address')}. Nothing has changed yet: the new address has to be confirmed first.`,
        'If this was not you, somebody else is signed in to your account. Sign every other device out and reset your password now.',
        { link: page('/account'), label: 'To your account' },
        { link: page('/forgot-password'), label: 'Reset your password' },
      ],
    }),
    email_changed: ({ service, page, param }) => ({
      subject: 'Your e-mail address was changed',
      body: [
        `Your account at ${service} had the address ${param('old_address')} and now has ${param('new_address')}. All other devices were signed out.`,
        'If this was not you, write to whoever runs the service at once.',
        { link: page('/account'), label: 'To your account' },
      ],
    }),
    address_taken: ({ service, to, page }) => ({
      subject: 'You already have an account',
      body: [
        `Somebody, perhaps you, wanted to use ${to} for an account at ${service}. There is an account with this address already, so nothing was changed.`,
        'If it was you, sign in to the account you have. If you no longer know its password, you can set a new one:',
        { link: page('/login'), label: 'Sign in' },
        { link: page('/forgot-password'), label: 'Reset your password' },
        ignore,
      ],
    }),
    address_claimed: ({ service, to, page }) => ({
      subject: 'Somebody was first with your address',
      body: [
        `Somebody, perhaps you, wanted to open an account at ${service} with ${to}. Somebody has used this address for one before, but nobody has shown that it is theirs, so nothing was changed.`,
        'You read its mail, so you can. Ask for a link to sign in, or for a new password: with either the address is yours, and whoever used it without reading its mail is signed out and loses the password they chose.',
        { link: page('/login/email'), label: 'Sign in with a link by mail' },
        { link: page('/forgot-password'), label: 'Set a password' },
        ignore,
      ],
    }),
    reset_password: ({ service, link, until }) => ({
      subject: 'Set a new password',
      body: [
        `Somebody, hopefully you, asked for a new password for your account at ${service}. Follow the link to choose one:`,
        { link: link('/reset-password'), label: 'Choose a new password' },
        `The link is good once, until ${until}. With a new password every device is signed out.`,
        ignore,
      ],
    }),
    sign_in: ({ service, link, code, until }) => ({
      subject: 'Your sign-in code',
      body: [
        `Type this code where you wanted to sign in to ${service}:`,
        { code },
        'Or follow the link in the browser you want to be signed in with:',
        { link: link('/login/email/link'), label: 'Sign in' },
        `Both are good once, until ${until}. Tell the code to nobody: we never ask you for it.`,
        ignore,
      ],
    }),
    team_invitation: ({ service, link, until, param }) => ({
      subject: 'You are invited to a team',
      body: [
        `${param('inviter')} invites you to the team “${param('team')}” at ${service}.`,
        'Follow the link to see what it is, and to join with an account of yours:',
        { link: link('/invitation'), label: 'See the invitation' },
        `The link is good once, until ${until}. You join nothing before you say so; whoever has the link can, so pass it on to nobody.`,
        'If you do not know who this is, you need do nothing.',
      ],
    }),
    no_account: ({ service, to, page }) => ({
      subject: 'There is no account with this address',
      body: [
        `Somebody, perhaps you, wanted to sign in to ${service} with ${to}. No account can be opened with this address.`,
        'Perhaps you have one with another address, or sign in another way:',
        { link: page('/login'), label: 'To the sign-in page' },
        ignore,
      ],
    }),
  },

  notices: {
    'account.disabled': ({ service }) => ({
      subject: 'Your account was disabled',
      happened: `Your account at ${service} was disabled, and you were signed out everywhere.`,
      advice: 'If you do not know why, ask whoever runs the service.',
    }),
    'account.role_changed': ({ service, param }) => ({
      subject: 'Your role was changed',
      happened: `Your account at ${service} now has the role “${param('role')}”.`,
      advice: 'If you do not know why, ask whoever runs the service.',
    }),
    'identity.linked': ({ service, provider }) => ({
      subject: `${provider} was linked to your account`,
      happened: `${provider} was linked to your account at ${service}. From now on it opens it as well.`,
    }),
    'identity.unlinked': ({ service, provider }) => ({
      subject: `${provider} was unlinked from your account`,
      happened: `${provider} was unlinked from your account at ${service}, and no longer opens it.`,
    }),
    'password.set': ({ service }) => ({
      subject: 'Your account has a password now',
      happened: `A password was set for your account at ${service}.`,
    }),
    'password.changed': ({ service }) => ({
      subject: 'Your password was changed',
      happened: `The password of your account at ${service} was changed.`,
    }),
    'password.reset': ({ service }) => ({
      subject: 'Your password was reset',
      happened: `The password of your account at ${service} was replaced through a link sent to this address. Every device was signed out.`,
      advice:
        'If this was not you, somebody else can read your mail. Secure your mailbox first, then reset the password again.',
    }),
    'password.removed': ({ service }) => ({
      subject: 'Your password was removed',
      happened: `Your account at ${service} no longer has a password.`,
    }),
    'second_factor.added': ({ service, param }) => ({
      subject: 'A second factor was added',
      happened: `Your account at ${service} has another second factor: ${factors[param('factor')] ?? param('factor')}.`,
    }),
    'second_factor.removed': ({ service, param }) => ({
      subject: 'A second factor was removed',
      ...(param('by') === ''
        ? {
            happened: `A second factor of your account at ${service} was removed: ${factors[param('factor')] ?? param('factor')}.`,
          }
        : {
            happened: `An administrator removed the second factor of your account at ${service}. You were signed out everywhere, and sign in without one until you set it up again.`,
            advice: 'If you did not ask for this, write to whoever runs the service at once, and set a new password.',
          }),
    }),
    'recovery_codes.made': ({ service }) => ({
      subject: 'You have new recovery codes',
      happened: `Recovery codes were made for your account at ${service}. Those from before are worth nothing now.`,
    }),
    'recovery_code.used': ({ service, param }) => ({
      subject: 'A recovery code was used',
      happened: `Somebody signed in to your account at ${service} with a recovery code in place of the second factor. Codes left: ${param('left')}.`,
    }),
    'provider_token.needs_reauthorization': ({ service, provider }) => ({
      subject: `${provider} asks for you`,
      happened: `${provider} no longer accepts the permission you gave ${service}, so what acts for you there has stopped. You can sign in as before.`,
      advice: `To give it again, sign in at ${service} with ${provider} once. If you took it back yourself, there is nothing to do.`,
      onward: { path: '/account', label: 'To your account' },
    }),
    'jira.needs_reauthorization': ({ service, param }) => ({
      subject: 'Your team’s connection to Jira stopped working',
      happened: `${stopped(service)[param('reason')] ?? stopped(service).invalid_grant} The sites you chose are kept.`,
      advice: 'To go on, an owner or admin of the team connects Jira again, on its integrations page.',
      onward: { path: `/account/teams/${param('team')}/integrations`, label: 'To the team’s integrations' },
    }),
    'device.new': ({ service, provider }) => ({
      subject: 'New sign-in to your account',
      happened: `Somebody signed in to your account at ${service} on a device we have not seen before, with ${provider}.`,
    }),
  },

  advice:
    'If this was you, there is nothing to do. If not, sign out all other devices on your account page and set a new password.',
  toAccount: 'To your account',
  toReset: 'Reset your password',
  when: 'When',
  device: 'Device',
  address: 'Network address',
  devices: { unknown: 'unknown', on: (browser, system) => `${browser} on ${system}` },
  ways: { password: 'a password', passkey: 'a passkey', email: 'a link or code by e-mail' },
  closing: (service) => `Sent by ${service}. Answers to this message are not read.`,
}
