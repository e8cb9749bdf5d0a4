/**
 * Reads GitHub organization memberships, for a service that only admits members:
 * https://docs.github.com/rest/orgs/members#get-an-organization-membership-for-the-authenticated-user
 */
import { ok, type Result } from '../../kernel/result.ts'
import type { Failure } from '../calls/failure.ts'
import type { Guard } from '../calls/guard.ts'
import { isRecord } from '../profile-text.ts'
import type { Memberships } from '../provider.ts'

type ReadMembershipsParts = {
  readonly guard: Guard
  /** The base URL of the REST API, without a trailing slash. */
  readonly api: string
  readonly organizations: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly accessToken: string
}

/**
 * Requests all organizations concurrently. One membership is enough, so a failed call only matters if no other
 * organization confirms one.
 */
export async function readMemberships({
  guard,
  api,
  organizations,
  headers,
  accessToken,
}: ReadMembershipsParts): Promise<Result<Memberships, Failure>> {
  const read = async (
    organization: string,
  ): Promise<'member' | 'stranger' | 'hidden' | { readonly error: Failure }> => {
    const answer = await guard.call({
      endpoint: 'api',
      // Redirects and errors of one organization must not affect the breaker of another.
      site: organization,
      method: 'GET',
      url: `${api}/user/memberships/orgs/${encodeURIComponent(organization)}`,
      headers: { ...headers, Authorization: `Bearer ${accessToken}` },
      // Not a member, or no such organization. A renamed organization redirects, but anyone can register its old name.
      negatives: [301, 302, 307, 404],
      refusal: whyHidden,
    })
    if (answer.ok) return isActive(answer.value.json, organization) ? 'member' : 'stranger'
    if (answer.error.kind !== 'refused') return answer
    const { status, code } = answer.error
    if (status === 403) return code === 'not_a_member' ? 'stranger' : 'hidden'
    return status === 401 ? answer : 'stranger'
  }

  const answers = await Promise.all(organizations.map(read))
  const memberOf = organizations.filter((_, index) => answers[index] === 'member')
  if (memberOf.length > 0) return ok({ memberOf, hidden: false })
  for (const answer of answers) if (typeof answer === 'object') return { ok: false, error: answer.error }
  return ok({ memberOf, hidden: answers.includes('hidden') })
}

/** An invited user who has not accepted is `pending`. Anyone can be invited, so this does not count. */
const isActive = (json: unknown, organization: string): boolean =>
  isRecord(json) &&
  json.state === 'active' &&
  isRecord(json.organization) &&
  typeof json.organization.login === 'string' &&
  json.organization.login.toLowerCase() === organization.toLowerCase()

/** GitHub sends sentences instead of codes. The log gets these codes. */
const reasons: readonly (readonly [RegExp, string])[] = [
  [/must be a member/i, 'not_a_member'],
  [/OAuth App access restrictions/i, 'app_not_approved_by_organization'],
  [/SAML/i, 'organization_requires_saml'],
  [/integration/i, 'app_lacks_members_permission'],
  [/scope/i, 'scope_missing'],
]

function whyHidden(_status: number, json: unknown): string | null {
  const message = isRecord(json) && typeof json.message === 'string' ? json.message.slice(0, 1000) : ''
  return reasons.find(([sentence]) => sentence.test(message))?.[1] ?? null
}
