import { faGithub } from '@fortawesome/free-brands-svg-icons/faGithub'
import { Strategy } from 'passport-github2'
import { revocationOf } from '../calls/revoke.ts'
import { markOf } from '../mark.ts'
import { type ListedEmail, readEmailList } from '../passport/email-list.ts'
import { basic } from '../passport/strategy.ts'
import type { StrategyParts, Verify } from '../passport/strategy-parts.ts'
import { firstText, isRecord, readAddress, readPicture, readSubject } from '../profile-text.ts'
import { defineProvider, type Profile, type ScopeNames } from '../provider.ts'
import { missingScopes } from '../scopes.ts'
import { emailsUrlSetting, endpointSetting, restrictionSetting, wordsOf } from '../setting.ts'
import { readMemberships } from './github-organizations.ts'

/**
 * Replaces how passport-github2 reads email addresses. It parses `/user/emails` outside any `try`, so a 200 with HTML
 * ends the process. It rejects the whole sign-in if the user unticks the email scope. And it reads only the first 30
 * addresses, although the primary one may come later. Without a scope option it leaves the email addresses to us.
 */
class GitHubStrategy extends Strategy {
  readonly emailsUrl: string | null

  constructor({ options, endpoints: { userinfo, emails } }: StrategyParts, verify: Verify) {
    const { scope: _asked, ...rest } = options
    super({ ...rest, ...(userinfo === null ? {} : { userProfileURL: userinfo }) }, verify)
    this.emailsUrl = emails
  }

  override userProfile(accessToken: string, done: (error?: unknown, profile?: Profile) => void): void {
    super.userProfile(accessToken, (error: unknown, profile?: Profile) => {
      if (error || !profile || this.emailsUrl === null) return done(error, profile)
      const url = new URL(this.emailsUrl)
      url.searchParams.set('per_page', String(pageSize))
      const get = (page: number, got: (error: unknown, body?: unknown) => void): void => {
        url.searchParams.set('page', String(page))
        this._oauth2.get(url.href, accessToken, got)
      }
      // Without the scope GitHub answers 404, without a GitHub App permission 403. The user then has no email address.
      readEmailList(get, readPage, (refused, emails) => done(refused, emails && { ...profile, emails }))
    })
  }
}

const pageSize = 100
const readPage = (json: unknown) =>
  Array.isArray(json) ? { emails: json.flatMap(readListedEmail), isLast: json.length < pageSize } : null

/** Each one costs an account lookup. People have only a few. */
const mostOtherEmails = 100

/**
 * Addresses that GitHub generates for users who hide their email. GitHub marks them as verified, but they receive no
 * email.
 */
const isNoreply = (address: string): boolean => /@users\.noreply\.github\.com$/i.test(address)

const readListedEmail = (item: unknown): ListedEmail[] => {
  const value = isRecord(item) ? readAddress(item.email) : null
  if (!isRecord(item) || value === null) return []
  return [{ value, primary: item.primary === true, verified: item.verified === true }]
}

const defaultApi = 'https://api.github.com'
const headers = { Accept: 'application/vnd.github+json', 'X-GitHub-Api-Version': '2022-11-28' }

/**
 * GitHub normalizes scopes in its response:
 * https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps#normalized-scopes
 */
const scopeNames: ScopeNames = {
  holds: {
    user: ['read:user', 'user:email', 'user:follow'],
    repo: ['repo:status', 'repo_deployment', 'public_repo', 'repo:invite', 'security_events'],
    'admin:org': ['write:org', 'read:org'],
    'write:org': ['read:org'],
  },
}

export const github = defineProvider({
  name: 'GitHub',
  describedAs: 'GitHub',
  mark: markOf(faGithub),
  ownsId: true,
  registration: {
    en: 'https://github.com/settings/developers, “OAuth App” or “GitHub App”',
    'pt-BR': 'https://github.com/settings/developers, “OAuth App” ou “GitHub App”',
  },
  // GitHub Actions, Codespaces and command-line tools.
  foreignVariables: wordsOf(`
    GITHUB_ACTION GITHUB_ACTIONS GITHUB_ACTION_PATH GITHUB_ACTION_REF GITHUB_ACTION_REPOSITORY GITHUB_ACTOR
    GITHUB_ACTOR_ID GITHUB_BASE_REF GITHUB_ENV GITHUB_EVENT_NAME GITHUB_EVENT_PATH GITHUB_GRAPHQL_URL GITHUB_HEAD_REF
    GITHUB_JOB GITHUB_OUTPUT GITHUB_PATH GITHUB_REF GITHUB_REF_NAME GITHUB_REF_PROTECTED GITHUB_REF_TYPE
    GITHUB_REPOSITORY GITHUB_REPOSITORY_ID GITHUB_REPOSITORY_OWNER GITHUB_REPOSITORY_OWNER_ID GITHUB_RETENTION_DAYS
    GITHUB_RUN_ATTEMPT GITHUB_RUN_ID GITHUB_RUN_NUMBER GITHUB_SERVER_URL GITHUB_SHA GITHUB_STATE GITHUB_STEP_SUMMARY
    GITHUB_TRIGGERING_ACTOR GITHUB_WORKFLOW GITHUB_WORKFLOW_REF GITHUB_WORKFLOW_SHA GITHUB_WORKSPACE GITHUB_TOKEN
    GITHUB_PAT GITHUB_USER GITHUB_CODESPACE_TOKEN GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN
  `),
  permissionsUrl: (clientId) => `https://github.com/settings/connections/applications/${encodeURIComponent(clientId)}`,
  settings: {
    ORGANIZATIONS: restrictionSetting(
      'organizations',
      {
        what: 'organization names as in their GitHub URLs',
        most: 20,
        readItem: (text) => (/^[a-z0-9-]{1,39}$/i.test(text) ? text.toLowerCase() : undefined),
      },
      {
        description: {
          en:
            'Only active members of one of these organizations may sign in; adds the scope read:org. ' +
            'Default: no restriction.',
          'pt-BR':
            'Só entram membros ativos de uma destas organizações; acrescenta o escopo read:org. Padrão: sem restrição.',
        },
        example: 'acme',
      },
    ),
    EMAILS_URL: emailsUrlSetting,
    API_URL: endpointSetting('api', {
      description: {
        en: 'Base URL of its API, for GitHub Enterprise Server.',
        'pt-BR': 'A URL base da API, no caso do GitHub Enterprise Server.',
      },
    }),
  },
  scopes: ['read:user', 'user:email'],
  scopeTexts: {
    'read:user': { en: 'read your profile', 'pt-BR': 'ler o seu perfil' },
    'user:email': { en: 'read your email addresses', 'pt-BR': 'ler os seus endereços de e-mail' },
    'read:org': {
      en: 'see which organizations you belong to',
      'pt-BR': 'ver a quais organizações você pertence',
    },
  },
  scopeNames,
  // The token of a GitHub App (`ghu_…`) has permissions instead of scopes, so its `scope` is always empty. The `scope`
  // of an OAuth app's token (`gho_…`) is empty only if the user removed every scope from the request.
  grantsNothing: (accessToken) => accessToken.startsWith('gho_'),
  emailTrust: 'verified',
  // GitHub reveals who is a member of an organization only with `read:org`.
  scopesToRequest: (asked, { organizations }) =>
    organizations ? [...asked, ...missingScopes(['read:org'], asked, scopeNames)] : asked,
  // If the access token has expired, the refresh token stays valid for months.
  revokesOnlyValidTokens: true,
  async revoke({ accessToken }, { settings, url, guard }) {
    // A JSON body, and Basic authentication without form-encoding:
    // https://docs.github.com/rest/apps/oauth-applications#delete-an-app-token
    const answer = await guard.call({
      endpoint: 'revoke',
      method: 'DELETE',
      url,
      expects: 'anything',
      headers: {
        Accept: 'application/vnd.github+json',
        'Content-Type': 'application/json',
        Authorization: basic(settings.clientId, settings.clientSecret),
      },
      body: JSON.stringify({ access_token: accessToken }),
    })
    return revocationOf(answer, ({ status }) => status === 404 || status === 422)
  },

  endpoints({ clientId, urls: { api = defaultApi } }) {
    return {
      authorize: 'https://github.com/login/oauth/authorize',
      token: 'https://github.com/login/oauth/access_token',
      userinfo: `${api}/user`,
      emails: `${api}/user/emails`,
      // Revoke only this token. `/grant` would revoke every token of this user and app, including those of a team
      // connection.
      revoke: `${api}/applications/${encodeURIComponent(clientId)}/token`,
    }
  },
  headers,
  memberships: ({ guard, settings: { urls, organizations = [] }, accessToken }) =>
    readMemberships({ guard, api: (urls.api ?? defaultApi).replace(/\/$/, ''), organizations, headers, accessToken }),
  strategy: (parts, verify) => new GitHubStrategy(parts, verify),
  ask: ({ intent }): Record<string, string> => (intent === 'link' ? { prompt: 'select_account' } : {}),

  // GitHub sends all of these with status 200:
  // https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
  refusals: {
    bad_refresh_token: 'needs_reauthorization',
    bad_verification_code: 'needs_reauthorization',
    unverified_user_email: 'needs_reauthorization',
    incorrect_client_credentials: 'client_config',
    'Not Found': 'client_config',
  },

  unknownCode: 'bad_verification_code',

  // The public email of a GitHub profile is not verified. Only `/user/emails` shows which addresses are.
  claims({ emails, _json }) {
    const subject = readSubject(_json.id)
    if (subject === null) return { unreadable: 'no_subject' }
    const proven = emails?.filter(({ value, verified }) => verified && !isNoreply(value)) ?? []
    const email = proven.find(({ primary }) => primary)?.value ?? null
    const others = proven.filter(({ value }) => value !== email).map(({ value }) => value)
    return {
      subject,
      email,
      emailVerified: email !== null,
      emailAuthoritative: false,
      ...(others.length > 0 ? { otherEmails: [...new Set(others)].slice(0, mostOtherEmails) } : {}),
      name: firstText(_json.name, _json.login),
      picture: readPicture(_json.avatar_url),
    }
  },
})
