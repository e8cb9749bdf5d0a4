import { paths } from './metadata.ts'
import type { ApplicationKind } from './policy.ts'

/** What a snippet is filled with. It never contains a secret: the snippet reads that from the environment. */
export type SnippetValues = {
  readonly issuer: string
  readonly clientId: string
  readonly redirectUri: string
  readonly scopes: readonly string[]
}

export type Snippet = {
  readonly id: string
  /** The name of the library or program, which is the same in every language. */
  readonly name: string
  /** The kinds of application that it is for. */
  readonly kinds: readonly ApplicationKind[]
  readonly text: (values: SnippetValues) => string
}

/** As a string of JavaScript, Python and Go: a redirect URI may contain a quotation mark. */
const quoted = (text: string): string => JSON.stringify(text)
/** As a value of a configuration file: such characters are never part of a registered URI unencoded. */
const plain = (text: string): string => text.replace(/["\\\s]/g, encodeURIComponent)

/** How to connect an application with well-known libraries and programs. */
export const snippets: readonly Snippet[] = [
  {
    id: 'oidc-client-ts',
    name: 'oidc-client-ts (browser)',
    kinds: ['browser'],
    text: ({ issuer, clientId, redirectUri, scopes }) => `import { UserManager } from 'oidc-client-ts'

const users = new UserManager({
  authority: ${quoted(issuer)},
  client_id: ${quoted(clientId)},
  redirect_uri: ${quoted(redirectUri)},
  scope: ${quoted(scopes.join(' '))},
})

if (new URLSearchParams(location.search).has('code')) await users.signinRedirectCallback()
const user = await users.getUser()
if (!user) await users.signinRedirect()
`,
  },
  {
    id: 'openid-client',
    name: 'openid-client (Node.js)',
    kinds: ['server', 'native'],
    text: ({ issuer, clientId, redirectUri, scopes }) => `import * as client from 'openid-client'

const config = await client.discovery(new URL(${quoted(issuer)}), ${quoted(clientId)}, process.env.CLIENT_SECRET)
const verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: ${quoted(redirectUri)},
  scope: ${quoted(scopes.join(' '))},
  state,
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})
// Send the browser to url. When it returns to currentUrl:
const tokens = await client.authorizationCodeGrant(config, currentUrl, {
  pkceCodeVerifier: verifier,
  expectedState: state,
})
`,
  },
  {
    id: 'authlib',
    name: 'Authlib (Python)',
    kinds: ['server'],
    text: ({ issuer, clientId, redirectUri, scopes }) => `import os
from authlib.integrations.flask_client import OAuth

oauth = OAuth(app)
oauth.register(
    "vinculum",
    server_metadata_url=${quoted(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)},
    client_id=${quoted(clientId)},
    client_secret=os.environ["CLIENT_SECRET"],
    client_kwargs={"scope": ${quoted(scopes.join(' '))}, "code_challenge_method": "S256"},
)

# In the view that signs in:
#     return oauth.vinculum.authorize_redirect(${quoted(redirectUri)})
# In the view of the redirect URI:
#     user = oauth.vinculum.authorize_access_token()["userinfo"]
`,
  },
  {
    id: 'golang-oauth2',
    name: 'golang.org/x/oauth2 (Go)',
    kinds: ['server', 'native'],
    text: ({
      issuer,
      clientId,
      redirectUri,
      scopes,
    }) => `provider, err := oidc.NewProvider(ctx, ${quoted(issuer)}) // github.com/coreos/go-oidc/v3/oidc
if err != nil {
	return err
}
config := oauth2.Config{
	ClientID:     ${quoted(clientId)},
	ClientSecret: os.Getenv("CLIENT_SECRET"),
	RedirectURL:  ${quoted(redirectUri)},
	Endpoint:     provider.Endpoint(),
	Scopes:       []string{${scopes.map(quoted).join(', ')}},
}
verifier := oauth2.GenerateVerifier()
url := config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier))
// When the browser returns with a code:
token, err := config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
`,
  },
  {
    id: 'mod-auth-openidc',
    name: 'Apache mod_auth_openidc',
    kinds: ['server'],
    text: ({
      issuer,
      clientId,
      redirectUri,
      scopes,
    }) => `OIDCProviderMetadataURL "${plain(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)}"
OIDCClientID "${plain(clientId)}"
OIDCClientSecret "\${CLIENT_SECRET}"
OIDCRedirectURI "${plain(redirectUri)}"
OIDCCryptoPassphrase "\${CRYPTO_PASSPHRASE}"
OIDCScope "${scopes.map(plain).join(' ')}"
OIDCPKCEMethod S256

<Location "/">
  AuthType openid-connect
  Require valid-user
</Location>
`,
  },
  {
    id: 'oauth2-proxy',
    name: 'nginx with oauth2-proxy',
    kinds: ['server'],
    text: ({
      issuer,
      clientId,
      redirectUri,
      scopes,
    }) => `# oauth2-proxy.cfg; the secret is in OAUTH2_PROXY_CLIENT_SECRET
provider = "oidc"
oidc_issuer_url = "${plain(issuer)}"
client_id = "${plain(clientId)}"
redirect_url = "${plain(redirectUri)}"
scope = "${scopes.map(plain).join(' ')}"
code_challenge_method = "S256"
email_domains = ["*"]
reverse_proxy = true

# nginx
location /oauth2/ {
  proxy_pass http://127.0.0.1:4180;
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-Proto $scheme;
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
    text: ({ issuer, clientId, scopes }) => {
      const at = (path: string): string => plain(new URL(path, issuer).href)
      return `# The redirect URI is https://<grafana>/login/generic_oauth
[auth.generic_oauth]
enabled = true
name = Vinculum
client_id = ${plain(clientId)}
client_secret = $__env{CLIENT_SECRET}
scopes = ${scopes.map(plain).join(' ')}
auth_url = ${at(paths.authorize)}
token_url = ${at(paths.token)}
api_url = ${at(paths.userinfo)}
use_pkce = true
use_refresh_token = true
`
    },
  },
]

/** The snippets for an application, filled in. Its first redirect URI stands for all of them. */
export const snippetsOf = (kind: ApplicationKind, values: SnippetValues) =>
  snippets.filter(({ kinds }) => kinds.includes(kind)).map(({ id, name, text }) => ({ id, name, text: text(values) }))
