import express from 'express'
import { Passport } from 'passport'
import { type Profile, Strategy, type VerifyCallback } from 'passport-openidconnect'
import { createVisitor } from '../../demo/visitor.ts'
import { type Client, endSessionUrl } from './relying-party.ts'

type Tokens = { readonly refreshToken: string; readonly idToken: string }

/** A client without discovery and without PKCE, which sends its secret in the form. */
export const passportOpenidconnect: Client = {
  name: 'passport-openidconnect',
  auth: 'client_secret_post',
  path: '/callback',
  async connect({ issuer, clientId, clientSecret, redirectUri }, mount) {
    const { origin } = new URL(redirectUri)
    let tokens: Tokens = { refreshToken: '', idToken: '' }
    const strategy = new Strategy(
      {
        issuer,
        authorizationURL: `${issuer}/oauth/authorize`,
        tokenURL: `${issuer}/oauth/token`,
        userInfoURL: `${issuer}/oauth/userinfo`,
        clientID: clientId,
        clientSecret,
        callbackURL: redirectUri,
        scope: ['email', 'offline_access'],
        skipUserProfile: false,
      },
      // The library counts the parameters to decide what it passes.
      (
        _issuer: string,
        profile: Profile,
        _context: object,
        idToken: string | object,
        _accessToken: string | object,
        refreshToken: string,
        done: VerifyCallback,
      ) => {
        tokens = { refreshToken, idToken: String(idToken) }
        done(null, { subject: profile.id, email: profile.emails?.[0]?.value })
      },
    )
    const passport = new Passport()
    passport.use(strategy)
    const app = express()
    // One session is enough for one browser. Passport expects the middleware of a session store.
    const session = {}
    app.use((request, _, next) => {
      Object.assign(request, { session })
      next()
    })
    app.get('/login', passport.authenticate('openidconnect', { session: false }))
    app.get('/callback', passport.authenticate('openidconnect', { session: false }), (request, response) => {
      response.json(request.user)
    })
    mount(app)
    const visitor = createVisitor()
    return {
      async begin() {
        const { headers } = await visitor.ask(`${origin}/login`)
        return new URL(headers.get('location') ?? '')
      },
      async finish(back) {
        const { text } = await visitor.ask(back)
        return { ...JSON.parse(text), refreshToken: tokens.refreshToken }
      },
      // As the package passport-oauth2-refresh does it, with the client of the strategy.
      refresh: () =>
        new Promise((resolve, reject) => {
          const { _oauth2: client } = strategy as unknown as { _oauth2: OAuth2Client }
          client.getOAuthAccessToken(tokens.refreshToken, { grant_type: 'refresh_token' }, (error, _, refreshToken) => {
            if (error) return reject(new Error(error.data))
            tokens = { ...tokens, refreshToken }
            return resolve(refreshToken)
          })
        }),
      signOut: async () => endSessionUrl(`${issuer}/oauth/logout`, tokens.idToken, redirectUri),
    }
  },
}
type OAuth2Client = {
  getOAuthAccessToken(
    token: string,
    parameters: object,
    done: (error: { data: string } | null, accessToken: string, refreshToken: string) => void,
  ): void
}
