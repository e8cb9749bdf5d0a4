import { isStandardScope } from '../../applications/policy.ts'
import type { Audience, Texts } from './texts.ts'

/** What a scope lets an application do, in words for this reader. */
export const scopeWords = (scope: string, { scopes }: Texts, audience: Audience): string =>
  isStandardScope(scope) ? scopes.standard[scope][audience] : scopes.other[audience](scope)

/** What an application may do at an API, in words for this reader. */
export const resourceWords = (resource: string, { scopes }: Texts, audience: Audience): string =>
  scopes.resource[audience](resource)
