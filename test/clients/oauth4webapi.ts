import * as oauth from 'oauth4webapi'
import { type Client, endSessionUrl } from './relying-party.ts'

/** The library below openid-client, used directly: it checks every response against the specifications. */
export const oauth4webapi: Client = {
  name: 'oauth4webapi',
  auth: 'client_secret_basic',
  path: '/callback',
  async connect({ issuer, clientId, clientSecret, redirectUri }) {
    const insecure = { [oauth.allowInsecureRequests]: true }
    const scope = 'openid email offline_access'
    const identifier = new URL(issuer)
    const server = await oauth.processDiscoveryResponse(identifier, await oauth.discoveryRequest(identifier, insecure))
    const client: oauth.Client = { client_id: clientId }
    const auth = oauth.ClientSecretBasic(clientSecret)
    const verifier = oauth.generateRandomCodeVerifier()
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
    let [refreshToken, idToken] = ['', '']
    return {
      async begin() {
        const url = new URL(server.authorization_endpoint ?? '')
        url.search = new URLSearchParams({
          client_id: clientId,
          redirect_uri: redirectUri,
          response_type: 'code',
          scope,
          code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
          state,
          nonce,
        }).toString()
        return url
      },
      async finish(back) {
        const parameters = oauth.validateAuthResponse(server, client, back, state)
        const response = await oauth.authorizationCodeGrantRequest(
          server,
          client,
          auth,
          parameters,
          redirectUri,
          verifier,
          insecure,
        )
        const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
          expectedNonce: nonce,
          requireIdToken: true,
        })
        await oauth.validateApplicationLevelSignature(server, response, insecure)
        const subject = oauth.getValidatedIdTokenClaims(tokens)?.sub ?? ''
        const person = await oauth.processUserInfoResponse(
          server,
          client,
          subject,
          await oauth.userInfoRequest(server, client, tokens.access_token, insecure),
        )
        refreshToken = tokens.refresh_token ?? ''
        idToken = tokens.id_token ?? ''
        return { subject, email: String(person.email), refreshToken }
      },
      async refresh() {
        const response = await oauth.refreshTokenGrantRequest(server, client, auth, refreshToken, {
          ...insecure,
          // Some clients, such as Authlib, always repeat the scope of the authorization request.
          additionalParameters: { scope },
        })
        const tokens = await oauth.processRefreshTokenResponse(server, client, response)
        refreshToken = tokens.refresh_token ?? ''
        return refreshToken
      },
      signOut: async () => endSessionUrl(server.end_session_endpoint ?? '', idToken, redirectUri),
    }
  },
}
