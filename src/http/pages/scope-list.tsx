import type { VNode } from 'preact'
import type { Reader } from './layout.tsx'
import { resourceWords, scopeWords } from './scope-words.ts'
import type { Audience } from './texts.ts'

type ScopeListProps = Reader & {
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly audience: Audience
}

/** What an application asks for, or may do, in words. */
export const ScopeList = ({ scopes, resources, audience, say }: ScopeListProps): VNode => (
  <ul>
    {scopes.map((scope) => (
      <li key={scope}>{scopeWords(scope, say, audience)}</li>
    ))}
    {resources.map((resource) => (
      <li key={resource}>{resourceWords(resource, say, audience)}</li>
    ))}
  </ul>
)
