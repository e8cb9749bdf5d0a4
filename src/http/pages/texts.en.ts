import type { EndReason, EventWords, Factor, RevocationResult } from './texts.ts'

const ended: Record<EndReason, string> = {
  logout: 'Signed out',
  logout_all: 'Signed out everywhere',
  revoked: 'A device was signed out',
  replaced: 'An earlier sign-in in the same browser ended',
  token_reused: 'A device was signed out for safety: one of its tokens came back after its time',
  code_reused: 'A device was signed out for safety: its sign-in code was used twice',
  identity_unlinked: 'A device was signed out because the sign-in it used was unlinked',
  email_claim_ended: 'A device was signed out because somebody else proved the address',
  account_deleted: 'Signed out because the account was deleted',
  password_changed: 'A device was signed out because the password was changed',
  password_reset: 'A device was signed out because the password was reset',
  password_removed: 'A device was signed out because the password was removed',
  second_factor_added: 'A device was signed out because a second factor was added',
  second_factor_removed: 'A device was signed out because a second factor was removed',
  email_changed: 'A device was signed out because the address was changed',
  account_disabled: 'Signed out because an administrator disabled the account',
  by_administrator: 'Signed out by an administrator',
}

const revoked: Record<RevocationResult, (provider: string) => string> = {
  revoked: (provider) => `Our permission at ${provider} was withdrawn`,
  superseded: (provider) => `Our permission at ${provider} was kept, because it was linked again`,
  not_supported: (provider) => `${provider} has no way to withdraw our permission, so it was only erased here`,
  gave_up: (provider) => `We could not withdraw our permission at ${provider}; you can do it there yourself`,
}

const factors: Record<Factor, string> = { totp: 'authenticator app', passkey: 'passkey' }

const events: EventWords = {
  'authentication.succeeded': ({ provider }) => `Signed in with ${provider}`,
  'authentication.failed': ({ provider, intent, why }) =>
    `${intent === 'link' ? `Linking ${provider}` : `A sign-in with ${provider}`} did not work${why ? `: ${why}` : ''}`,
  'account.created': ({ provider }) => `Account opened with ${provider}`,
  'account.email_verified': ({ provider }) => `E-mail address verified by ${provider}`,
  'account.updated': 'Profile changed',
  'account.deleted': 'Account deleted',
  'account.email_claim_ended': 'Somebody else proved an address this account had not verified',
  'identity.linked': ({ provider, how }) =>
    how === 'verified_email'
      ? `${provider} linked by its verified e-mail address`
      : how === 'conflict'
        ? `${provider} linked after you proved that the account is yours`
        : `${provider} linked`,
  'identity.unlinked': ({ provider }) => `${provider} unlinked`,
  'identity.unlink_refused': ({ why }) => `An unlinking was refused${why ? `: ${why}` : ''}`,
  'conflict.opened': ({ provider }) => `A sign-in with ${provider} used an address that already has an account`,
  'conflict.resolved': ({ provider, action }) =>
    action === 'create'
      ? `Went on with a separate account for ${provider}`
      : `Said that ${provider} belongs to this account`,
  'account.email_changed': 'E-mail address changed',
  'account.disabled': 'Account disabled by an administrator',
  'account.enabled': 'Account enabled by an administrator',
  'account.role_changed': ({ role }) => `Role changed to ${role}`,
  'account.exported': 'Everything stored about you was exported',
  'password.set': 'Password set',
  'password.changed': 'Password changed',
  'password.reset': 'Password reset by e-mail',
  'password.reset_started': 'An administrator sent you a link to choose a new password',
  'password.removed': 'Password removed',
  'second_factor.added': ({ factor }) => `Second factor added: ${factors[factor as Factor] ?? factor}`,
  'second_factor.removed': ({ factor }) => `Second factor removed: ${factors[factor as Factor] ?? factor}`,
  'recovery_codes.made': 'Recovery codes made',
  'recovery_code.used': 'A recovery code was used',
  'device.new': ({ provider }) => `Signed in with ${provider} on a new device`,
  'session.ended': ({ reason }) => ended[reason as EndReason] ?? ended.revoked,
  'session.token_reused': 'A token came back after its time, so its device was signed out',
  'provider_token.needs_reauthorization': ({ provider }) => `${provider} no longer accepts our permission`,
  'provider_token.revoked': ({ provider, result }) =>
    (revoked[result as RevocationResult] ?? revoked.gave_up)(provider),
}

export const en = {
  skip: 'Skip to the content',
  navigation: 'Your account',
  account: 'Account',
  activity: 'Activity',
  signIn: 'Sign in',
  signInAgain: 'Sign in again',
  signOut: 'Sign out',
  backToAccount: 'Back to your account',
  home: 'To the start page',
  tryAgain: 'Try again',
  requestId: 'Request id',
  cancel: 'Cancel',
  yes: 'yes',
  no: 'no',
  utc: 'UTC',

  ways_in: { password: 'a password', passkey: 'a passkey', email: 'a link by e-mail' },

  login: {
    title: 'Sign in',
    with: (provider: string) => `Continue with ${provider}`,
    nobody: 'No way to sign in has been set up here yet. Whoever runs this service has to configure a provider first.',
    signedInAs: (name: string) => `You are signed in as ${name}. Signing in again confirms that it is you.`,
    status: { up: '', degraded: 'may be slow', down: 'not answering right now' },
    onward: (host: string) => `Afterwards you go on to ${host}.`,
    privacy: 'We ask the provider who you are. It never tells us your password.',
  },

  security: {
    heading: 'Security',
    password: 'Password',
    email: 'E-mail address',
    secondFactor: 'Second factor',
    passkeys: 'Passkeys',
  },

  onward: {
    title: 'You are signed in',
    text: (host: string) => `You are on your way back to ${host}.`,
    go: (host: string) => `Go on to ${host}`,
  },

  done: {
    linked: 'The sign-in is linked to your account.',
    unlinked: 'The sign-in was unlinked, and what it let us keep was erased.',
    device_ended: 'The device was signed out.',
    devices_ended: 'All other devices were signed out.',
    name_changed: 'Your name was changed.',
    signed_out: 'You are signed out.',
    deleted: 'Your account was deleted, and everything we kept about you with it.',
  },

  profile: {
    title: 'Your account',
    heading: 'Profile',
    name: 'Name',
    nameHint: 'What apps that use this service call you.',
    save: 'Save name',
    email: 'E-mail',
    noEmail: 'none',
    verified: 'verified',
    notVerified: 'not verified',
    since: 'Member since',
  },

  ways: {
    heading: 'Ways to sign in',
    intro: (usable: number, all: number) =>
      all === 1 ? 'One way into this account.' : `${usable} of ${all} ways into this account work at present.`,
    id: 'Account there',
    linkedAt: 'Linked',
    lastUsed: 'Last used',
    allowed: 'You allowed',
    nothingAllowed: 'nothing beyond signing in',
    usable: 'Signing in',
    works: 'works',
    switchedOff: 'not possible at present: this provider is switched off here',
    permission: 'Permission',
    tokenStatus: {
      healthy: 'valid',
      needs_reauthorization: 'needs renewing',
      none: 'none kept',
    },
    renew: (provider: string) => `Sign in with ${provider} again to renew it`,
    show: (provider: string) => `What ${provider} says`,
    unlink: (provider: string) => `Unlink ${provider}`,
    scopes: {
      openid: 'know who you are',
      email: 'see your e-mail address',
      profile: 'see your name and picture',
      'read:user': 'read your profile',
      'user:email': 'read your e-mail addresses',
      'read:me': 'see your name, e-mail address and picture',
      offline_access: 'stay connected while you are away',
      'read:jira-work': 'read your Jira projects and issues',
      'read:jira-user': 'see people in your Jira sites',
      'read:servicedesk-request': 'read requests of your service desks',
      'https://www.googleapis.com/auth/userinfo.email': 'see your e-mail address',
      'https://www.googleapis.com/auth/userinfo.profile': 'see your name and picture',
    } as Readonly<Record<string, string>>,
    otherScope: 'other access',
  },

  link: {
    heading: 'Link another way to sign in',
    title: (provider: string) => `Link ${provider}`,
    intro: 'With a second way in you do not lose your account when one of them fails.',
    button: (provider: string) => `Link ${provider}`,
    text: (provider: string) =>
      `You sign in at ${provider} and come back here. From then on it opens this account as well, whatever its e-mail address.`,
    asks: 'We ask to:',
    recent: 'For your safety, linking needs a recent sign-in.',
  },

  unlink: {
    title: (provider: string) => `Unlink ${provider}?`,
    text: (provider: string) =>
      `${provider} will no longer open this account, and devices signed in with it are signed out, except this one.`,
    withdrawn: (provider: string) =>
      `What it let us keep is erased here, and our permission at ${provider} is withdrawn.`,
    perhapsWithdrawn: (provider: string) =>
      `What it let us keep is erased here, and our permission at ${provider} is withdrawn if it lets us.`,
    erased: 'What it let us keep is erased here.',
    noEndpoint: (provider: string) => `${provider} has no way for us to withdraw our permission.`,
    elsewhere: 'You can withdraw it there yourself',
    last: 'This is the only way left into your account. Link another one first, or you could never come back.',
    button: (provider: string) => `Yes, unlink ${provider}`,
  },

  devices: {
    heading: 'Devices',
    intro: 'Where you are signed in at present.',
    unknown: 'Unknown device',
    on: (browser: string, system: string) => `${browser} on ${system}`,
    current: 'this device',
    lastSeen: 'Last seen',
    since: 'Signed in',
    address: 'Address',
    with: 'With',
    end: 'Sign out',
    endOthers: 'Sign out all other devices',
  },

  events: {
    heading: 'Recent activity',
    title: 'Activity',
    intro: 'What happened to your account, newest first.',
    nothing: 'Nothing yet.',
    end: 'There is nothing older.',
    all: 'All activity',
    older: 'Older activity',
    newest: 'Back to the newest',
    words: events,
  },

  remove: {
    heading: 'Delete account',
    intro:
      'Everything we keep about you is erased, and our permissions at the providers are withdrawn where they let us.',
    start: 'Delete account…',
    title: 'Delete your account?',
    text: 'Your profile, your ways to sign in and your devices are erased at once, and our permissions at the providers are withdrawn where they let us. This cannot be undone.',
    button: 'Yes, delete my account',
    keep: 'Keep my account',
  },

  identity: {
    title: (provider: string) => `What ${provider} says about you`,
    asked: 'Asked',
    now: 'just now',
    fromCache: 'kept from earlier, to spare the provider',
    stale: 'kept from earlier: the provider is not answering right now, so this may be out of date',
    nothing: 'nothing',
    fields: {
      sub: 'Account id',
      id: 'Account id',
      account_id: 'Account id',
      login: 'User name',
      nickname: 'Nickname',
      name: 'Name',
      given_name: 'First name',
      family_name: 'Last name',
      email: 'E-mail',
      email_verified: 'E-mail verified',
      picture: 'Address of the picture',
      avatar_url: 'Address of the picture',
      locale: 'Language',
      hd: 'Organisation',
    } as Readonly<Record<string, string>>,
  },

  conflict: {
    title: 'This address already has an account',
    happened: (provider: string) => `You came from ${provider} with the address`,
    already: 'There is an account with this address here already, and we cannot tell by ourselves that it is yours.',
    mine: 'It is mine',
    prove: (provider: string) => `Sign in to that account with a way it already has. Then ${provider} is linked to it.`,
    signInWith: (provider: string) => `It is mine: sign in with ${provider}`,
    signedInElsewhere:
      'You are signed in, but not to an account with this address, or not recently enough. Sign in to that account.',
    noMethod: 'None of its ways to sign in is available here at present.',
    proven: 'You are signed in to that account, so it is yours.',
    proveDone: (provider: string) => `Once linked, ${provider} opens it as well.`,
    link: (provider: string) => `Yes, link ${provider} to my account`,
    notMine: 'It is not mine, or keep them apart',
    separate: (provider: string) => `You get a new account of your own, and ${provider} opens it.`,
    create: 'Go on with a separate account',
    closed: 'New accounts cannot be opened here at the moment.',
    until: 'You can answer until',
  },
}

export type Texts = typeof en
