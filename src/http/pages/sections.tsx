import type { VNode } from 'preact'
import type { Scope } from '../../accounts/roles.ts'
import { useScript } from '../page-frame.ts'
import { pageScript } from './page-script.ts'
import type { Texts } from './texts.ts'

type Section = {
  readonly path: string
  readonly name: (say: Texts) => string
  /** Other paths whose pages belong to the section. */
  readonly also?: readonly string[]
  /** Without this scope, the section is not shown. */
  readonly scope?: Scope
}

/** The pages of an account. */
const account: readonly Section[] = [
  { path: '/account', name: ({ sections }) => sections.profile, also: ['/account/email'] },
  {
    path: '/account/sign-in',
    name: ({ sections }) => sections.signIn,
    also: ['/account/password', '/account/passkeys', '/account/identities', '/account/link'],
  },
  { path: '/account/second-factor', name: ({ sections }) => sections.secondFactor },
  { path: '/account/devices', name: ({ sections }) => sections.devices, also: ['/account/sessions'] },
  { path: '/account/activity', name: ({ sections }) => sections.activity },
  { path: '/account/permissions', name: ({ sections }) => sections.permissions },
  { path: '/account/teams', name: ({ sections }) => sections.teams },
  { path: '/account/data', name: ({ sections }) => sections.data, also: ['/account/delete'] },
]

/** The pages of administrators and auditors. */
const administration: readonly Section[] = [
  { path: '/admin', name: ({ overview }) => overview.title, scope: 'users:read' },
  { path: '/admin/users', name: ({ admin }) => admin.users, also: ['/admin/new-user'], scope: 'users:read' },
  {
    path: '/admin/providers',
    name: ({ providers }) => providers.words.title,
    also: ['/admin/new-provider'],
    scope: 'providers:read',
  },
  {
    path: '/admin/applications',
    name: ({ applications }) => applications.title,
    also: ['/admin/new-application', '/admin/registration-tokens'],
    scope: 'applications:read',
  },
  { path: '/admin/branding', name: ({ branding }) => branding.title, scope: 'settings:read' },
  { path: '/admin/service-credentials', name: ({ admin }) => admin.credentials, scope: 'credentials:read' },
  { path: '/admin/audit', name: ({ admin }) => admin.audit, scope: 'audit:read' },
  { path: '/admin/jobs', name: ({ jobs }) => jobs.title, scope: 'jobs:read' },
]

/** Whether a page belongs to the administration. */
export const isAdministration = (path: string): boolean => path === '/admin' || path.startsWith('/admin/')

type SectionsProps = { readonly say: Texts; readonly path: string; readonly scopes: readonly string[] }

/** The navigation at the side of every page of an area. A page below a section is part of it: the longest path counts. */
export function Sections({ say, path, scopes }: SectionsProps): VNode {
  // It scrolls the current section into view on phones.
  useScript(pageScript)
  const isOfAdministration = isAdministration(path)
  const sections = isOfAdministration ? administration : account
  const isWithin = (parent: string): boolean => path === parent || path.startsWith(`${parent}/`)
  const all = sections.flatMap((section) => [section.path, ...(section.also ?? [])].map((at) => ({ at, section })))
  const [current] = all.filter(({ at }) => isWithin(at)).sort((a, b) => b.at.length - a.at.length)
  return (
    <nav class="side" aria-label={isOfAdministration ? say.admin.title : say.navigation}>
      {sections
        .filter(({ scope }) => scope === undefined || scopes.includes(scope))
        .map((section) => (
          <a
            key={section.path}
            href={section.path}
            aria-current={section === current?.section ? (path === section.path ? 'page' : 'true') : undefined}
          >
            {section.name(say)}
          </a>
        ))}
    </nav>
  )
}
