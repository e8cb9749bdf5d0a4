import { Strategy } from 'passport-google-oauth20'
import { firstText, readAddress, readPicture, readSubject } from '../profile-text.ts'
import { defineProvider } from '../provider.ts'

/**
 * Both are Google’s word for itself:
 * https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
 */
const ISSUERS: readonly string[] = ['https://accounts.google.com', 'accounts.google.com']

export const google = defineProvider({
  kind: 'google',
  scopes: ['openid', 'email', 'profile'],
  emailTrust: 'authoritative',
  // Answered by their long names: https://developers.google.com/identity/protocols/oauth2/scopes#openid-connect
  scopeNames: {
    aliases: {
      email: 'https://www.googleapis.com/auth/userinfo.email',
      profile: 'https://www.googleapis.com/auth/userinfo.profile',
    },
  },
  // https://developers.google.com/identity/protocols/oauth2#expiration: six months unused
  lifetime: { idleDays: 180 },
  openid: {
    issuers: ({ issuer }) => (issuer === undefined || ISSUERS.includes(issuer) ? ISSUERS : [issuer]),
    // Another issuer's subjects are other people, even if the same operator calls it Google.
    namespace: ({ id, issuer }) => (issuer === undefined || ISSUERS.includes(issuer) ? id : issuer),
    required: false,
  },
  revocation: 'google',

  endpoints: ({ urls }) => ({
    authorize: 'https://accounts.google.com/o/oauth2/v2/auth',
    token: 'https://oauth2.googleapis.com/token',
    userinfo: 'https://openidconnect.googleapis.com/v1/userinfo',
    revoke: 'https://oauth2.googleapis.com/revoke',
    // Somebody else’s token endpoint signs with keys that are not Google’s. Without theirs the signature cannot be
    // checked, and OpenID Connect Core §3.1.3.7 (6) lets the direct answer of the token endpoint stand for it.
    jwks: urls.token === undefined ? 'https://www.googleapis.com/oauth2/v3/certs' : null,
  }),
  strategy: ({ options, endpoints: { userinfo } }, verify) =>
    new Strategy(
      { ...options, passReqToCallback: false, ...(userinfo === null ? {} : { userProfileURL: userinfo }) },
      verify,
    ),

  // Offline access is a parameter here, never a scope. Consent is not forced: Google keeps 100 refresh tokens for each
  // account and client and silently drops the oldest, so a button that always asks ends the tokens stored first. Only
  // where somebody grants more is it asked for again, with what they granted before:
  // https://developers.google.com/identity/protocols/oauth2/web-server#incrementalAuth
  // `hd` only spares people a wrong choice there: anybody can take it out of the address, so the claim is what counts.
  ask: ({ intent, hint }, { hostedDomains = [] }): Record<string, string> => ({
    access_type: 'offline',
    ...(hostedDomains.length > 0 ? { hd: hostedDomains.length === 1 ? String(hostedDomains[0]) : '*' } : {}),
    ...(intent === 'link' ? { prompt: 'select_account' } : {}),
    ...(intent === 'extend' ? { prompt: 'consent', include_granted_scopes: 'true' } : {}),
    ...(hint === undefined ? {} : { login_hint: hint }),
  }),

  claims({ _json }) {
    const subject = typeof _json.sub === 'string' ? readSubject(_json.sub) : null
    if (subject === null) return { unreadable: 'no_subject' }
    const email = readAddress(_json.email)
    const emailVerified = email !== null && _json.email_verified === true
    const hosted = typeof _json.hd === 'string' && _json.hd !== '' ? _json.hd : undefined
    return {
      subject,
      email,
      emailVerified,
      // Elsewhere Google checked the mailbox once, and it may have changed hands since.
      emailAuthoritative: emailVerified && (hosted !== undefined || /@gmail\.com$/i.test(email)),
      ...(hosted === undefined ? {} : { hostedDomain: hosted }),
      name: firstText(_json.name, _json.given_name),
      picture: readPicture(_json.picture),
    }
  },
})
