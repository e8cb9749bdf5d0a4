/**
 * What identifies a provider to stored data: the namespace of its subjects, and the client registration of its grants.
 * An administrator can change both at run time.
 */
import { sha256 } from '../../kernel/crypto.ts'
import type { Definition, ProviderSettings } from '../provider.ts'

/**
 * The client registration that grants belong to. An administrator can send requests to other endpoints under the same
 * client ID. Tokens that users granted before must not go there: they belong to the endpoints they came from. Another
 * issuer is another namespace anyway.
 */
export const registrationOf = ({ clientId, urls, discoveryUrl }: ProviderSettings): string =>
  Object.keys(urls).length === 0 && discoveryUrl === undefined
    ? clientId
    : `${clientId} ${sha256(JSON.stringify([Object.entries(urls).sort(), discoveryUrl])).slice(0, 16)}`

/**
 * The namespace of the subject. Without an issuer, it is the ID. But an administrator can delete an ID and add it as
 * another kind, or send it to other endpoints, where the same subject is another person. So what asserts the subject is
 * part of the namespace, except for a provider with well-known endpoints under its usual ID.
 */
export function namespaceOf({ openid }: Definition, one: ProviderSettings, version: string | null): string {
  const own = openid?.namespace(one) ?? one.id
  const { authorize: _authorize, revoke: _revoke, emails: _emails, resources: _resources, ...asserting } = one.urls
  const isWellKnown = one.kind === one.id && Object.keys(asserting).length === 0
  if (version === null || own !== one.id || isWellKnown) return own
  const text = JSON.stringify([one.kind, Object.entries(asserting).sort(), one.paths?.id])
  return `${one.id} ${sha256(text).slice(0, 16)}`
}
