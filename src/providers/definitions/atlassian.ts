import { faAtlassian } from '@fortawesome/free-brands-svg-icons/faAtlassian'
import { markOf } from '../mark.ts'
import { UserinfoStrategy } from '../passport/userinfo-strategy.ts'
import { firstText, readAddress, readPicture, readSubject } from '../profile-text.ts'
import { defineProvider, type ProviderSettings } from '../provider.ts'
import { openidScopeTexts } from '../scope-texts.ts'
import { endpointSetting, listSetting } from '../setting.ts'

const apiOf = ({ urls: { api = 'https://api.atlassian.com' } }: ProviderSettings): string => api.replace(/\/$/, '')

export const atlassian = defineProvider({
  name: 'Atlassian',
  describedAs: 'Atlassian',
  mark: markOf(faAtlassian),
  ownsId: true,
  registration: 'https://developer.atlassian.com/console/myapps, “OAuth 2.0 integration”',
  permissionsUrl: () => 'https://id.atlassian.com/manage-profile/apps',
  alsoVisited: ['https://id.atlassian.com'],
  settings: {
    JIRA_SCOPES: listSetting('jiraScopes', {
      description: {
        en:
          "Scopes for connecting a team's Jira, in addition to read:me and offline_access. " +
          'Enable them in the developer console.',
        'pt-BR':
          'Escopos para conectar o Jira de uma equipe, além de read:me e offline_access. ' +
          'Ative-os no console de desenvolvimento.',
      },
      example: 'read:jira-user read:jira-work read:servicedesk-request',
    }),
    RESOURCES_URL: endpointSetting('resources', {
      description: {
        en: "Lists the Jira sites that a team's connection reaches.",
        'pt-BR': 'Lista os sites do Jira que a conexão de uma equipe alcança.',
      },
    }),
    API_URL: endpointSetting('api', {
      description: {
        en: 'Base URL of its API; the profile is read below it unless USERINFO_URL is set.',
        'pt-BR': 'A URL base da API; o perfil é lido abaixo dela, a menos que USERINFO_URL esteja definida.',
      },
    }),
  },
  scopes: ['read:me', 'offline_access'],
  scopeTexts: {
    'read:me': { en: 'see your name, email address and picture', 'pt-BR': 'ver o seu nome, e-mail e foto' },
    offline_access: openidScopeTexts.offline_access,
    'read:jira-work': { en: 'read your Jira projects and issues', 'pt-BR': 'ler os seus projetos e itens do Jira' },
    'read:jira-user': { en: 'see people in your Jira sites', 'pt-BR': 'ver pessoas dos seus sites do Jira' },
    'read:servicedesk-request': {
      en: 'read requests of your service desks',
      'pt-BR': 'ler solicitações das suas centrais de serviço',
    },
  },
  emailTrust: 'never',
  // Jira's API reference requires `read:jira-work` for queues. Its guides name `read:servicedesk-request`, which desks
  // also need: https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-servicedesk/
  jiraScopes: {
    always: ['read:me', 'offline_access'],
    usual: ['read:jira-user', 'read:jira-work', 'read:servicedesk-request'],
  },
  // https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/#use-a-refresh-token-to-get-another-access-token
  lifetime: { idleDays: 90, absoluteDays: 365 },

  // Atlassian documents no revocation endpoint for 3LO. We call one only if the operator configures it.
  endpoints: (settings) => ({
    authorize: 'https://auth.atlassian.com/authorize',
    token: 'https://auth.atlassian.com/oauth/token',
    userinfo: `${apiOf(settings)}/me`,
  }),
  jiraUrls: (settings) => ({
    apiUrl: apiOf(settings),
    resourcesUrl: settings.urls.resources ?? `${apiOf(settings)}/oauth/token/accessible-resources`,
  }),
  strategy: (parts, verify) => new UserinfoStrategy(parts, verify),
  // Both parameters are required: https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/
  ask: () => ({ audience: 'api.atlassian.com', prompt: 'consent' }),

  // For an invalid refresh token Atlassian documents `invalid_grant` but also sends `unauthorized_client`.
  // `access_denied` means that our client secret is wrong.
  refusals: { unauthorized_client: 'needs_reauthorization', access_denied: 'client_config' },
  unknownCode: 'invalid_request',

  claims({ _json: { account_id, account_status, account_type, email, email_verified, ...said } }) {
    const subject = typeof account_id === 'string' ? readSubject(account_id) : null
    if (subject === null) return { unreadable: 'no_subject' }
    if (account_status !== undefined && account_status !== 'active') return { unreadable: 'account_not_active' }
    if (account_type !== undefined && account_type !== 'atlassian') return { unreadable: 'not_a_person' }
    const address = readAddress(email)
    return {
      subject,
      email: address,
      // `email_verified` is undocumented and missing from some responses. Only `true` counts.
      emailVerified: address !== null && email_verified === true,
      emailAuthoritative: false,
      name: firstText(said.name, said.nickname),
      picture: readPicture(said.picture),
    }
  },
})
