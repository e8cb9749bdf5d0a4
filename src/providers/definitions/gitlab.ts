import { faGitlab } from '@fortawesome/free-brands-svg-icons/faGitlab'
import { markOf } from '../mark.ts'
import { urlSetting } from '../setting.ts'
import { openidKind } from './oidc.ts'

/**
 * GitLab, hosted or self-managed: https://docs.gitlab.com/integration/openid_connect_provider/
 *
 * It always issues a refresh token, and each refresh ends the tokens before it:
 * https://docs.gitlab.com/api/oauth2/. Self-managed servers can create accounts whose email address nobody confirmed and
 * mark it as verified, so no address is trusted by default.
 */
export const gitlab = openidKind({
  name: 'GitLab',
  mark: markOf(faGitlab),
  registration: {
    en: 'https://gitlab.com/-/user_settings/applications, “Confidential”, scopes openid, email and profile',
    'pt-BR': 'https://gitlab.com/-/user_settings/applications, “Confidential”, escopos openid, email e profile',
  },
  settings: {
    ISSUER: urlSetting('issuer', {
      description: {
        en: 'URL of a self-managed GitLab, without a slash at the end.',
        'pt-BR': 'A URL de um GitLab próprio (self-managed), sem barra no final.',
      },
      example: 'https://gitlab.com',
    }),
  },
  // https://docs.gitlab.com/ci/variables/predefined_variables/
  foreignVariables: [
    'GITLAB_CI',
    'GITLAB_FEATURES',
    'GITLAB_TOKEN',
    'GITLAB_USER_EMAIL',
    'GITLAB_USER_ID',
    'GITLAB_USER_LOGIN',
    'GITLAB_USER_NAME',
  ],
  complete: (given) => ({ issuer: 'https://gitlab.com', ...given }),
  permissionsUrl: (_clientId, { issuer = '' }) => `${issuer}/-/user_settings/applications`,
})
