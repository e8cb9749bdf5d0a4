/** What each heading of the API reference covers. */
export const tags: Readonly<Record<string, string>> = {
  'Sign-in':
    'Sign in with a provider, a passkey, an emailed link or code, and finish a sign-in with a second factor. ' +
    'Browser apps send the browser to `GET /auth/{provider}`; mobile apps start at `POST /auth/{provider}/authorize`.',
  Tokens: 'Issue, refresh, revoke and introspect tokens; sign out; the public keys and metadata of this server.',
  'My account': 'What signed-in users read and change: profile, sign-in methods, sessions, activity, data export.',
  Teams: 'Teams, their members and invitations. A team does not exist for anyone who is not a member.',
  Jira: 'Connect a team with Jira, choose its sites and read the queues of its service desks.',
  Connections: 'Access tokens of providers, for back ends that act for a user or a team.',
  'OpenID provider':
    'The standard endpoints with which registered applications sign people in. Any OpenID client finds them through ' +
    '`/.well-known/openid-configuration`.',
  Applications: 'Applications that sign people in through this service. Administrators manage them.',
  'Service credentials': 'Credentials of back ends that call this service. Administrators manage them.',
  Providers: 'Add, change, try and publish providers at run time. Administrators manage them.',
  Administration: 'Accounts and the audit log, for administrators. Back ends change the metadata of accounts.',
  Operations: 'Health checks, metrics and background jobs.',
  'Passkeys in apps': 'The documents with which apps and other sites may use the passkeys of this host.',
  Documentation: 'This API description and the pages that explain it.',
  Pages: 'The pages people see in a browser.',
}
