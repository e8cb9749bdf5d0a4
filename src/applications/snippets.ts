import { parseUrl } from '../kernel/parse-url.ts'
import { paths } from './metadata.ts'
import type { ApplicationAuth, ApplicationKind } from './policy.ts'

/** What a snippet is filled with. It never contains a secret: the snippet reads that from the environment. */
export type SnippetValues = {
  readonly issuer: string
  readonly clientId: string
  readonly clientAuth: ApplicationAuth
  readonly redirectUri: string
  /** Where people return to after signing out; `null` if none is registered. */
  readonly postLogoutRedirectUri: string | null
  readonly scopes: readonly string[]
}

export type Snippet = {
  readonly id: string
  /** The name of the library or program, which is the same in every language. */
  readonly name: string
  /** The kinds of application that it is for. */
  readonly kinds: readonly ApplicationKind[]
  /** Programs that only know secrets cannot authenticate with a key. */
  readonly needsSecret?: true
  readonly text: (values: SnippetValues) => string
}

/** As a string of JavaScript, Python and Go: a redirect URI may contain a quotation mark. */
const quoted = (text: string): string => JSON.stringify(text)
/** As a value of a configuration file: such characters are never part of a registered URI unencoded. */
const plain = (text: string): string => text.replace(/["\\\s]/g, encodeURIComponent)
/** A line, if there is a value for it. */
const line = (value: string | null, text: (value: string) => string): string => (value === null ? '' : text(value))
const discoveryOf = (issuer: string): string => `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
const pathOf = (uri: string): string => (parseUrl(uri) === undefined ? '/' : new URL(uri).pathname)

/** How openid-client authenticates. Without this, it sends a secret in the form. */
const openidClientAuth: Readonly<Record<ApplicationAuth, string>> = {
  none: 'client.None()',
  client_secret_basic: 'client.ClientSecretBasic(process.env.CLIENT_SECRET)',
  client_secret_post: 'client.ClientSecretPost(process.env.CLIENT_SECRET)',
  private_key_jwt: 'client.PrivateKeyJwt(privateKey)',
}
/** Discovery of a service on plain http, which is only on the same machine. */
const insecureOption = (issuer: string): string =>
  issuer.startsWith('http:')
    ? '  { execute: [client.allowInsecureRequests] }, // only for plain http on this machine\n'
    : ''

/** How people sign out of a server that protects all its paths. A page of its own that they return to is open. */
const apacheSignOut = (path: string, returnTo: string): string => `
# A link to this path signs out: ${plain(path)}?logout=${encodeURIComponent(returnTo)}
${
  pathOf(returnTo) === '/'
    ? ''
    : `<Location "${plain(pathOf(returnTo))}">
  AuthType None
  Require all granted
</Location>
`
}`

/** How to connect an application with well-known libraries and programs. */
export const snippets: readonly Snippet[] = [
  {
    id: 'oidc-client-ts',
    name: 'oidc-client-ts (browser)',
    kinds: ['browser'],
    text: ({
      issuer,
      clientId,
      redirectUri,
      postLogoutRedirectUri,
      scopes,
    }) => `import { UserManager } from 'oidc-client-ts'

export const users = new UserManager({
  authority: ${quoted(issuer)},
  client_id: ${quoted(clientId)},
  redirect_uri: ${quoted(redirectUri)},
${line(postLogoutRedirectUri, (uri) => `  post_logout_redirect_uri: ${quoted(uri)},\n`)}\
  scope: ${quoted(scopes.join(' '))},
})

// After the sign-in, the address has the code or an error:
if (new URLSearchParams(location.search).has('state')) {
  await users.signinCallback()
  history.replaceState(null, '', location.pathname)
}
// The library refreshes the tokens before they expire.
export const user = await users.getUser()

// When a button is pressed:
export const signIn = () => users.signinRedirect()
export const signOut = () => users.signoutRedirect()
`,
  },
  {
    id: 'openid-client',
    name: 'openid-client (Node.js)',
    kinds: ['server', 'native'],
    text: ({
      issuer,
      clientId,
      clientAuth,
      redirectUri,
      postLogoutRedirectUri,
      scopes,
    }) => `import * as client from 'openid-client'

const config = await client.discovery(
  new URL(${quoted(issuer)}),
  ${quoted(clientId)},
  undefined,
  ${openidClientAuth[clientAuth]},
${insecureOption(issuer)})

// Send the browser to url. Keep the checks in its session.
export async function signIn() {
  const checks = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState() }
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: ${quoted(redirectUri)},
    scope: ${quoted(scopes.join(' '))},
    state: checks.expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  return { url, checks }
}
// The browser returned to currentUrl: tokens.claims() says who it is.
export const finish = (currentUrl, checks) => client.authorizationCodeGrant(config, currentUrl, checks)
// Store the new tokens: each refresh returns another refresh token. The id_token stays the one of the sign-in.
export const refresh = async (tokens) => ({
  id_token: tokens.id_token,
  ...(await client.refreshTokenGrant(config, tokens.refresh_token)),
})
// Send the browser to this URL to sign out here as well.
export const signOutUrl = (tokens) =>
  client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token,
${line(postLogoutRedirectUri, (uri) => `    post_logout_redirect_uri: ${quoted(uri)},\n`)}  })
`,
  },
  {
    id: 'authlib',
    name: 'Authlib (Python)',
    kinds: ['server'],
    needsSecret: true,
    text: ({ issuer, clientId, clientAuth, redirectUri, postLogoutRedirectUri, scopes }) => `import os
from urllib.parse import urlencode

from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, session

app = Flask(__name__)
app.secret_key = os.environ["SESSION_SECRET"]
oauth = OAuth(app)
oauth.register(
    "vinculum",
    server_metadata_url=${quoted(discoveryOf(issuer))},
    client_id=${quoted(clientId)},
    client_secret=os.environ["CLIENT_SECRET"],
    client_kwargs={
        "scope": ${quoted(scopes.join(' '))},
        "code_challenge_method": "S256",
        "token_endpoint_auth_method": ${quoted(clientAuth)},
    },
)


@app.get("/login")
def login():
    return oauth.vinculum.authorize_redirect(${quoted(redirectUri)})


@app.get(${quoted(pathOf(redirectUri))})
def callback():
    token = oauth.vinculum.authorize_access_token()
    session["user"], session["id_token"] = token["userinfo"], token["id_token"]
    return redirect("/")


@app.get("/logout")
def logout():
    parameters = {"id_token_hint": session.get("id_token", "")}
${line(postLogoutRedirectUri, (uri) => `    parameters["post_logout_redirect_uri"] = ${quoted(uri)}\n`)}\
    session.clear()
    endpoint = oauth.vinculum.load_server_metadata()["end_session_endpoint"]
    return redirect(f"{endpoint}?{urlencode(parameters)}")
`,
  },
  {
    id: 'golang-oauth2',
    name: 'golang.org/x/oauth2 (Go)',
    kinds: ['server', 'native'],
    needsSecret: true,
    text: ({
      issuer,
      clientId,
      clientAuth,
      redirectUri,
      postLogoutRedirectUri,
      scopes,
    }) => `// With github.com/coreos/go-oidc/v3/oidc and golang.org/x/oauth2
provider, err := oidc.NewProvider(ctx, ${quoted(issuer)})
if err != nil {
	return err
}
endpoint := provider.Endpoint()
endpoint.AuthStyle = ${clientAuth === 'client_secret_basic' ? 'oauth2.AuthStyleInHeader' : 'oauth2.AuthStyleInParams'}
config := oauth2.Config{
	ClientID:     ${quoted(clientId)},
${clientAuth === 'none' ? '' : '\tClientSecret: os.Getenv("CLIENT_SECRET"),\n'}\
	RedirectURL:  ${quoted(redirectUri)},
	Endpoint:     endpoint,
	Scopes:       []string{${scopes.map(quoted).join(', ')}},
}

// Send the browser to signIn. Keep state and verifier in its session.
verifier := oauth2.GenerateVerifier()
signIn := config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier))

// The browser returned with the same state and a code:
token, err := config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
if err != nil {
	return err
}
rawIDToken, _ := token.Extra("id_token").(string)
idToken, err := provider.Verifier(&oidc.Config{ClientID: config.ClientID}).Verify(ctx, rawIDToken)
if err != nil {
	return err
}
// idToken.Subject says who it is. This client refreshes the tokens:
api := config.Client(ctx, token)

// Send the browser to signOut to sign out here as well.
var metadata struct {
	EndSession string \`json:"end_session_endpoint"\`
}
if err := provider.Claims(&metadata); err != nil {
	return err
}
parameters := url.Values{"id_token_hint": {rawIDToken}}
${line(postLogoutRedirectUri, (uri) => `parameters.Set("post_logout_redirect_uri", ${quoted(uri)})\n`)}\
signOut := metadata.EndSession + "?" + parameters.Encode()
`,
  },
  {
    id: 'mod-auth-openidc',
    name: 'Apache mod_auth_openidc',
    kinds: ['server'],
    needsSecret: true,
    text: ({
      issuer,
      clientId,
      clientAuth,
      redirectUri,
      postLogoutRedirectUri,
      scopes,
    }) => `OIDCProviderMetadataURL "${plain(discoveryOf(issuer))}"
OIDCProviderTokenEndpointAuth ${clientAuth}
OIDCClientID "${plain(clientId)}"
OIDCClientSecret "\${CLIENT_SECRET}"
OIDCRedirectURI "${plain(redirectUri)}"
${line(postLogoutRedirectUri, (uri) => `OIDCDefaultLoggedOutURL "${plain(uri)}"\n`)}\
OIDCCryptoPassphrase "\${CRYPTO_PASSPHRASE}"
OIDCScope "${scopes.map(plain).join(' ')}"
OIDCPKCEMethod S256
OIDCRefreshAccessTokenBeforeExpiry 60

<Location "/">
  AuthType openid-connect
  Require valid-user
</Location>
${line(postLogoutRedirectUri, (uri) => apacheSignOut(pathOf(redirectUri), uri))}`,
  },
  {
    id: 'oauth2-proxy',
    name: 'nginx with oauth2-proxy',
    kinds: ['server'],
    needsSecret: true,
    text: ({
      issuer,
      clientId,
      redirectUri,
      scopes,
    }) => `# oauth2-proxy.cfg; the secrets are in OAUTH2_PROXY_CLIENT_SECRET and OAUTH2_PROXY_COOKIE_SECRET
provider = "oidc"
oidc_issuer_url = "${plain(issuer)}"
client_id = "${plain(clientId)}"
redirect_url = "${plain(redirectUri)}"
scope = "${scopes.map(plain).join(' ')}"
code_challenge_method = "S256"
email_domains = ["*"]
reverse_proxy = true
upstreams = ["static://202"]
cookie_refresh = "10m"
skip_provider_button = true

# nginx; the redirect URI is https://<host>/oauth2/callback
location /oauth2/ {
  proxy_pass http://127.0.0.1:4180;
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Auth-Request-Redirect $request_uri;
}
location / {
  auth_request /oauth2/auth;
  error_page 401 = /oauth2/sign_in;
}
`,
  },
  {
    id: 'grafana',
    name: 'Grafana',
    kinds: ['server'],
    needsSecret: true,
    text: ({ issuer, clientId, clientAuth, postLogoutRedirectUri, scopes }) => {
      const at = (path: string): string => plain(new URL(path, issuer).href)
      const signOut = (uri: string): string =>
        `${at(paths.logout)}?post_logout_redirect_uri=${encodeURIComponent(uri)}&client_id=${encodeURIComponent(clientId)}`
      return `# The redirect URI is https://<grafana>/login/generic_oauth
[auth.generic_oauth]
enabled = true
name = Vinculum
client_id = ${plain(clientId)}
client_secret = $__env{CLIENT_SECRET}
auth_style = ${clientAuth === 'client_secret_basic' ? 'InHeader' : 'InParams'}
scopes = ${scopes.map(plain).join(' ')}
auth_url = ${at(paths.authorize)}
token_url = ${at(paths.token)}
api_url = ${at(paths.userinfo)}
${line(postLogoutRedirectUri, (uri) => `signout_redirect_url = ${signOut(uri)}\n`)}\
use_pkce = true
use_refresh_token = true
`
    },
  },
]

/** The snippets for an application, filled in. Its first URI of each kind stands for all of them. */
export const snippetsOf = (kind: ApplicationKind, values: SnippetValues) =>
  snippets
    .filter(
      ({ kinds, needsSecret }) => kinds.includes(kind) && !(needsSecret && values.clientAuth === 'private_key_jwt'),
    )
    .map(({ id, name, text }) => ({ id, name, text: text(values) }))
