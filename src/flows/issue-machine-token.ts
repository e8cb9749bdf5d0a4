import type { Applications } from '../applications/applications.ts'
import { kindRules } from '../applications/policy.ts'
import type { Application } from '../applications/ports.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Fact, Origin } from '../events/catalogue.ts'
import { type Random, secretToken } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Tokens } from '../sessions/tokens.ts'

type IssueMachineTokenParts = {
  applications: Pick<Applications, 'used'>
  tokens: Pick<Tokens, 'accessOfMachine'>
  random: Random
  audit: { readonly record: (fact: Fact) => Promise<void> }
}
type MachineRequest = {
  readonly scope?: string | undefined
  readonly resources: readonly string[]
  readonly dpopKey: string | null
}
export type MachineToken = { readonly accessToken: string; readonly expiresIn: number; readonly scope: string }

/**
 * An access token for an application that acts for itself (RFC 6749 §4.4), for exactly one of its resources. There is no
 * refresh token: the application can ask again. Without `scope` the token has every scope of the application.
 */
export function issueMachineToken({ applications, tokens, random, audit }: IssueMachineTokenParts) {
  return async (
    application: Application,
    { scope, resources, dpopKey }: MachineRequest,
    origin: Origin,
  ): Promise<
    Result<MachineToken, AppError<'client_not_allowed' | 'scope_invalid' | 'resource_invalid' | 'dpop_proof_invalid'>>
  > => {
    if (kindRules[application.kind].hasPeople) return fail('client_not_allowed')
    if (application.requiresDpop && dpopKey === null) return fail('dpop_proof_invalid')
    const asked = resources.length > 0 ? resources : application.resources
    const [resource] = asked
    if (resource === undefined || asked.length !== 1 || !application.resources.includes(resource))
      return fail('resource_invalid')
    const wanted = scope === undefined ? application.scopes : [...new Set(scope.split(' '))]
    if (!wanted.every((one) => application.scopes.includes(one))) return fail('scope_invalid')
    const granted = wanted.join(' ')
    await audit.record({
      name: 'application.token_issued',
      accountId: null,
      origin,
      data: { application: application.id, resource, scope: granted },
    })
    applications.used(application)
    const { token, expiresIn } = tokens.accessOfMachine({
      id: secretToken(random),
      applicationId: application.id,
      resource,
      scope: granted,
      dpopKey,
      ttlSeconds: application.accessTtlSeconds,
    })
    return ok({ accessToken: token, expiresIn, scope: granted })
  }
}
