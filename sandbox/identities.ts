/**
 * The users of the sandbox providers, with each provider's data about them. A user has another subject at every
 * provider, and no subject derives from the email address.
 */
import { createHash } from 'node:crypto'
import type { ProviderId } from './exchange.ts'

type GoogleIdentity = {
  sub: string
  name: string
  given_name?: string
  family_name?: string
  picture?: string
  email?: string
  email_verified?: boolean | string
  hd?: string
}
type GitHubEmail = {
  email: string
  verified: boolean
  primary: boolean
  visibility: 'public' | 'private' | null
}
export type GitHubMembership = {
  login: string
  /** `pending`: invited, but not yet a member. */
  state: 'active' | 'pending'
  /** The organization blocks unapproved applications, or requires its own sign-in first. */
  hides?: 'oauth_app' | 'saml'
}
export type GitHubIdentity = {
  id: number
  login: string
  name: string | null
  email: string | null
  emails: GitHubEmail[]
  organizations?: GitHubMembership[]
}
type Queue = { id: string; name: string; jql: string; issueCount: number }
type Desk = { id: string; projectId: string; projectName: string; projectKey: string; queues: Queue[] }
export type Site = {
  id: string
  name: string
  /** Without an agent's license queues respond with 403. */
  agent: boolean
  desks: Desk[]
  /** The user lost access, or the site was deleted. It is not listed and does not respond. */
  gone?: boolean
  /** Limits the granted scopes to these. */
  scopes?: string[]
}
export type AtlassianIdentity = {
  account_id: string
  account_type: string
  account_status: string
  name: string
  nickname: string
  email?: string
  email_verified?: boolean
  picture?: string
  sites: Site[]
}
type OidcIdentity = {
  sub: string
  name?: string
  preferred_username?: string
  picture?: string
  email?: string
  email_verified?: boolean | string
  /** The tenant of a work account, in the Entra ID variant. Contoso by default. */
  tid?: string
}
type OAuth2Identity = { uid: number | string; label?: string; mail?: string; confirmed?: boolean }

/** A provider that is absent does not know this user. */
export type Identity = {
  readonly key: string
  readonly title: string
  google?: GoogleIdentity
  github?: GitHubIdentity
  atlassian?: AtlassianIdentity
  oidc?: OidcIdentity
  oauth2?: OAuth2Identity
}

export type Person = { key: string; name: string; email: string; verified: boolean; title?: string }

const digest = (text: string) => createHash('sha256').update(text).digest('hex')
const digits = (text: string, length: number) =>
  (BigInt(`0x${digest(text)}`) % 10n ** BigInt(length)).toString().padStart(length, '7')
const picture = (key: string) => `https://lh3.googleusercontent.com/a/sandbox-${key}=s96-c`

const noreply = (id: number, login: string) => `${id}+${login}@users.noreply.github.com`

/** An ordinary user at every provider. Entries below and tests define the differences. */
export function person({ key, name, email, verified, title }: Person): Required<Identity> {
  const [given = name, ...family] = name.split(' ')
  const id = 1_000_000 + Number(digits(`github ${key}`, 6))
  const uuid = digest(`atlassian ${key}`).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
  return {
    key,
    title: title ?? `${name}, ${email}`,
    google: {
      sub: `1${digits(`google ${key}`, 20)}`,
      name,
      given_name: given,
      ...(family.length > 0 && { family_name: family.join(' ') }),
      picture: picture(key),
      email,
      email_verified: verified,
    },
    github: {
      id,
      login: key,
      name,
      email: null,
      emails: [
        { email, verified, primary: true, visibility: 'private' },
        { email: noreply(id, key), verified: true, primary: false, visibility: null },
      ],
    },
    atlassian: {
      account_id: `712020:${uuid}`,
      account_type: 'atlassian',
      account_status: 'active',
      name,
      nickname: key,
      email,
      email_verified: verified,
      picture: `https://secure.gravatar.com/avatar/${digest(email).slice(0, 32)}`,
      sites: [],
    },
    oidc: {
      sub: `acme|${digest(`oidc ${key}`).slice(0, 24)}`,
      name,
      preferred_username: key,
      picture: picture(key),
      email,
      email_verified: verified,
    },
    oauth2: { uid: 100_000 + Number(digits(`oauth2 ${key}`, 5)), label: name, mail: email, confirmed: verified },
  }
}

const desk = (id: string, projectKey: string, projectName: string, queues: Queue[]): Desk => ({
  id,
  projectId: `1000${id}`,
  projectName,
  projectKey,
  queues,
})
const queue = (id: string, name: string, issueCount: number): Queue => ({
  id,
  name,
  jql: `project = SD AND resolution = Unresolved AND queue = ${id} ORDER BY "Time to resolution" ASC`,
  issueCount,
})

export const ACME_SITE: Site = {
  id: '1324a887-45db-4bf4-9e99-ef0ff456d421',
  name: 'acme',
  agent: true,
  desks: [
    desk('1', 'SD', 'IT Help', [
      queue('10', 'Unassigned issues', 10),
      queue('11', 'All open', 42),
      queue('12', 'Waiting for customer', 0),
    ]),
    desk('2', 'HR', 'People', [queue('20', 'New joiners', 3)]),
  ],
}
export const GLOBEX_SITE: Site = {
  id: '9b2f6c1e-7a34-4d0b-8c55-3e1d2f4a6b7c',
  name: 'globex',
  agent: true,
  desks: [desk('1', 'OPS', 'Operations', [queue('10', 'Incidents', 1)])],
}
/** The user sees the site but is not an agent of its desks: queues respond with 403. */
export const INITECH_SITE: Site = {
  id: '5d0e8f3a-1c72-4b69-a2d4-7f9b0c6e1a83',
  name: 'initech',
  agent: false,
  desks: [desk('3', 'TPS', 'Reports', [queue('30', 'Cover sheets', 7)])],
}

function ada(): Identity {
  const who = person({
    key: 'ada',
    name: 'Ada Example',
    email: 'ada@example.com',
    verified: true,
    title: 'Ada Example, ada@example.com, verified everywhere',
  })
  return {
    ...who,
    google: { ...who.google, hd: 'example.com' },
    github: {
      ...who.github,
      organizations: [
        { login: 'Acme', state: 'active' },
        { login: 'initech', state: 'active', hides: 'oauth_app' },
      ],
    },
    atlassian: { ...who.atlassian, sites: [structuredClone(ACME_SITE), structuredClone(GLOBEX_SITE)] },
    oauth2: { ...who.oauth2, uid: 7 },
  }
}

function grace(): Identity {
  const who = person({
    key: 'grace',
    name: 'Grace Hopper',
    email: 'grace@gmail.com',
    verified: true,
    title: 'Grace Hopper, grace@gmail.com, not verified at GitHub',
  })
  return {
    ...who,
    github: {
      ...who.github,
      // The public email of a GitHub profile is free text and proves nothing.
      email: 'grace@gmail.com',
      organizations: [{ login: 'Acme', state: 'pending' }],
      emails: who.github.emails.map((entry) => (entry.primary ? { ...entry, verified: false } : entry)),
    },
    atlassian: { ...who.atlassian, sites: [structuredClone(INITECH_SITE)] },
  }
}

function linus(): Identity {
  const who = person({
    key: 'linus',
    name: 'Linus Private',
    email: 'linus@example.org',
    verified: true,
    title: 'Linus Private, who hides the email address',
  })
  const { email: _e, email_verified: _v, ...google } = who.google
  const { email: _m, email_verified: _w, ...atlassian } = who.atlassian
  const { email: _o, email_verified: _x, ...oidc } = who.oidc
  return {
    ...who,
    google,
    github: {
      ...who.github,
      emails: [
        { email: noreply(who.github.id, who.github.login), verified: true, primary: true, visibility: null },
        { email: 'linus@example.org', verified: false, primary: false, visibility: null },
      ],
    },
    atlassian,
    oidc,
    oauth2: { uid: who.oauth2.uid, label: 'Linus Private' },
  }
}

function mallory(): Identity {
  const who = person({
    key: 'mallory',
    name: 'Mallory Example',
    email: 'ada@example.com',
    verified: false,
    title: "Mallory, who claims Ada's email address without verification",
  })
  return { ...who, github: { ...who.github, email: 'ada@example.com' } }
}

function zoe(): Identity {
  const email = 'zoe@example.net'
  const who = person({
    key: 'zoe',
    name: 'Zoë 🦊',
    email,
    verified: true,
    title: 'Zoë 🦊, with more than thirty email addresses at GitHub',
  })
  const others = Array.from({ length: 33 }, (_, n) => ({
    email: `zoe+${n + 1}@example.net`,
    verified: n % 2 === 0,
    primary: false,
    visibility: null,
  }))
  return {
    ...who,
    google: { ...who.google, sub: '998877665544332211009' },
    github: {
      ...who.github,
      name: null,
      // The primary address is the 31st. Clients that read only the first page of thirty do not find it.
      emails: [
        ...others.slice(0, 30),
        { email, verified: true, primary: true, visibility: 'private' },
        ...others.slice(30),
        { email: noreply(who.github.id, who.github.login), verified: true, primary: false, visibility: null },
      ],
    },
  }
}

const SCRIPTED: readonly (() => Identity)[] = [ada, grace, linus, mallory, zoe]

export function createIdentities() {
  const people = new Map<string, Identity>()
  const start = () => {
    people.clear()
    for (const create of SCRIPTED) {
      const identity = create()
      people.set(identity.key, identity)
    }
  }
  start()
  return {
    get: (key: string): Identity | undefined => people.get(key),
    all: (): Identity[] => [...people.values()],
    /** Adds a user, or replaces the one with the same key. */
    set: (identity: Identity) => void people.set(identity.key, identity),
    /** Finds a user by key, or by the email address or subject at the provider, as `login_hint` allows. */
    hinted(provider: ProviderId, hint: string): Identity | undefined {
      return people.get(hint) ?? [...people.values()].find((who) => namesOf(who, provider).includes(hint))
    },
    bySubject: (provider: ProviderId, subject: string): Identity | undefined =>
      [...people.values()].find((who) => subjectOf(who, provider) === subject),
    reset: start,
  }
}
export type Identities = ReturnType<typeof createIdentities>

export function subjectOf(who: Identity, provider: ProviderId): string | undefined {
  switch (provider) {
    case 'google':
      return who.google?.sub
    case 'github':
      return who.github && String(who.github.id)
    case 'atlassian':
      return who.atlassian?.account_id
    case 'oidc':
      return who.oidc?.sub
    case 'oauth2':
      return who.oauth2 && String(who.oauth2.uid)
  }
}

function namesOf(who: Identity, provider: ProviderId): (string | undefined)[] {
  const mail = provider === 'google' ? who.google?.email : provider === 'oidc' ? who.oidc?.email : undefined
  return [mail, subjectOf(who, provider)]
}
