import { faDiscord } from '@fortawesome/free-brands-svg-icons/faDiscord'
import { markOf } from '../mark.ts'
import { UserinfoStrategy } from '../passport/userinfo-strategy.ts'
import { firstText, readAddress, readSubject } from '../profile-text.ts'
import { defineProvider } from '../provider.ts'

export const discord = defineProvider({
  name: 'Discord',
  describedAs: 'Discord',
  mark: markOf(faDiscord),
  registration: 'https://discord.com/developers/applications, “OAuth2”',
  permissionsUrl: () => 'https://discord.com/settings/authorized-apps',
  settings: {},
  scopes: ['identify', 'email'],
  scopeTexts: {
    identify: { en: 'see your username and picture', 'pt-BR': 'ver o seu nome de usuário e a sua foto' },
    email: { en: 'see your email address', 'pt-BR': 'ver o seu endereço de e-mail' },
    guilds: { en: 'see which servers you are in', 'pt-BR': 'ver de quais servidores você participa' },
  },
  emailTrust: 'verified',
  // https://discord.com/developers/docs/topics/oauth2#shared-resources-oauth2-urls
  endpoints: () => ({
    authorize: 'https://discord.com/oauth2/authorize',
    token: 'https://discord.com/api/oauth2/token',
    userinfo: 'https://discord.com/api/v10/users/@me',
    // Revoking any token ends every token of this user for the application.
    revoke: 'https://discord.com/api/oauth2/token/revoke',
  }),
  strategy: (parts, verify) => new UserinfoStrategy(parts, verify),
  // Without it Discord asks for consent again at every sign-in. New users and new scopes are always asked about.
  ask: ({ intent }): Record<string, string> => (intent === 'login' ? { prompt: 'none' } : {}),

  // https://discord.com/developers/docs/resources/user#user-object
  claims({ _json: { id, username, global_name, avatar, bot, system, email, verified } }) {
    const subject = typeof id === 'string' ? readSubject(id) : null
    if (subject === null) return { unreadable: 'no_subject' }
    if (bot === true || system === true) return { unreadable: 'not_a_person' }
    const address = readAddress(email)
    return {
      subject,
      email: address,
      // Discord returns an email address before it is verified.
      emailVerified: address !== null && verified === true,
      emailAuthoritative: false,
      name: firstText(global_name, username),
      picture: pictureOf(subject, avatar),
    }
  },
})

/** Discord sends only the hash of a picture: https://discord.com/developers/docs/reference#image-formatting */
const pictureOf = (id: string, hash: unknown): string | null =>
  /^\d+$/.test(id) && typeof hash === 'string' && /^(a_)?[0-9a-f]{32}$/.test(hash)
    ? `https://cdn.discordapp.com/avatars/${id}/${hash}.png`
    : null
