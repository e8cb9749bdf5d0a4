import { ExpressAuth } from '@auth/express'
import express from 'express'
import { createVisitor } from '../../demo/visitor.ts'
import { type Client, endSessionUrl } from './relying-party.ts'

/** Auth.js (the successor of NextAuth), as its documentation sets up an OpenID provider and the rotation of tokens. */
export const authExpress: Client = {
  name: '@auth/express',
  auth: 'client_secret_basic',
  path: '/auth/callback/vinculum',
  async connect({ issuer, clientId, clientSecret, redirectUri }, mount) {
    const { origin } = new URL(redirectUri)
    const app = express()
    app.use(
      // The library reads an unnamed parameter, which Express 5 has for patterns only.
      /^\/auth\/(.*)/,
      ExpressAuth({
        trustHost: true,
        secret: 'a secret of the application, only for this test',
        logger: { error: () => undefined },
        providers: [
          {
            id: 'vinculum',
            name: 'Vinculum',
            type: 'oidc',
            issuer,
            clientId,
            clientSecret,
            checks: ['pkce', 'state', 'nonce'],
            authorization: { params: { scope: 'openid email offline_access' } },
          },
        ],
        callbacks: {
          async jwt({ token, account }) {
            if (account)
              return {
                ...token,
                subject: account.providerAccountId,
                refresh: account.refresh_token,
                idToken: account.id_token,
              }
            // Whenever the session is read: the test decides when the tokens have expired.
            const response = await fetch(`${issuer}/oauth/token`, {
              method: 'POST',
              headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
              body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: String(token.refresh) }),
            })
            const body = await response.json()
            return response.ok ? { ...token, refresh: body.refresh_token } : { ...token, error: body.error }
          },
          session: ({ session, token }) => ({ ...session, ...token }),
        },
      }),
    )
    mount(app)
    const visitor = createVisitor()
    const session = async () => JSON.parse((await visitor.ask(`${origin}/auth/session`)).text)
    let idToken = ''
    return {
      async begin() {
        const { csrfToken } = JSON.parse((await visitor.ask(`${origin}/auth/csrf`)).text)
        const { headers, text } = await visitor.ask(`${origin}/auth/signin/vinculum`, {
          method: 'POST',
          body: new URLSearchParams({ csrfToken, callbackUrl: origin }),
        })
        return new URL(headers.get('location') ?? text)
      },
      async finish(back) {
        await visitor.ask(back)
        const { subject, user, refresh, idToken: issued } = await session()
        idToken = issued
        return { subject, email: user.email, refreshToken: refresh }
      },
      async refresh() {
        const { refresh, error } = await session()
        if (error) throw new Error(error)
        return refresh
      },
      signOut: async () => endSessionUrl(`${issuer}/oauth/logout`, idToken, origin),
    }
  },
}
