import type { Scope } from '../../accounts/roles.ts'
import type { Account } from '../../kernel/account.ts'
import { isRecent } from '../principal.ts'
import type { Principal } from '../route.ts'
import type { Services } from '../services.ts'

/** What the administrators' pages share. */
export const common = { tag: 'Pages', surface: 'browser', limit: 'account' } as const
export const adminPage = { ...common, method: 'get', auth: 'user', scope: 'users:read' } as const
/** How many rows a list shows at once. */
export const perPage = 25

/** Whether the viewer has the scope, and whether their sign-in is recent enough to use it. */
export const mayNow = (who: Principal, scope: Scope, { clock, settings }: Services) => ({
  allowed: who.scopes.includes(scope),
  recent: isRecent(who, clock(), settings.recentAuthSeconds),
})

/** What an account is called. */
export const accountLabel = ({ name, email, id }: Pick<Account, 'id' | 'name' | 'email'>): string => name ?? email ?? id

/** The page where an account is managed. */
export const userPage = (id: string): `/admin/users/${string}` => `/admin/users/${id}`

/** The page where a person is added. */
export const newUserPage = '/admin/users/new'

/** The query string of a link, with its `?`, without empty parameters. */
export const query = (given: Readonly<Record<string, string | undefined>>): string => {
  const entries = Object.entries(given).filter((entry): entry is [string, string] => !!entry[1])
  return entries.length === 0 ? '' : `?${new URLSearchParams(entries)}`
}
