import { applicationLimits, isResource, isScope, isStandardScope, standardScopes } from './policy.ts'

/**
 * What an application that no administrator registered may ask for, in addition to the standard scopes: access tokens for
 * these APIs, with these scopes. The operator names them, for example an MCP server. People are always asked.
 */
export type OpenResources = { readonly resources: readonly string[]; readonly scopes: readonly string[] }

export const noOpenResources: OpenResources = { resources: [], scopes: [] }

/** What is wrong with the settings, each with the name of its setting. Scopes without an API are in no token. */
export function openResourceFaults({ resources, scopes }: OpenResources): readonly string[] {
  const faultsOf = (
    name: string,
    items: readonly string[],
    { most, isValid, rule }: { most: number; isValid: (item: string) => boolean; rule: string },
  ): readonly string[] => {
    const invalid = items.flatMap((item, at) => (isValid(item) && items.indexOf(item) === at ? [] : [at + 1]))
    return [
      ...(items.length > most ? [`${name}: at most ${most} are possible`] : []),
      ...(invalid.length > 0 ? [`${name}: item ${invalid.join(', ')} must be ${rule}, and given once`] : []),
    ]
  }
  return [
    ...faultsOf('APPLICATIONS_OPEN_RESOURCES', resources, {
      most: applicationLimits.resources,
      isValid: isResource,
      rule: 'an absolute URL without fragment',
    }),
    ...faultsOf('APPLICATIONS_OPEN_SCOPES', scopes, {
      // The standard scopes need room, too.
      most: applicationLimits.scopes - standardScopes.length,
      isValid: (scope) => isScope(scope) && !isStandardScope(scope),
      rule: 'a scope of your own API',
    }),
    ...(scopes.length > 0 && resources.length === 0
      ? ['APPLICATIONS_OPEN_SCOPES: needs APPLICATIONS_OPEN_RESOURCES, the APIs that know these scopes']
      : []),
  ]
}
