import * as client from 'openid-client'

const config = await client.discovery(
  new URL("http://localhost:3950"),
  "app_01a2264b807c19193ca41b08116c984ff8a28e9ddda9",
  undefined,
  client.ClientSecretBasic(process.env.CLIENT_SECRET),
  { execute: [client.allowInsecureRequests] }, // only for plain http on this machine
)

// Send the browser to url. Keep the checks in its session.
export async function signIn() {
  const checks = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState() }
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: "http://127.0.0.1:3956/callback",
    scope: "openid profile email offline_access",
    state: checks.expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  return { url, checks }
}
// The browser returned to currentUrl: tokens.claims() says who it is.
export const finish = (currentUrl, checks) => client.authorizationCodeGrant(config, currentUrl, checks)
// Store the new tokens: each refresh returns another refresh token.
export const refresh = (tokens) => client.refreshTokenGrant(config, tokens.refresh_token)
// Send the browser to this URL to sign out here as well.
export const signOutUrl = (tokens) =>
  client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: "http://127.0.0.1:3956/",
  })
