import type { Example } from '../route.ts'

/** Requests and responses of the tour, recorded by `npm run docs:examples`. */
export const examples: Readonly<Record<string, Example>> = {
  get_audit: {
    response: {
      items: [
        {
          id: 'aud_00000001',
          at: '2026-01-08T10:00:00.000Z',
          event: 'authentication.succeeded',
          ip: '203.0.113.7',
          user_agent: 'node',
          data: {
            provider: 'password',
            action: 'login_existing',
            session: 'ses_00000001',
          },
          account: 'usr_00000001',
          request_id: 'req_00000001',
        },
        {
          id: 'aud_00000002',
          at: '2026-01-08T10:00:00.000Z',
          event: 'account.enabled',
          ip: null,
          user_agent: null,
          data: {
            by: 'usr_00000002',
          },
          account: 'usr_00000001',
          request_id: 'req_00000002',
        },
      ],
      next_cursor: null,
    },
  },
  get_auth_providers: {
    response: [
      {
        id: 'google',
        name: 'Google',
        status: 'up',
      },
      {
        id: 'github',
        name: 'GitHub',
        status: 'up',
      },
    ],
  },
  get_health_ready: {
    response: {
      status: 'ok',
    },
  },
  get_jobs: {
    response: [
      {
        name: 'revoke-at-provider',
        period_seconds: 30,
        shared: true,
        due_at: '2026-01-08T10:00:00.000Z',
        last_started_at: '2026-01-08T10:00:00.000Z',
        last_finished_at: '2026-01-08T10:00:00.000Z',
        last_outcome: 'ok',
        duration_ms: 12,
        runs: 4,
        failures: 0,
        running: false,
        backlog: 0,
      },
      {
        name: 'sync-jira-sites',
        period_seconds: 60,
        shared: true,
        due_at: '2026-01-08T10:00:00.000Z',
        last_started_at: null,
        last_finished_at: null,
        last_outcome: null,
        duration_ms: null,
        runs: 4,
        failures: 0,
        running: false,
        backlog: null,
      },
    ],
  },
  get_me: {
    response: {
      id: 'usr_00000001',
      email: 'tour@example.com',
      email_verified: true,
      name: 'Tova Tour',
      picture: 'https://lh3.googleusercontent.com/a/sandbox-tour=s96-c',
      created_at: '2026-01-08T10:00:00.000Z',
      role: 'user',
      locale: 'en',
      time_zone: null,
    },
  },
  get_me_activity: {
    response: {
      items: [
        {
          id: 'aud_00000001',
          at: '2026-01-08T10:00:00.000Z',
          event: 'session.ended',
          ip: '203.0.113.7',
          user_agent: 'node',
          data: {
            session: 'ses_00000001',
            reason: 'identity_unlinked',
          },
        },
        {
          id: 'aud_00000002',
          at: '2026-01-08T10:00:00.000Z',
          event: 'identity.unlinked',
          ip: '203.0.113.7',
          user_agent: 'node',
          data: {
            provider: 'github',
            identity: 'idn_00000001',
          },
        },
      ],
      next_cursor: null,
    },
  },
  get_me_export: {
    response: {
      exported_at: '2026-01-08T10:00:00.000Z',
      account: {
        id: 'usr_00000001',
        email: 'pat@example.com',
        name: 'Pat',
        picture: null,
        role: 'user',
        locale: 'en',
        second_factor_at: '2026-01-08T10:00:00.000Z',
        disabled_at: null,
        created_at: '2026-01-08T10:00:00.000Z',
        updated_at: '2026-01-08T10:00:00.000Z',
        email_verified: true,
        email_key: 'pat@example.com',
      },
      identities: [],
      sessions: [
        {
          id: 'ses_00000001',
          account_id: 'usr_00000001',
          identity_id: null,
          provider: null,
          name: null,
          amr: ['pwd', 'otp'],
          scope: '',
          auth_time: '2026-01-08T10:00:00.000Z',
          created_at: '2026-01-08T10:00:00.000Z',
          last_seen_at: '2026-01-08T10:00:00.000Z',
          ip: '203.0.113.7',
          user_agent: 'node',
          generation: 1,
          rotated_at: '2026-01-08T10:00:00.000Z',
          used_generation: 0,
          idle_expires_at: '2026-01-08T10:00:00.000Z',
          absolute_expires_at: '2026-01-08T10:00:00.000Z',
          ended_at: null,
          end_reason: null,
        },
        {
          id: 'ses_00000002',
          account_id: 'usr_00000001',
          identity_id: null,
          provider: null,
          name: 'Kitchen',
          amr: ['pwd', 'otp'],
          scope: '',
          auth_time: '2026-01-08T10:00:00.000Z',
          created_at: '2026-01-08T10:00:00.000Z',
          last_seen_at: '2026-01-08T10:00:00.000Z',
          ip: '203.0.113.7',
          user_agent: 'node',
          generation: 1,
          rotated_at: '2026-01-08T10:00:00.000Z',
          used_generation: 1,
          idle_expires_at: '2026-01-08T10:00:00.000Z',
          absolute_expires_at: '2026-01-08T10:00:00.000Z',
          ended_at: null,
          end_reason: null,
        },
      ],
      passwords: [
        {
          account_id: 'usr_00000001',
          email_key: 'pat@example.com',
          changed_at: '2026-01-08T10:00:00.000Z',
        },
      ],
      totp_factors: [
        {
          account_id: 'usr_00000001',
          created_at: '2026-01-08T10:00:00.000Z',
          confirmed_at: '2026-01-08T10:00:00.000Z',
        },
      ],
      recovery_codes: [
        {
          id: 'rec_00000001',
          account_id: 'usr_00000001',
          created_at: '2026-01-08T10:00:00.000Z',
          used_at: '2026-01-08T10:00:00.000Z',
        },
        {
          id: 'rec_00000002',
          account_id: 'usr_00000001',
          created_at: '2026-01-08T10:00:00.000Z',
          used_at: null,
        },
      ],
      passkeys: [],
      trusted_devices: [],
      tickets: [],
      mails: [
        {
          id: 'eml_00000001',
          to: 'pat@example.com',
          locale: 'en',
          template: 'recovery_codes.made',
          account_id: 'usr_00000001',
          attempts: 0,
          next_attempt_at: '2026-01-08T10:00:00.000Z',
          created_at: '2026-01-08T10:00:00.000Z',
        },
        {
          id: 'eml_00000002',
          to: 'pat@example.com',
          locale: 'en',
          template: 'second_factor.added',
          account_id: 'usr_00000001',
          attempts: 0,
          next_attempt_at: '2026-01-08T10:00:00.000Z',
          created_at: '2026-01-08T10:00:00.000Z',
        },
      ],
      pending_sign_ins: [
        {
          id: 'psi_00000001',
          account_id: 'usr_00000001',
          browser: false,
          replaces: null,
          return_to: null,
          proven_at: '2026-01-08T10:00:00.000Z',
          expires_at: '2026-01-08T10:00:00.000Z',
          claimed_at: null,
        },
        {
          id: 'psi_00000002',
          account_id: 'usr_00000001',
          browser: false,
          replaces: null,
          return_to: null,
          proven_at: '2026-01-08T10:00:00.000Z',
          expires_at: '2026-01-08T10:00:00.000Z',
          claimed_at: '2026-01-08T10:00:00.000Z',
        },
      ],
      sign_in_codes: [],
      flows: [],
      grants: [],
      revocations: [],
      guesses: [
        {
          key: 'account:usr_00000001',
          failures: 1,
          last_at: '2026-01-08T10:00:00.000Z',
          blocked_until: '2026-01-08T10:00:00.000Z',
        },
      ],
      service_credentials: [],
      providers: [],
      provider_versions: [],
      application_consents: [],
      application_sessions: [],
      logout_notices: [],
      openid_states: [],
      applications: [],
      registration_tokens: [],
      team_members: [],
      team_invitations: [],
      jira_integrations: [],
      activity: [
        {
          id: 'aud_00000001',
          at: '2026-01-08T10:00:00.000Z',
          event: 'account.exported',
          account_id: 'usr_00000001',
          ip: '203.0.113.7',
          user_agent: 'node',
          request_id: 'req_00000001',
          data: {},
        },
        {
          id: 'aud_00000002',
          at: '2026-01-08T10:00:00.000Z',
          event: 'session.renamed',
          account_id: 'usr_00000001',
          ip: '203.0.113.7',
          user_agent: 'node',
          request_id: 'req_00000002',
          data: {
            session: 'ses_00000002',
          },
        },
      ],
    },
  },
  get_me_identities: {
    response: [
      {
        id: 'idn_00000001',
        provider: 'google',
        provider_user_id: '183793080248005231226',
        provider_email: 'tour@example.com',
        linked_at: '2026-01-08T10:00:00.000Z',
        last_used_at: '2026-01-08T10:00:00.000Z',
        asked_scopes: ['openid', 'email'],
        scopes: ['openid', 'https://www.googleapis.com/auth/userinfo.profile'],
        missing_scopes: [],
        token_status: 'healthy',
        token_expires_at: '2026-01-08T10:00:00.000Z',
        token_last_used_at: '2026-01-08T10:00:00.000Z',
        consent_ends_at: null,
        last_error: null,
      },
      {
        id: 'idn_00000002',
        provider: 'github',
        provider_user_id: '1884221',
        provider_email: 'tour@example.com',
        linked_at: '2026-01-08T10:00:00.000Z',
        last_used_at: '2026-01-08T10:00:00.000Z',
        asked_scopes: ['read:user', 'user:email'],
        scopes: ['read:user', 'user:email'],
        missing_scopes: [],
        token_status: 'healthy',
        token_expires_at: null,
        token_last_used_at: '2026-01-08T10:00:00.000Z',
        consent_ends_at: null,
        last_error: null,
      },
    ],
  },
  get_me_identities_id_profile: {
    response: {
      profile: {
        sub: '183793080248005231226',
        name: 'Tova Tour',
        given_name: 'Tova',
        family_name: 'Tour',
        picture: 'https://lh3.googleusercontent.com/a/sandbox-tour=s96-c',
        email: 'tour@example.com',
        email_verified: true,
        hd: 'example.com',
      },
      fetched_at: '2026-01-08T10:00:00.000Z',
      from_cache: false,
      stale: false,
    },
  },
  get_me_revocations: {
    response: [
      {
        provider: 'github',
        team_id: null,
        queued_at: '2026-01-08T10:00:00.000Z',
        attempts: 0,
        next_attempt_at: '2026-01-08T10:00:00.000Z',
        last_error: null,
      },
    ],
  },
  get_me_second_factor: {
    response: {
      totp: true,
      recovery_codes_left: 9,
      since: '2026-01-08T10:00:00.000Z',
    },
  },
  get_me_sessions: {
    response: [
      {
        id: 'ses_00000001',
        created_at: '2026-01-08T10:00:00.000Z',
        last_seen_at: '2026-01-08T10:00:00.000Z',
        ip: '203.0.113.7',
        user_agent: 'node',
        amr: ['fed'],
        provider: 'google',
        name: null,
        current: true,
      },
      {
        id: 'ses_00000002',
        created_at: '2026-01-08T10:00:00.000Z',
        last_seen_at: '2026-01-08T10:00:00.000Z',
        ip: '203.0.113.7',
        user_agent: 'node',
        amr: ['fed'],
        provider: 'acme',
        name: null,
        current: false,
      },
    ],
  },
  get_teams_id_integrations_jira: {
    response: {
      team_id: 'team_00000001',
      status: 'active',
      sites: [
        {
          cloud_id: '1324a887-45db-4bf4-9e99-ef0ff456d421',
          name: 'acme',
          url: 'https://acme.atlassian.net',
          scopes: ['read:jira-user', 'read:jira-work'],
          chosen: true,
          gone_at: null,
        },
        {
          cloud_id: '9b2f6c1e-7a34-4d0b-8c55-3e1d2f4a6b7c',
          name: 'globex',
          url: 'https://globex.atlassian.net',
          scopes: ['read:jira-user', 'read:jira-work'],
          chosen: true,
          gone_at: null,
        },
      ],
      scopes: ['read:me', 'offline_access'],
      missing_scopes: [],
      connected_by: 'usr_00000001',
      connected_at: '2026-01-08T10:00:00.000Z',
      expires_at: '2026-01-08T10:00:00.000Z',
      last_sync_at: '2026-01-08T10:00:00.000Z',
      sync_status: 'ok',
      last_error: null,
    },
  },
  get_teams_id_integrations_jira_queues: {
    response: {
      read_at: '2026-01-08T10:00:00.000Z',
      sites: [
        {
          cloud_id: '1324a887-45db-4bf4-9e99-ef0ff456d421',
          name: 'acme',
          url: 'https://acme.atlassian.net',
          desks: [
            {
              id: '1',
              key: 'SD',
              name: 'IT Help',
              queues: [
                {
                  id: '10',
                  name: 'Unassigned issues',
                  issue_count: 10,
                },
                {
                  id: '11',
                  name: 'All open',
                  issue_count: 42,
                },
              ],
              error: null,
            },
            {
              id: '2',
              key: 'HR',
              name: 'People',
              queues: [
                {
                  id: '20',
                  name: 'New joiners',
                  issue_count: 3,
                },
              ],
              error: null,
            },
          ],
          error: null,
          more: false,
        },
        {
          cloud_id: '9b2f6c1e-7a34-4d0b-8c55-3e1d2f4a6b7c',
          name: 'globex',
          url: 'https://globex.atlassian.net',
          desks: [
            {
              id: '1',
              key: 'OPS',
              name: 'Operations',
              queues: [
                {
                  id: '10',
                  name: 'Incidents',
                  issue_count: 1,
                },
              ],
              error: null,
            },
          ],
          error: null,
          more: false,
        },
      ],
    },
  },
  get_teams_id_integrations_jira_sites: {
    response: [
      {
        cloud_id: '1324a887-45db-4bf4-9e99-ef0ff456d421',
        name: 'acme',
        url: 'https://acme.atlassian.net',
        scopes: ['read:jira-user', 'read:jira-work'],
        chosen: false,
        gone_at: null,
      },
      {
        cloud_id: '9b2f6c1e-7a34-4d0b-8c55-3e1d2f4a6b7c',
        name: 'globex',
        url: 'https://globex.atlassian.net',
        scopes: ['read:jira-user', 'read:jira-work'],
        chosen: false,
        gone_at: null,
      },
    ],
  },
  get_users: {
    response: {
      items: [
        {
          id: 'usr_00000001',
          email: 'sam@example.com',
          email_verified: false,
          name: null,
          picture: null,
          role: 'user',
          locale: 'en',
          second_factor: false,
          created_at: '2026-01-08T10:00:00.000Z',
          updated_at: '2026-01-08T10:00:00.000Z',
          last_sign_in_at: '2026-01-08T10:00:00.000Z',
          disabled_at: null,
        },
      ],
      next_cursor: null,
    },
  },
  get_well_known_jwks_json: {
    response: {
      keys: [
        {
          kty: 'EC',
          crv: 'P-256',
          x: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
          y: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
          kid: 'key-1',
          use: 'sig',
          alg: 'ES256',
        },
      ],
    },
  },
  patch_me_sessions_id: {
    request: {
      name: 'Kitchen',
    },
    response: {
      id: 'ses_00000001',
      created_at: '2026-01-08T10:00:00.000Z',
      last_seen_at: '2026-01-08T10:00:00.000Z',
      ip: '203.0.113.7',
      user_agent: 'node',
      amr: ['pwd', 'otp'],
      provider: null,
      name: 'Kitchen',
      current: true,
    },
  },
  post_auth_conflicts_ticket: {
    request: {
      action: 'link',
      flow_token: 'a-secret-of-this-flow',
    },
    response: {
      user: {
        id: 'usr_00000001',
        email: 'tour@example.com',
        email_verified: true,
        name: 'Tova Tour',
        picture: 'https://lh3.googleusercontent.com/a/sandbox-tour=s96-c',
      },
      access_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
      refresh_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
      token_type: 'bearer',
      expires_in: 900,
      refresh_expires_in: 2592000,
      provider_info: {
        provider: 'acme',
        provider_user_id: 'acme|00bf6c7d7f0fafa747501db7',
      },
      action: 'linked_existing',
    },
  },
  post_auth_email: {
    request: {
      email: 'pat@example.com',
    },
    response: {
      flow_token: 'a-secret-of-this-flow',
      expires_in: 900,
    },
  },
  post_auth_email_finish: {
    request: {
      flow_token: 'a-secret-of-this-flow',
      code: '12345678',
    },
    response: {
      access_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
      refresh_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
      token_type: 'bearer',
      expires_in: 900,
      refresh_expires_in: 2592000,
    },
  },
  post_auth_email_verify: {
    request: {
      ticket: 'a-ticket-from-an-email',
    },
  },
  post_auth_introspect: {
    request: {
      token: 'a-token',
    },
    response: {
      active: true,
      sub: 'usr_00000001',
      sid: 'ses_00000001',
      scope: '',
      client_id: 'https://id.example.org',
      token_type: 'bearer',
      token_use: 'access_token',
      exp: 1767867300,
      iat: 1767866400,
      iss: 'https://id.example.org',
      aud: 'https://id.example.org',
      amr: ['pwd'],
      auth_time: 1767866400,
    },
  },
  post_oauth_introspect: {
    request: {
      token: 'a-token',
    },
    response: {
      active: true,
      sub: 'usr_00000001',
      sid: 'ses_00000001',
      scope: '',
      client_id: 'https://id.example.org',
      token_type: 'bearer',
      token_use: 'access_token',
      exp: 1767867300,
      iat: 1767866400,
      iss: 'https://id.example.org',
      aud: 'https://id.example.org',
      amr: ['pwd'],
      auth_time: 1767866400,
    },
  },
  post_auth_password_forgot: {
    request: {
      email: 'pat@example.com',
    },
    response: {},
  },
  post_auth_password_reset: {
    request: {
      ticket: 'a-ticket-from-an-email',
      password: 'a long passphrase of Pat',
    },
  },
  post_auth_provider_authorize: {
    request: {},
    response: {
      authorize_url:
        'https://provider.example/google/o/oauth2/v2/auth?access_type=offline&nonce=…&response_type=code&redirect_uri=https%3A%2F%2Fid.example.org%2Fauth%2Fgoogle%2Fcallback&scope=openid%20email%20profile&code_challenge=…&code_challenge_method=S256&state=…&client_id=…',
      state: 'a-random-state',
      flow_token: 'a-secret-of-this-flow',
      expires_in: 900,
    },
  },
  post_auth_provider_callback: {
    request: {
      code: 'a-code-from-the-redirect',
      state: 'a-random-state',
      flow_token: 'a-secret-of-this-flow',
      iss: 'https://accounts.google.com',
    },
    response: {
      user: {
        id: 'usr_00000001',
        email: 'tour@example.com',
        email_verified: true,
        name: 'Tova Tour',
        picture: 'https://lh3.googleusercontent.com/a/sandbox-tour=s96-c',
      },
      access_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
      refresh_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
      token_type: 'bearer',
      expires_in: 900,
      refresh_expires_in: 2592000,
      provider_info: {
        provider: 'google',
        provider_user_id: '183793080248005231226',
      },
      action: 'created_new_user',
    },
  },
  post_auth_refresh: {
    response: {
      access_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
      refresh_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
      token_type: 'bearer',
      expires_in: 900,
      refresh_expires_in: 2592000,
    },
  },
  post_auth_register: {
    request: {
      email: 'pat@example.com',
      password: 'a long passphrase of Pat',
      name: 'Pat',
    },
    response: {
      email: 'pat@example.com',
    },
  },
  post_auth_second_factor: {
    request: {
      second_factor_ticket: 'a-ticket-from-the-problem',
      totp: '123456',
    },
    response: {
      access_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
      refresh_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
      token_type: 'bearer',
      expires_in: 900,
      refresh_expires_in: 2592000,
    },
  },
  post_auth_token: {
    request: {
      grant_type: 'authorization_code',
      code: 'a-code-from-the-redirect',
      code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    },
    response: {
      user: {
        id: 'usr_00000001',
        email: 'tour@example.com',
        email_verified: true,
        name: 'Tova Tour',
        picture: 'https://lh3.googleusercontent.com/a/sandbox-tour=s96-c',
      },
      access_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
      refresh_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
      token_type: 'bearer',
      expires_in: 900,
      refresh_expires_in: 2592000,
      provider_info: {
        provider: 'google',
        provider_user_id: '183793080248005231226',
      },
      action: 'login_existing',
    },
  },
  post_connections_token: {
    request: {
      team_id: 'team_00000001',
      provider: 'atlassian',
      scopes: ['read:jira-user', 'write:jira-work'],
    },
    response: {
      access_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
      expires_at: '2026-01-08T10:00:00.000Z',
      scopes: ['read:me', 'offline_access'],
      missing_scopes: ['write:jira-work'],
      sites: [
        {
          cloud_id: '1324a887-45db-4bf4-9e99-ef0ff456d421',
          name: 'acme',
          url: 'https://acme.atlassian.net',
        },
        {
          cloud_id: '9b2f6c1e-7a34-4d0b-8c55-3e1d2f4a6b7c',
          name: 'globex',
          url: 'https://globex.atlassian.net',
        },
      ],
    },
  },
  post_invitations_accept: {
    request: {
      token: 'a-token',
    },
    response: {
      id: 'team_00000001',
      name: 'Support',
      role: 'admin',
      created_at: '2026-01-08T10:00:00.000Z',
      updated_at: '2026-01-08T10:00:00.000Z',
    },
  },
  post_invitations_lookup: {
    request: {
      token: 'a-token',
    },
    response: {
      team: {
        id: 'team_00000001',
        name: 'Support',
      },
      role: 'admin',
      email: 'a•••@example.com',
      invited_by: 'olga@example.com',
      expires_at: '2026-01-08T10:00:00.000Z',
      joined: false,
    },
  },
  post_me_identities_id_authorize: {
    request: {
      scopes: ['repo'],
    },
    response: {
      authorize_url:
        'https://provider.example/github/login/oauth/authorize?response_type=code&redirect_uri=https%3A%2F%2Fid.example.org%2Fauth%2Fgithub%2Fcallback&scope=read%3Auser%2Cuser%3Aemail%2Crepo&code_challenge=…&code_challenge_method=S256&state=…&client_id=…',
      state: 'a-random-state',
      flow_token: 'a-secret-of-this-flow',
      expires_in: 900,
    },
  },
  post_me_second_factor_totp: {
    response: {
      secret: 'a-secret-shown-only-once',
      uri: 'otpauth://totp/Vinculum:pat%40example.com?issuer=Vinculum&secret=JBSWY3DPEHPK3PXP',
    },
  },
  post_me_second_factor_totp_confirm: {
    request: {
      code: '123456',
    },
    response: {
      recovery_codes: ['abcd-efgh-jkmn', 'pqrs-tuvw-xyz2'],
    },
  },
  post_service_credentials: {
    request: {
      name: 'Tour',
      scopes: ['introspect'],
    },
    response: {
      id: 'svc_00000001',
      name: 'Tour',
      scopes: ['introspect'],
      created_by: 'usr_00000001',
      created_at: '2026-01-08T10:00:00.000Z',
      last_used_at: null,
      previous_secret_until: null,
      secret: 'a-secret-shown-only-once',
    },
  },
  post_teams: {
    request: {
      name: 'Support',
    },
    response: {
      id: 'team_00000001',
      name: 'Support',
      role: 'owner',
      created_at: '2026-01-08T10:00:00.000Z',
      updated_at: '2026-01-08T10:00:00.000Z',
    },
  },
  post_teams_id_integrations_jira_authorize: {
    request: {},
    response: {
      authorize_url:
        'https://provider.example/atlassian/authorize?audience=api.atlassian.com&prompt=consent&response_type=code&redirect_uri=https%3A%2F%2Fid.example.org%2Fauth%2Fatlassian%2Fcallback&scope=read%3Ame%20offline_access%20read%3Ajira-user%20read%3Ajira-work%20read%3Aservicedesk-request&code_challenge=…&code_challenge_method=S256&state=…&client_id=…',
      state: 'a-random-state',
      flow_token: 'a-secret-of-this-flow',
      expires_in: 900,
    },
  },
  post_teams_id_integrations_jira_sync: {
    response: {
      team_id: 'team_00000001',
      status: 'needs_reauthorization',
      sites: [
        {
          cloud_id: '1324a887-45db-4bf4-9e99-ef0ff456d421',
          name: 'acme',
          url: 'https://acme.atlassian.net',
          scopes: ['read:jira-user', 'read:jira-work'],
          chosen: true,
          gone_at: null,
        },
        {
          cloud_id: '9b2f6c1e-7a34-4d0b-8c55-3e1d2f4a6b7c',
          name: 'globex',
          url: 'https://globex.atlassian.net',
          scopes: ['read:jira-user', 'read:jira-work'],
          chosen: true,
          gone_at: null,
        },
      ],
      scopes: ['read:me', 'offline_access'],
      missing_scopes: [],
      connected_by: 'usr_00000001',
      connected_at: '2026-01-08T10:00:00.000Z',
      expires_at: '2026-01-08T10:00:00.000Z',
      last_sync_at: '2026-01-08T10:00:00.000Z',
      sync_status: 'failed',
      last_error: 'invalid_grant',
    },
  },
  post_teams_id_invitations: {
    request: {
      email: 'amir@example.com',
      role: 'admin',
    },
    response: {
      id: 'inv_00000001',
      email: 'amir@example.com',
      role: 'admin',
      invited_by: 'usr_00000001',
      created_at: '2026-01-08T10:00:00.000Z',
      expires_at: '2026-01-08T10:00:00.000Z',
    },
  },
  post_users_id_disable: {
    response: {
      id: 'usr_00000001',
      email: 'sam@example.com',
      email_verified: false,
      name: null,
      picture: null,
      role: 'user',
      locale: 'en',
      second_factor: false,
      created_at: '2026-01-08T10:00:00.000Z',
      updated_at: '2026-01-08T10:00:00.000Z',
      disabled_at: '2026-01-08T10:00:00.000Z',
    },
  },
  post_users_id_enable: {
    response: {
      id: 'usr_00000001',
      email: 'sam@example.com',
      email_verified: false,
      name: null,
      picture: null,
      role: 'user',
      locale: 'en',
      second_factor: false,
      created_at: '2026-01-08T10:00:00.000Z',
      updated_at: '2026-01-08T10:00:00.000Z',
      disabled_at: null,
    },
  },
  put_teams_id_integrations_jira_sites: {
    request: {
      cloud_ids: ['1324a887-45db-4bf4-9e99-ef0ff456d421', '9b2f6c1e-7a34-4d0b-8c55-3e1d2f4a6b7c'],
    },
    response: [
      {
        cloud_id: '1324a887-45db-4bf4-9e99-ef0ff456d421',
        name: 'acme',
        url: 'https://acme.atlassian.net',
        scopes: ['read:jira-user', 'read:jira-work'],
        chosen: true,
        gone_at: null,
      },
      {
        cloud_id: '9b2f6c1e-7a34-4d0b-8c55-3e1d2f4a6b7c',
        name: 'globex',
        url: 'https://globex.atlassian.net',
        scopes: ['read:jira-user', 'read:jira-work'],
        chosen: true,
        gone_at: null,
      },
    ],
  },
}
