/**
 * Which organizations somebody is a member of at GitHub, for a service that admits members alone:
 * https://docs.github.com/rest/orgs/members#get-an-organization-membership-for-the-authenticated-user
 */
import { ok, type Result } from '../../kernel/result.ts'
import type { Failure } from '../calls/failure.ts'
import type { Guard } from '../calls/guard.ts'
import { isRecord } from '../profile-text.ts'
import type { Memberships } from '../provider.ts'

type ReadMembershipsParts = {
  readonly guard: Guard
  /** The REST API, without a slash at the end. */
  readonly api: string
  readonly organizations: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly accessToken: string
}

/**
 * Asks for each organization, all at the same time. One membership is enough, so a call that fails matters only where no
 * other says yes.
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
      // One organization's redirects and errors are no word about another's.
      site: organization,
      method: 'GET',
      url: `${api}/user/memberships/orgs/${encodeURIComponent(organization)}`,
      headers: { ...headers, Authorization: `Bearer ${accessToken}` },
      // No member, or no such organization; a renamed one redirects, and its old name is anybody's to take.
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

/** Somebody who was only invited is `pending`, and may be anybody. */
const isActive = (json: unknown, organization: string): boolean =>
  isRecord(json) &&
  json.state === 'active' &&
  isRecord(json.organization) &&
  typeof json.organization.login === 'string' &&
  json.organization.login.toLowerCase() === organization.toLowerCase()

/** GitHub has no codes for these, only sentences: the log gets ours. */
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
