import { faBitbucket } from '@fortawesome/free-brands-svg-icons/faBitbucket'
import { markOf } from '../mark.ts'
import { type ListedEmail, readEmailList } from '../passport/email-list.ts'
import type { StrategyParts, Verify } from '../passport/strategy-parts.ts'
import { UserinfoStrategy } from '../passport/userinfo-strategy.ts'
import { firstText, isRecord, readAddress, readPicture, readSubject } from '../profile-text.ts'
import { defineProvider, type Profile } from '../provider.ts'
import { emailsUrlSetting, wordsOf } from '../setting.ts'

/** The profile contains no email address. They have an endpoint of their own, in pages of at most a hundred. */
class BitbucketStrategy extends UserinfoStrategy {
  readonly emailsUrl: string | null

  constructor(parts: StrategyParts, verify: Verify) {
    super(parts, verify)
    this.emailsUrl = parts.endpoints.emails
  }

  override userProfile(accessToken: string, done: (error?: unknown, profile?: Profile) => void): void {
    super.userProfile(accessToken, (error, profile) => {
      if (error || !profile || this.emailsUrl === null) return done(error, profile)
      const url = new URL(this.emailsUrl)
      url.searchParams.set('pagelen', '100')
      const get = (page: number, got: (error: unknown, body?: unknown) => void): void => {
        url.searchParams.set('page', String(page))
        this._oauth2.get(url.href, accessToken, got)
      }
      readEmailList(get, readPage, (refused, emails) => done(refused, emails && { ...profile, emails }))
    })
  }
}

const readPage = (json: unknown) =>
  isRecord(json) && Array.isArray(json.values)
    ? { emails: json.values.flatMap(readListedEmail), isLast: typeof json.next !== 'string' }
    : null

const readListedEmail = (item: unknown): ListedEmail[] => {
  const value = isRecord(item) ? readAddress(item.email) : null
  if (!isRecord(item) || value === null) return []
  return [{ value, primary: item.is_primary === true, verified: item.is_confirmed === true }]
}

/** Each one costs an account lookup. People have only a few. */
const mostOtherEmails = 100

export const bitbucket = defineProvider({
  name: 'Bitbucket',
  describedAs: 'Bitbucket',
  mark: markOf(faBitbucket),
  registration: 'https://bitbucket.org/<workspace>/workspace/settings/api, “OAuth consumers”',
  permissionsUrl: () => 'https://bitbucket.org/account/settings/app-authorizations/',
  alsoVisited: ['https://id.atlassian.com'],
  // Bitbucket Pipelines.
  foreignVariables: wordsOf(`
    BITBUCKET_BOOKMARK BITBUCKET_BRANCH BITBUCKET_BUILD_NUMBER BITBUCKET_CLONE_DIR BITBUCKET_COMMIT
    BITBUCKET_DEPLOYMENT_ENVIRONMENT BITBUCKET_DEPLOYMENT_ENVIRONMENT_UUID BITBUCKET_DOCKER_HOST_INTERNAL
    BITBUCKET_EXIT_CODE BITBUCKET_GIT_HTTP_ORIGIN BITBUCKET_GIT_SSH_ORIGIN BITBUCKET_PARALLEL_STEP
    BITBUCKET_PARALLEL_STEP_COUNT BITBUCKET_PIPELINE_UUID BITBUCKET_PR_DESTINATION_BRANCH BITBUCKET_PR_ID
    BITBUCKET_PROJECT_KEY BITBUCKET_PROJECT_UUID BITBUCKET_REPO_FULL_NAME BITBUCKET_REPO_IS_PRIVATE
    BITBUCKET_REPO_OWNER BITBUCKET_REPO_OWNER_UUID BITBUCKET_REPO_SLUG BITBUCKET_REPO_UUID BITBUCKET_SSH_KEY_FILE
    BITBUCKET_STEP_OIDC_TOKEN BITBUCKET_STEP_TRIGGERER_UUID BITBUCKET_STEP_UUID BITBUCKET_TAG BITBUCKET_WORKSPACE
  `),
  settings: {
    EMAILS_URL: emailsUrlSetting,
  },
  scopes: ['account', 'email'],
  scopeTexts: {
    account: { en: 'read your account', 'pt-BR': 'ler a sua conta' },
    email: { en: 'read your email addresses', 'pt-BR': 'ler os seus endereços de e-mail' },
  },
  // Bitbucket lists a scope that includes another one alone.
  // https://developer.atlassian.com/cloud/bitbucket/rest/intro/#scopes
  scopeNames: { holds: { account: ['email'], 'account:write': ['account', 'email'] } },
  // Its token response names them `scopes`: https://developer.atlassian.com/cloud/bitbucket/oauth-2/
  scopesMember: 'scopes',
  emailTrust: 'verified',
  // Bitbucket documents no revocation endpoint.
  endpoints: () => ({
    authorize: 'https://bitbucket.org/site/oauth2/authorize',
    token: 'https://bitbucket.org/site/oauth2/access_token',
    userinfo: 'https://api.bitbucket.org/2.0/user',
    emails: 'https://api.bitbucket.org/2.0/user/emails',
    // Its documentation sends the secret in a header only.
    clientAuth: 'basic',
  }),
  strategy: (parts, verify) => new BitbucketStrategy(parts, verify),

  // It rejects an invalid refresh token with `invalid_request`, and a wrong secret with `unauthorized_client`.
  refusals: { invalid_request: 'needs_reauthorization' },

  // `uuid` (with braces) never changes. `account_id` is missing from some accounts.
  claims({ emails, _json: { uuid, type, account_status, display_name, nickname, links } }) {
    const subject = typeof uuid === 'string' ? readSubject(uuid) : null
    if (subject === null) return { unreadable: 'no_subject' }
    if (type !== undefined && type !== 'user') return { unreadable: 'not_a_person' }
    if (account_status !== undefined && account_status !== 'active') return { unreadable: 'account_not_active' }
    const confirmed = emails?.filter(({ verified }) => verified) ?? []
    const email = confirmed.find(({ primary }) => primary)?.value ?? null
    const others = confirmed.filter(({ value }) => value !== email).map(({ value }) => value)
    return {
      subject,
      email,
      emailVerified: email !== null,
      emailAuthoritative: false,
      ...(others.length > 0 ? { otherEmails: [...new Set(others)].slice(0, mostOtherEmails) } : {}),
      name: firstText(display_name, nickname),
      picture: isRecord(links) && isRecord(links.avatar) ? readPicture(links.avatar.href) : null,
    }
  },
})
