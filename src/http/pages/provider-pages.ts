import type { ManagedProvider } from '../../providers/managed.ts'
import { seeOther } from '../reply.ts'
import { adminPage, type mayNow } from './admin-frame.tsx'
import { doneAt, type Notice } from './status.ts'

/** What the administrators' pages about providers share: where they are, who may use them, and the states. */

export const providersPath = '/admin/providers'
/** Not below the other one: a provider could have any ID. */
export const newProviderPath = '/admin/new-provider'
export const providerPage = (id: string): `/admin/providers/${string}` => `${providersPath}/${id}`

export const reading = { ...adminPage, scope: 'providers:read' } as const
export const writing = { ...adminPage, auth: 'recent', scope: 'providers:write' } as const
export type May = ReturnType<typeof mayNow>

/** Redirects to the page of the provider, with a notice. */
export const backTo =
  (done: Notice) =>
  ({ params }: { params: { id: string } }) =>
    seeOther(doneAt(providerPage(params.id), done))

type State = 'enabled' | 'disabled' | 'draft' | 'environment'
/** The states of a provider; a draft is one of its own next to live settings. */
export const statesOf = ({ source, enabled, live, draft }: ManagedProvider): readonly State[] => [
  ...(source === 'environment' ? (['environment'] as const) : []),
  enabled ? 'enabled' : 'disabled',
  ...(draft && (live || !enabled) ? (['draft'] as const) : []),
]
