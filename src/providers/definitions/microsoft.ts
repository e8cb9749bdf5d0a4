import { faMicrosoft } from '@fortawesome/free-brands-svg-icons/faMicrosoft'
import { isTenantId, PERSONAL_TENANT } from '../../kernel/tenant-issuer.ts'
import { markOf } from '../mark.ts'
import { firstText, readAddress, readSubject } from '../profile-text.ts'
import { appClientIdsSetting, choiceSetting, urlSetting, wordsOf } from '../setting.ts'
import { openidKind } from './oidc.ts'

const AUTHORITY = 'https://login.microsoftonline.com'

/**
 * Whether Microsoft verified the owner of the email address. The administrator of any tenant can give an account any
 * address, so it counts only with the optional claim `xms_edov`: the tenant proved that it owns the domain. Addresses of
 * personal accounts are confirmed by Microsoft itself:
 * https://learn.microsoft.com/entra/identity-platform/migrate-off-email-claim-authorization
 */
const isVerified = ({ tid, xms_edov }: Readonly<Record<string, unknown>>): boolean =>
  tid === PERSONAL_TENANT || [true, 'true', 1, '1'].some((yes) => yes === xms_edov)

/**
 * Microsoft Entra ID and personal Microsoft accounts: https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
 *
 * One tenant has an ordinary issuer. For several, the discovery document names a template, and each id_token the issuer
 * of its own tenant. There is no way to revoke tokens.
 */
export const microsoft = openidKind({
  name: 'Microsoft',
  mark: markOf(faMicrosoft),
  registration: {
    en: 'https://entra.microsoft.com, “App registrations”, platform “Web”',
    'pt-BR': 'https://entra.microsoft.com, “App registrations”, plataforma “Web”',
  },
  settings: {
    TENANTS: {
      description: {
        en:
          'Who may sign in: tenant IDs, `organizations` (work or school accounts of any tenant), `consumers` ' +
          '(personal accounts) or `common` (both).',
        'pt-BR':
          'Quem pode entrar: IDs de tenants, `organizations` (contas corporativas ou de estudante de qualquer ' +
          'tenant), `consumers` (contas pessoais) ou `common` (ambas).',
      },
      example: '72f988bf-86f1-41af-91ab-2d7cd011db47',
      isRequired: true,
      isAddress: true,
      read(text, { fault }) {
        const words = [...new Set(wordsOf(text).map((word) => word.toLowerCase()))]
        const [word = ''] = words
        if (words.length === 1 && (word === 'common' || word === 'any')) return { tenants: 'any' }
        if (words.length === 1 && word === 'organizations') return { tenants: 'organizations' }
        if (words.length === 1 && word === 'consumers') return { tenants: [PERSONAL_TENANT] }
        if (words.length === 0 || !words.every(isTenantId))
          fault('must be tenant IDs (GUIDs), or one of organizations, consumers and common')
        return { tenants: words }
      },
    },
    AUTHORITY: urlSetting('issuer', {
      description: {
        en: 'Where people sign in, for a national cloud.',
        'pt-BR': 'Onde as pessoas entram, no caso de uma nuvem nacional.',
      },
      example: AUTHORITY,
    }),
    APP_CLIENT_IDS: appClientIdsSetting('00001111-aaaa-2222-bbbb-3333cccc4444'),
    USERINFO: choiceSetting('userinfo', ['optional', 'required', 'off'], {
      description: {
        en: 'Whether a sign-in needs UserInfo. Everything it returns is also in the id_token. Default: optional.',
        'pt-BR': 'Se o login precisa do UserInfo. Tudo o que ele retorna também está no id_token. Padrão: optional.',
      },
      example: 'optional',
    }),
  },
  check({ settings: { appClientIds, clientId }, fault }) {
    // `sub` differs between registrations, so one person would have two identities:
    // https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
    if (appClientIds?.some((id) => id !== clientId))
      fault(
        ['APP_CLIENT_IDS'],
        'must be the client ID of the website; add the app as a platform of the same registration',
      )
  },
  complete({ issuer = AUTHORITY, tenants = 'organizations', ...given }) {
    const authority = issuer.replace(/\/+$/, '')
    const discoveryAt = (path: string): string => `${authority}/${path}/v2.0/.well-known/openid-configuration`
    const settings = { ...given, userinfo: given.userinfo ?? 'optional' }
    if (Array.isArray(tenants) && tenants.length === 1) {
      const [tenant] = tenants
      const path = tenant === PERSONAL_TENANT ? 'consumers' : tenant
      return { ...settings, issuer: `${authority}/${tenant}/v2.0`, discoveryUrl: discoveryAt(path) }
    }
    const withPersonal = tenants === 'any' || tenants.includes(PERSONAL_TENANT)
    return {
      ...settings,
      issuer: `${authority}/{tenantid}/v2.0`,
      discoveryUrl: discoveryAt(withPersonal ? 'common' : 'organizations'),
      tenants,
    }
  },
  // Personal accounts sign in there.
  alsoVisited: ['https://login.live.com'],
  scopes: ['openid', 'email', 'profile', 'offline_access'],
  signedClaims: ['email', 'tid', 'xms_edov'],
  endpoints: () => ({ clientAuth: 'post' }),
  // https://learn.microsoft.com/entra/identity-platform/refresh-tokens#token-lifetime
  lifetime: { idleDays: 90 },
  permissionsUrl: (_clientId, { issuer = '' }) =>
    issuer.includes(PERSONAL_TENANT) ? 'https://account.live.com/consent/Manage' : 'https://myapps.microsoft.com',
  ask: ({ intent }): Record<string, string> => (intent === 'link' ? { prompt: 'select_account' } : {}),

  claims({ _json }) {
    const subject = typeof _json.sub === 'string' ? readSubject(_json.sub) : null
    if (subject === null) return { unreadable: 'no_subject' }
    const email = readAddress(_json.email)
    return {
      subject,
      email,
      emailVerified: email !== null && isVerified(_json),
      emailAuthoritative: false,
      name: firstText(_json.name, _json.preferred_username),
      // The address in `picture` answers only with a token, so a page cannot show it.
      picture: null,
    }
  },
})
