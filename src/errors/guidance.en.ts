import type { Guide } from './guidance.ts'

/** What the page of each error code explains, in English. */
export const guide: Guide = {
  // Sign-in with a password, a passkey or an email message
  invalid_credentials: {
    happened: 'The email address and the password do not match an account. Which of the two is wrong is not revealed.',
    causes: [
      'The password is wrong, for example after a change on another device.',
      'There is no account with the email address, or it is misspelled.',
      'The account has no password: the person signs in with a provider or a passkey.',
      'The account is disabled.',
      'When changing a password: the current password is wrong.',
    ],
    person:
      'Check the email address and the password. If you forgot the password, request a link to choose a new one, or use another sign-in method.',
    developer:
      'Show one message for all causes, and do not retry automatically: each attempt counts. After five wrong attempts, the response is `too_many_attempts`. The `authentication.failed` event names the account if there is one.',
  },
  password_rejected: {
    happened:
      'The new password does not meet the rules, so it was not saved. The reason is in `reason` and in `errors`.',
    causes: [
      '`too_short`: it has fewer characters than `PASSWORD_LEAST_LENGTH`.',
      '`too_long`: it has more than 256 characters.',
      '`too_common`: it is in the list of common passwords, or nearly equal to one.',
      '`too_personal`: it is little more than the name, the email address or the name of the service.',
    ],
    person: 'Choose a longer password, for example four or five unrelated words, or let a password manager create one.',
    developer:
      'Show the text of `errors[].detail` next to the password field. Do not add rules of your own about digits or symbols: the service has none. A link to reset the password stays valid after this error.',
  },
  email_required: {
    happened: 'The account has no email address, and a password is always used together with one.',
    causes: [
      'The account was created through a provider that shares no email address, or the person chose not to share it.',
      'The account was created as a separate account, because its email address belongs to another one.',
    ],
    person: 'Add an email address on your account page, open the link we send to it, and then set the password.',
    developer:
      'Send the new address to `PUT /me/email`, and `PUT /me/password` after the person has confirmed it. Sending the link requires `SMTP_URL`.',
  },
  second_factor_required: {
    happened:
      'The first proof was accepted, and the account also requires a second factor. The sign-in waits for it for ten minutes.',
    causes: [
      'The account has an authenticator app.',
      'The account asks for a passkey after every other sign-in method.',
      'The request with the password had no `totp`.',
    ],
    person: 'Enter the code of your authenticator app, use a recovery code, or use your passkey.',
    developer:
      'This is a step, not a failure. Send `second_factor_ticket` to `POST /auth/second-factor` with `totp`, `recovery_code` or `passkey`. Any sign-in can end like this, also the callback of a provider.',
  },
  second_factor_invalid: {
    happened: 'The code or passkey that was sent as the second factor does not fit the account.',
    causes: [
      'The code is mistyped, or belongs to another entry of the authenticator app.',
      'The code was already used. Each code and each recovery code works once.',
      'The clock of the phone is wrong by more than a minute.',
      'The passkey belongs to another account.',
    ],
    person:
      'Wait for the next code and enter it. Let the phone set its time automatically, or use one of your recovery codes.',
    developer:
      'Ask again with the same `second_factor_ticket`: it stays valid until it expires. Wrong codes count toward `too_many_attempts`, wrong passkeys do not.',
  },
  second_factor_exists: {
    happened: 'The setup of an authenticator app was started, but the account already has a confirmed one.',
    causes: [
      'The person wants to move to another phone and has not removed the old authenticator app.',
      'The app was set up in another tab or on another device.',
    ],
    person: 'Remove the authenticator app on your account page, then set up the new one.',
    developer:
      'Read `GET /me/second-factor` before you offer the setup. To replace an app, send `DELETE /me/second-factor/totp` first.',
  },
  second_factor_missing: {
    happened: 'The action needs a second factor, or a setup in progress, and the account has none.',
    causes: [
      'The setup of the authenticator app expired or was canceled before its first code.',
      'The second factor was already removed.',
      'A passkey is to be asked for at every sign-in, but the account has no passkey.',
      'Recovery codes were requested for an account without a second factor.',
    ],
    person: 'Reload the page that lists your second factors, and start the setup again if you need one.',
    developer:
      'Start with `POST /me/second-factor/totp` and confirm its first code in time. Read `GET /me/second-factor` to see what the account has.',
  },
  passkey_rejected: {
    happened: 'The response of the passkey could not be verified, so nobody was signed in.',
    causes: [
      'The passkey was removed from the account, but the device still offers it.',
      'The device did not verify the person with a PIN, a fingerprint or a face.',
      'The response was created for another origin, or inside a frame of another site.',
      'The signature counter went back, as it does on a copied security key.',
    ],
    person: 'Try again. If it fails again, use another sign-in method and register the passkey again.',
    developer:
      'Pass `options` unchanged to `navigator.credentials.get`, on the origin of `PUBLIC_URL` or one of `PASSKEY_ORIGINS`. Request new options for each attempt.',
  },
  passkey_not_added: {
    happened: 'The new passkey could not be verified or stored. The account has the same passkeys as before.',
    causes: [
      'The passkey is already registered here, perhaps for another account.',
      'The account has 50 passkeys.',
      'The device did not verify the person, or the response was created on another origin or in a frame.',
    ],
    person: 'Use another device or security key, or remove a passkey that you no longer use, and try again.',
    developer:
      'Pass `excludeCredentials` of the options on unchanged, so that the device does not offer a registered passkey. Request new options for each attempt.',
  },
  passkey_origins_not_configured: {
    happened: 'The document that connects apps or sites with this host has no entry, so it is not served.',
    causes: [
      '`PASSKEY_ORIGINS` is not set.',
      '`PASSKEY_ORIGINS` names only other kinds: for example web origins, while an Android app reads `assetlinks.json`.',
    ],
    person: 'You need do nothing: this document is for apps. You can sign in on the website.',
    developer:
      'Add the app to `PASSKEY_ORIGINS`: `android:apk-key-hash:…@package` for Android, `TEAM.bundle` for Apple, `https://…` for another site. Then restart the service.',
  },
  passkey_not_found: {
    happened: 'The account of the caller has no passkey with this ID.',
    causes: [
      'The passkey was removed in another tab or on another device.',
      'The ID is that of the credential. The ID of the list begins with `psk_`.',
      'The passkey belongs to another account.',
    ],
    person: 'Reload the page. If the passkey is no longer listed, there is nothing left to do.',
    developer: 'Take the ID from `GET /me/passkeys`. After a removal, treat the 404 as success.',
  },
  ticket_invalid: {
    happened: 'The link, the code or the ticket cannot be used: it is unknown here, was used, or has expired.',
    causes: [
      'The link was opened twice, or a newer link replaced it.',
      'It expired. A sign-in link is valid for ten minutes, a link to reset the password for 30 minutes.',
      'A link to change an email address is valid for an hour, a link to verify one for a day.',
      'A code from an email message was entered in another browser or app than the one that requested it.',
      'A wrong code was entered five times.',
      'The person is signed in to another account than the one the link is for.',
    ],
    person: 'Request a new message and use its newest link or code, in the browser where you requested it.',
    developer:
      'Do not open links automatically, and send each ticket once. For passkeys, request new options; for a second factor, start the sign-in again.',
  },
  mail_not_configured: {
    happened: 'The request needs an email message, and this service has no mail server.',
    causes: ['`SMTP_URL` is not set. The service says so in its log at startup.'],
    person:
      'Sign in with your password, a passkey or a provider. If you cannot, ask the operator of the service for help.',
    developer:
      'Set `SMTP_URL` and `MAIL_FROM`, restart, and check with `npm start -- doctor`. Hide the options that need email while it is not set.',
  },
  email_unverified: {
    happened: 'The email address of the account has not been verified, and this action requires a verified one.',
    causes: [
      '`REQUIRE_VERIFIED_EMAIL` is on, and the person has not opened the link since signing up.',
      'The message landed in the spam folder, or the address is misspelled.',
      'An account without a verified email address wants to invite someone to a team.',
      'Another account already has a password with the same email address, and neither has verified it.',
    ],
    person: 'Open the link in our message. If there is none, look in the spam folder or request a new one.',
    developer:
      'After a correct password, the service sends a new message. Let the person enter the password on the page of its link, or send the `ticket` of the link as `email_ticket` to `POST /auth/token`.',
  },
  sign_in_overtaken: {
    happened: 'The sign-in was valid when it began, but what it was based on changed before it ended.',
    causes: [
      'The password was changed, or the passkey removed, on another device at the same moment.',
      'The same second factor ticket was completed twice, for example by a double click.',
      'The provider was disabled while the sign-in waited for the second factor.',
    ],
    person: 'Sign in again with your current password, passkey or a new link.',
    developer:
      'Start the sign-in from the beginning: no ticket of it can be used again. Disable the button after the first click.',
  },
  too_many_attempts: {
    happened:
      'Too many wrong passwords or codes were entered. Until the wait is over, even the right one is not checked.',
    causes: [
      'More than five wrong attempts for one account or email address. The wait starts at one second and doubles to 15 minutes.',
      'More than 250 wrong attempts from one network, for example a script that guesses.',
      'A client repeats a wrong password automatically.',
      'A back end sends a wrong secret of a service credential again and again.',
    ],
    person:
      'Wait as long as the message says, or sign in with a provider, a passkey or a link by email: these never wait.',
    developer:
      'Wait for `Retry-After` and let the person enter the password again. Retrying with a stored password makes the wait longer. `RATE_LIMITS=off` does not turn this limit off.',
  },
  insufficient_scope: {
    happened:
      'The caller is known, but lacks the permission that the route requires. It is named in `scope` of `WWW-Authenticate`.',
    causes: [
      'The account has not the role that includes the permission.',
      'The role was given after the sign-in, and the client still uses an older token.',
      'The service credential was created without this permission.',
    ],
    person: 'Ask an administrator for the role that you need, then sign in again.',
    developer:
      'Compare the scopes of the token with those of the route in the API reference. Create a service credential with the right permission: it cannot be added later.',
  },
  invalid_client: {
    happened: 'A back end did not prove which service credential it has, or an application which application it is.',
    causes: [
      'The ID or the secret is missing, wrong, or mixed up between environments.',
      'The secret was rotated, and the time in which the previous one is accepted is over.',
      'The credential was revoked, or the application was disabled or deleted.',
      'The application authenticates in another way than its `client_auth`, for example with the secret in the form.',
      'The request has no `Authorization` header, or a proxy removes it.',
    ],
    person: 'This is a request between programs. Report it to the operator of the application that you use.',
    developer:
      'Send ID and secret with HTTP Basic, or as the bearer token `<id>.<secret>`. An application authenticates as it is registered. The event `service_credential.refused` names the credential, and `application.refused` the application, if the ID is known. After a few wrong attempts, the response to the network is 429.',
  },

  // Administration
  account_not_found: {
    happened: 'No account has the ID in the URL.',
    causes: [
      'The account was deleted by its person or by an administrator.',
      'The ID is incomplete, or is from another installation.',
    ],
    person: 'Search for the account by name or email address in the list of accounts.',
    developer: 'Use the ID of `GET /users`: it begins with `usr_`. The audit log keeps `account.deleted` for the ID.',
  },
  last_administrator: {
    happened: 'The change would have left the service without an active administrator, so nothing was changed.',
    causes: [
      'The only administrator was to be deleted, disabled or given another role.',
      'The other administrators are disabled, and disabled accounts do not count.',
    ],
    person: 'Make another account an administrator first, then repeat the change.',
    developer:
      'Send `PUT /users/:id` with `"role": "administrator"` for another account. On the server, `npm start -- make-admin` does the same.',
  },
  own_role: {
    happened: 'An administrator tried to change the role of their own account. The role stays as it is.',
    causes: ['The form or the request was for the own account.', 'An administrator wants to give up the role.'],
    person: 'Ask another administrator to change your role.',
    developer: 'Compare the ID with that of `GET /me`, and do not offer the role of the own account.',
  },
  own_second_factor: {
    happened: 'An administrator tried to remove their own second factor with the function for other accounts.',
    causes: ['The own account was opened in the administration pages.', 'The administrator lost the device.'],
    person: 'Remove the second factor on your own account page. If you lost the device, ask another administrator.',
    developer:
      'For the own account, use `DELETE /me/second-factor/totp` or `DELETE /me/second-factor`, which ask for a recent sign-in.',
  },
  address_needed: {
    happened: 'The action needs an active account with a verified email address.',
    causes: [
      'A link to reset the password was to be sent to an account whose email address is missing or not verified.',
      'The account is disabled, so no link is sent to it.',
      'An account without a verified email address was to become an administrator.',
    ],
    person: 'Ask the person to verify the email address on their account page, then try again.',
    developer: 'Read `email_verified` and `disabled_at` of `GET /users/:id` before you offer the action.',
  },
  email_taken: {
    happened: 'A person was to be added with an email address that another account has.',
    causes: [
      'An account has verified this email address.',
      'The person is invited already and has not accepted yet.',
      'Another administrator added the person at the same time.',
    ],
    person: 'Search the list of accounts for the email address. Send the invitation again if it is still open.',
    developer:
      'Search with `GET /users` and `search` before you add a person. An unverified claim of an account that someone registered does not cause this error.',
  },
  not_invited: {
    happened: 'An invitation was to be sent again or withdrawn, but the account has no open invitation.',
    causes: [
      'The person has accepted: the email address is verified now.',
      'The person created the account without an invitation.',
      'The account is disabled, so no invitation is sent to it.',
    ],
    person:
      'Reload the page of the account. Use “Delete” for an account that its person uses, and “Send a password reset” to help them sign in.',
    developer: 'Read `invited_at` of `GET /users/:id`: it is null once the person has accepted.',
  },
  service_credential_not_found: {
    happened: 'No active service credential has the ID in the URL.',
    causes: [
      'The credential was revoked: a revoked one cannot be rotated or revoked again.',
      'The ID is from another installation.',
    ],
    person: 'Reload the list of service credentials. Create a new one if the program still needs access.',
    developer:
      'Use the ID of `GET /service-credentials`. Automation that rotates secrets should stop at this error and report it.',
  },
  provider_not_editable: {
    happened: 'The provider is configured in the environment of the service, so it cannot be changed at run time.',
    causes: ['The provider was set up with environment variables, such as `GOOGLE_CLIENT_ID`.'],
    person: 'Ask the operator of the service to change the environment variables of the provider.',
    developer:
      'Check `source` in `GET /providers` first: only providers with `database` can be changed. To manage a provider here instead, remove its variables, restart, and add it with `POST /providers`.',
  },
  provider_exists: {
    happened: 'A provider has this ID already, in the environment or among those added at run time.',
    causes: [
      'The provider was added before.',
      'The environment configures a provider with this ID.',
      'A deleted provider with this ID is still revoking grants.',
    ],
    person: 'Choose another ID, or edit the existing provider.',
    developer:
      'To change it, use `PATCH /providers/:id`. The ID of a deleted provider is free once its last grant is revoked.',
  },
  provider_changed: {
    happened:
      'The `revision` of the request is not the current one, or the draft was replaced while it was being made live. Nothing was changed.',
    causes: ['Another administrator saved a change.', 'The page was open for a long time.'],
    person: 'Reload the page, compare, and make your change again.',
    developer:
      'Read the provider again, merge, and send the new `revision`. Without a `revision`, a change applies to whatever is stored.',
  },
  provider_secret_required: {
    happened:
      'An issuer or endpoint was changed without the client secret. A stored secret is never sent to a new address.',
    causes: ['The issuer or an endpoint changed, and the secret field was left empty.'],
    person: 'Copy the client secret from the console of the provider and save again.',
    developer:
      'Send all secret settings of the provider in the same `PATCH`. Otherwise, an administrator could read a stored secret by pointing an endpoint at their own server.',
  },
  provider_not_tried: {
    happened: 'A draft becomes live only after its author has signed in with it. Nothing was changed.',
    causes: ['The draft was saved and not tried.', 'The draft was changed after it was tried.'],
    person: 'Choose “Try it” on the page of the provider and sign in with your own account there.',
    developer:
      'Start with `POST /providers/:id/try`. Automation that cannot sign in sends `force: true`, which the audit log records.',
  },
  provider_discovery_failed: {
    happened:
      'The service requested the discovery document of the issuer and got no valid one. Sign-ins could not work, so the draft was not made live.',
    causes: [
      'The issuer has a typing error or a missing trailing slash.',
      'The provider is down, or a firewall blocks the request.',
      'The document names another issuer.',
    ],
    person: 'Check the issuer in the console of the provider, then run the check on the page of the provider.',
    developer: '`POST /providers/:id/check` reports what failed. `force` does not skip this check.',
  },
  provider_version_not_found: {
    happened:
      'The version does not exist. The service keeps the live version, the draft and the newest former versions.',
    causes: ['The version is older than the kept ones.', 'It was a draft that was replaced before it became live.'],
    person: 'Reload the history and choose one of the versions there.',
    developer: 'Use a `version` of `GET /providers/:id/versions`.',
  },
  provider_trial_not_found: {
    happened: 'There is no result of your own trial of this draft.',
    causes: [
      'The draft was changed after the trial.',
      'The result is older than an hour.',
      'Another administrator tried it: each sees only their own result.',
    ],
    person: 'Try the draft again.',
    developer:
      'Start with `POST /providers/:id/try`, send the person to `authorize_url`, and read the result afterwards.',
  },
  too_many_providers: {
    happened: 'The service has 100 providers that were added at run time, which is the limit, so none was added.',
    causes: ['Automation adds a provider for each customer or each deployment.'],
    person: 'Delete providers that are no longer used. Disabled ones count, too.',
    developer: 'Use one provider with `TENANTS` for many tenants of one issuer. Delete with `DELETE /providers/:id`.',
  },

  // Applications that sign people in
  application_not_found: {
    happened: 'No registered application has the ID in the URL.',
    causes: ['The application was deleted.', 'The ID is from another installation.'],
    person: 'Reload the list of applications.',
    developer:
      'Use the ID of `GET /applications`. A client whose application was deleted gets `invalid_client` at the token endpoint.',
  },
  application_has_no_secret: {
    happened: 'A secret was requested for an application that authenticates without one.',
    causes: [
      'The application is of the kind `browser` or `native`: its code is readable by its users, so a secret in it would be public.',
    ],
    person: 'Create a server application if the program runs on a server.',
    developer:
      'Applications without a secret use PKCE. Read `client_auth` of the application before you offer to rotate a secret.',
  },
  too_many_applications: {
    happened: 'The service has 500 applications, which is the limit, so none was created.',
    causes: ['Automation creates an application for each deployment and never deletes it.'],
    person: 'Delete applications that are no longer used, then try again.',
    developer:
      'Register one application for all deployments of a program, with several redirect URIs. `last_used_at` shows which applications are unused.',
  },
  registration_not_offered: {
    happened: 'A program called `/oauth/register`, and this service does not let applications register themselves.',
    causes: ['`APPLICATIONS_REGISTRATION` is `off`, which is the default.'],
    person: 'Ask an administrator to register the application.',
    developer:
      'Read `registration_endpoint` in the metadata before you register: it is absent here. An operator can set `APPLICATIONS_REGISTRATION` to `token` or `open`.',
  },
  registration_token_invalid: {
    happened: 'The request at `/oauth/register` had no token that allows it, and nothing was changed.',
    causes: [
      'There is no `Authorization: Bearer` header, and anonymous registration is not allowed.',
      'The initial access token has expired, was revoked, or has no use left.',
      'The `registration_access_token` belongs to another application, or its application was deleted or disabled.',
    ],
    person: 'Ask an administrator for an initial access token.',
    developer:
      'Send the initial access token to `/oauth/register`, and the `registration_access_token` to `registration_client_uri`. A wrong ID and a wrong token get the same response.',
  },
  redirect_uri_invalid: {
    happened: 'A redirect URI in the metadata of an application was refused, and nothing was registered.',
    causes: [
      'It has a wildcard, a fragment or a user name.',
      'It uses plain `http` on a host that is not a loopback address.',
      'It has a private scheme, and the application is not native, or the scheme has no domain in it.',
      'It has a scheme that a browser runs itself, such as `javascript:`.',
    ],
    person: 'Report it to the developer of the application.',
    developer: 'Read `errors`: it names each URI and the reason. Send `application_type: native` for a private scheme.',
  },
  client_metadata_invalid: {
    happened: 'A member of the metadata of an application was refused, and nothing was registered.',
    causes: [
      'The member has the wrong type, or is too long.',
      '`grant_types` lacks `authorization_code`, or `response_types` lacks `code`.',
      'A request that replaces a registration names another `client_id`, or would change the kind of application.',
      'A key in `jwks` is private, symmetric or too short.',
    ],
    person: 'Report to the developer of the application which member was refused.',
    developer: 'Read `errors`: it names each member and the reason. Members that are not known are ignored.',
  },
  registration_token_not_found: {
    happened: 'No initial access token has the ID in the URL.',
    causes: ['It was revoked.', 'It expired more than a day ago, and was deleted.'],
    person: 'Reload the list.',
    developer: 'Use the ID from `GET /registration-tokens`, never the text of the token.',
  },
  too_many_registration_tokens: {
    happened: 'The service has 100 initial access tokens, which is the limit, so none was created.',
    causes: ['Automation creates a token for each run and never uses it.'],
    person: 'Revoke tokens that are no longer needed, then try again.',
    developer: 'Create one token with several uses. Expired ones are deleted after a day.',
  },
  application_not_allowed: {
    happened: 'The access token was issued to an application, and the route is only for the person.',
    causes: [
      'An application called a route other than `GET /me` and `/oauth/userinfo` with its token.',
      'The token lacks a scope that the route asks of applications.',
    ],
    person: 'Do this on the pages of this service.',
    developer:
      'An application reads `/oauth/userinfo` and `GET /me`. For your own API, register a resource and request a token for it.',
  },
  authorization_request_invalid: {
    happened:
      'The request at `/oauth/authorize` was refused, and the browser could not be sent back to the application safely.',
    causes: [
      '`invalid_redirect_uri`: the redirect URI is not registered exactly as it was sent, character by character.',
      '`invalid_client`: no application has this `client_id`.',
      '`invalid_request`: a parameter is missing, repeated or malformed.',
    ],
    person:
      'Go back to the application and try again. If it happens again, report it to the operator of the application.',
    developer:
      'Compare the request with the registration of the application. Errors that can be returned safely arrive at the redirect URI as `error`.',
  },
  authorization_request_expired: {
    happened: 'The page belongs to an application request that no longer exists, or to another browser.',
    causes: [
      'The request is older than an hour.',
      'It was answered already, for instance in another tab.',
      'The page was opened in another browser than the one the application used.',
    ],
    person: 'Go back to the application and sign in again.',
    developer: 'Start a new authorization request. A request is bound to the browser that sent it.',
  },
  grant_invalid: {
    happened: 'The token endpoint refused the code or the refresh token.',
    causes: [
      'The code is older than a minute or was already used.',
      'The person signed out, or the session ended for another reason.',
      'An old refresh token was used again outside its windows, so the sign-ins of the application on that device have ended.',
      'The `redirect_uri` or `code_verifier` differs from the authorization request.',
    ],
    person: 'Sign in to the application again.',
    developer:
      'Start a new authorization request. Store the new refresh token of each response. The audit log shows why a session ended.',
  },
  client_not_allowed: {
    happened: 'The application asked for tokens with a `grant_type` that applications of its kind may not use.',
    causes: [
      'An application that signs people in used `client_credentials`.',
      'A browser, server or machine application used the device flow.',
    ],
    person: 'Report to the operator of the application that it may not use this grant.',
    developer: 'Register a separate application of the kind `machine` for calls without a person.',
  },
  device_pending: {
    happened: 'The device asked for tokens before the person allowed or refused the sign-in.',
    causes: ['The person is still signing in.', 'The person has closed the page.'],
    person: 'Open the address that the device shows, and type its code.',
    developer: 'Keep asking at the interval until the code expires.',
  },
  device_too_soon: {
    happened: 'The device asked for tokens again before the interval was over.',
    causes: ['The device ignores `interval`.', 'Several programs use the same device code.'],
    person: 'Nothing: the device asks again by itself.',
    developer: 'Add five seconds to the interval each time (RFC 8628).',
  },
  device_refused: {
    happened: 'The person who typed the code of the device did not allow the sign-in.',
    causes: ['The person did not start the sign-in.', 'The person does not know the application.'],
    person: 'Start again on the device if you want to sign in.',
    developer: 'Tell the person that the sign-in was refused, and stop asking.',
  },
  device_code_expired: {
    happened: 'The code of the device expired before the person entered it.',
    causes: ['A code is valid for ten minutes.'],
    person: 'Start again on the device.',
    developer: 'Request a new code at the device endpoint when the person asks for it.',
  },
  dpop_proof_invalid: {
    happened: 'The token request has no valid proof of the key that its tokens are bound to (RFC 9449).',
    causes: [
      'The proof was sent before: each `jti` is accepted once.',
      'The clock of the application is more than five minutes off.',
      '`htm` or `htu` names another request.',
      'The application must use DPoP, or the refresh token is bound to another key.',
    ],
    person: 'Report to the operator that the proof of the application was refused.',
    developer: 'Sign a new proof for each request, with the same key. Algorithms: `dpop_signing_alg_values_supported`.',
  },
  dpop_proof_required: {
    happened: 'An access token that is bound to a key was sent without a valid proof of that key (RFC 9449).',
    causes: [
      'The token was sent with `Bearer` instead of `DPoP`.',
      'The proof lacks `ath`, was sent before, or is for another URL or method.',
    ],
    person: 'Report to the operator that the application did not prove its key.',
    developer: 'Send `Authorization: DPoP` and the header `DPoP` with a new proof that contains `ath`.',
  },
  dpop_nonce_invalid: {
    happened:
      'The operator demands a nonce of this service in each DPoP proof, and this proof has none that is valid now.',
    causes: [
      'It is the first request: the nonce comes with this response.',
      'The nonce is older than a few minutes, or is from another server.',
    ],
    person: 'Nothing to do: the application repeats its token request by itself.',
    developer:
      'Put the value of the header `DPoP-Nonce` into the claim `nonce` of a new proof, and repeat the request. Keep the latest value for the next proof. Libraries such as `openid-client` do this.',
  },
  dpop_nonce_required: {
    happened:
      'The access token is valid, but its DPoP proof has no nonce that is valid now. The operator demands one (RFC 9449 §9).',
    causes: ['It is the first request with this token.', 'The nonce is older than a few minutes.'],
    person: 'Nothing to do: the application repeats the request by itself.',
    developer:
      'Put the value of the header `DPoP-Nonce` into the claim `nonce` of a new proof, and repeat the request with the same token.',
  },
  request_object_invalid: {
    happened: 'The parameter `request` is not a request object that this application signed (RFC 9101).',
    causes: [
      'The signature cannot be verified with the registered keys.',
      'The algorithm is `none` or symmetric.',
      '`iss` is not the application ID, `aud` is not the issuer, or the request object has expired.',
    ],
    person: 'Report to the operator that the signed request was refused.',
    developer: 'Compare the keys in `jwks` or `jwks_uri` with the key that signs. Check `iss`, `aud` and `exp`.',
  },
  scope_invalid: {
    happened: 'The request names a scope that the application or this sign-in does not have.',
    causes: ['The scope is not registered for the application.', 'A refresh asked for more than the sign-in granted.'],
    person: 'Report the error to the operator of the application.',
    developer: 'Register the scope, or ask for less. The scopes of a resource need `resource` in the request.',
  },
  resource_invalid: {
    happened:
      'The request names a resource (RFC 8707) that the application or this sign-in does not have, or it must name one of several.',
    causes: [
      'The resource is not registered for the application.',
      'The sign-in was for several resources, and the token request names none.',
    ],
    person: 'Tell the operator of the application which page you were on.',
    developer:
      'Register the resource, send it with the authorization request, and name exactly one in each token request.',
  },
  response_type_unsupported: {
    happened: 'The pushed authorization request names another `response_type` than `code`.',
    causes: ['The client library is set to the implicit or hybrid flow, which RFC 9700 advises against.'],
    person: 'Tell the operator of the application that it cannot start a sign-in.',
    developer: 'Set the client library to the authorization code flow with PKCE: `response_type=code`.',
  },

  // Sign-in with a provider
  provider_not_found: {
    happened: 'The URL names a provider that this service does not offer.',
    causes: [
      'The provider is not in `OAUTH_ENABLED_PROVIDERS`, or its client ID and secret are not set.',
      'The ID is misspelled: IDs are lowercase, such as `google`.',
      'The operator removed the provider, and a bookmark or an account still refers to it.',
    ],
    person: 'Open the sign-in page and choose one of the providers that it shows.',
    developer:
      'Read the offered providers from `GET /auth/providers`. `npm start -- doctor` reports providers that are not complete.',
  },
  provider_unavailable: {
    happened: 'The provider did not respond in time, or responded with a server error. The request can be repeated.',
    causes: [
      'The provider has an outage. After several failures, a circuit breaker stops further calls for a while.',
      'The server cannot reach the provider: firewall, DNS or `HTTPS_PROXY`.',
      'The deadline in `OAUTH_HTTP_TIMEOUT_MS` is too short for the provider.',
      'The provider returned `temporarily_unavailable` or `server_error` to the callback.',
      'An identity is linked through an issuer that the provider no longer has here.',
    ],
    person: 'Wait a moment and try again. You can sign in with another sign-in method in the meantime.',
    developer:
      'Wait for `Retry-After`, then repeat the request once. `GET /health/providers` shows the circuit breakers, and `provider.call_failed` the reason.',
  },
  access_denied: {
    happened: 'The person, or the organization behind the account, did not give consent at the provider.',
    causes: [
      'The person chose "Cancel" on the page of the provider.',
      'An administrator of the organization must approve the app first.',
      'The requested permissions seemed too many.',
    ],
    person: 'Start again and accept at the provider, or use another sign-in method.',
    developer:
      'Treat it as a choice, not as a failure: return to the sign-in page. Ask for few scopes at sign-in and for more when they are needed.',
  },
  invalid_state: {
    happened: 'The callback has no `state` that this service issued, so it belongs to no sign-in.',
    causes: [
      'The callback URL was opened directly, from a bookmark or the history.',
      'The sign-in is so old that it was already erased.',
      'An app sends another `state` than the one in its redirect, or none.',
      'Someone else created the link, to sign visitors in to an account of their choice.',
    ],
    person: 'Open the sign-in page and start again. Do not use a saved link to the middle of a sign-in.',
    developer:
      'Send `state` exactly as the redirect URI received it. Proxies must not change the query of the callback.',
  },
  state_expired: {
    happened: 'The person returned from the provider after the sign-in had expired.',
    causes: [
      'The sign-in took longer than `OAUTH_STATE_TTL_SECONDS`: five minutes by default.',
      'The page of the provider stayed open in a tab.',
      'Creating an account or a second factor at the provider took long.',
    ],
    person: 'Start the sign-in again. It is quicker now, because you are signed in at the provider.',
    developer:
      'Start a new sign-in: the `code` was not used. If people need more time, raise `OAUTH_STATE_TTL_SECONDS`.',
  },
  state_already_used: {
    happened: 'This sign-in has already been completed or ended with an error. Each one can be used once.',
    causes: [
      'The callback page was reloaded, or opened again with the back button.',
      'The app sent the callback twice, for example after a timeout.',
      'A browser extension or a security scanner opened the URL first.',
    ],
    person: 'You may be signed in already: open your account page. Otherwise, start again.',
    developer: 'Send the callback once, without automatic retries. If its response was lost, start a new sign-in.',
  },
  flow_mismatch: {
    happened:
      'The sign-in exists, but it does not belong to the browser, account or purpose that returned. No code was used.',
    causes: [
      'The person started in one browser and returned in another, or the cookies were deleted.',
      'The service was opened at another host than that of `PUBLIC_URL`, so the cookie was not sent.',
      'While linking, the person signed out or signed in to another account.',
      'An app sent the `flow_token` of another attempt, or no access token to finish a linking.',
      'The `iss` of the callback names another provider, or the provider was reconfigured during the sign-in.',
    ],
    person: 'Start again here, in one browser window, and finish there.',
    developer:
      'Keep `flow_token` with its `state`, and send the same access token to the callback that started the linking. Check that the proxy passes cookies on.',
  },
  token_exchange_failed: {
    happened: 'The provider refused to exchange the code for tokens, or its id_token could not be verified.',
    causes: [
      'The client secret is wrong or expired: `provider.call_refused` shows `invalid_client`, at GitHub `incorrect_client_credentials`, at Atlassian `access_denied`.',
      'The code expired or was used before: `invalid_grant`.',
      'The redirect URI at the provider differs from the one here.',
      'The id_token has a wrong issuer, audience, nonce, signature or time: `provider.call_failed` names the check.',
      'For Jira: the provider returned no refresh token.',
    ],
    person: 'Start again. If it happens again, tell the operator of the service which provider you used.',
    developer:
      'Look for `provider.call_refused` or `provider.call_failed` of the provider at the same time; these lines have no request ID. Run `npm start -- doctor`, which checks client ID and secret.',
  },
  user_info_fetch_failed: {
    happened: 'The provider issued tokens, but did not return a usable profile.',
    causes: [
      'The app at the provider lacks the scope or the permission to read the profile.',
      'The profile has no ID, or is not the JSON that the adapter expects.',
      'The profile belongs to another subject than the id_token.',
      'A generic provider has a wrong userinfo endpoint.',
    ],
    person: 'Try again. If it happens again, use another sign-in method and tell the operator of the service.',
    developer:
      'Look for `provider.call_refused` or `provider.call_failed` with `endpoint_type` `userinfo`. Check the scopes of the provider and its userinfo URL.',
  },
  app_sign_in_not_configured: {
    happened: 'An app sent an ID token, but no client ID of an app is configured for this provider.',
    causes: [
      'The setting `<PROVIDER>_APP_CLIENT_IDS` is not set.',
      'The provider is of a kind without libraries for native apps, such as GitHub.',
      'The operator replaced the token endpoint, and there are no keys to verify signatures.',
    ],
    person: 'Sign in with a browser, or with another sign-in method.',
    developer:
      'Set `<PROVIDER>_APP_CLIENT_IDS` to the client IDs of your apps and restart, or let the app use `POST /auth/:provider/authorize`.',
  },
  id_token_rejected: {
    happened: 'An ID token from an app was not accepted. The member `reason` names the first check that failed.',
    causes: [
      '`aud` or `azp`: the client ID is not in `<PROVIDER>_APP_CLIENT_IDS`. On Android, list the client ID of the server and that of the app.',
      '`nonce`: the app sent another nonce than it gave to the library, or gave the library none.',
      '`age` or `exp`: the ID token was issued more than ten minutes ago. Libraries can return a cached one.',
      '`iat` or `nbf`: the ID token is from the future, so a clock is wrong.',
      '`iss`, `signature`, `unknown_key` or `alg`: the ID token is of another issuer, or was changed.',
    ],
    person: 'Start the sign-in in the app again. If it fails again, contact the developer of the app.',
    developer:
      'Request a new ID token with a new nonce for each sign-in, and send the raw nonce with it. Check the client IDs of the app.',
  },
  id_token_already_used: {
    happened: 'The ID token was valid, but a sign-in with it had already been accepted. Each one is accepted once.',
    causes: [
      'The app sent the request again, for example after a timeout.',
      'The library returned a cached ID token.',
      'Someone copied the ID token and used it first.',
    ],
    person: 'Start the sign-in in the app again.',
    developer: 'Request a new ID token with a new nonce for each sign-in. Do not repeat the request automatically.',
  },
  account_linking_failed: {
    happened: 'The account or the identity changed while the provider was asked, so nothing was linked.',
    causes: [
      'The account was deleted, or the identity unlinked, in another tab.',
      'Several sign-ins of the same new person ended at the same time.',
      'The person signed out of the session that started the linking.',
    ],
    person: 'Try again from your account page, in one tab.',
    developer:
      'Start a new sign-in or linking: the old one cannot be used again. Do not start several in parallel for one person.',
  },
  identity_already_linked: {
    happened: 'The identity at the provider is linked to another account here. An identity belongs to one account.',
    causes: [
      'The person has two accounts here, and signed in with this provider before.',
      'The person is signed in at the provider with an account that someone else uses here.',
    ],
    person:
      'Sign in with this provider. On the account page that opens, unlink it or continue with that account. Then link it to the other one.',
    developer:
      'Show both options: continue with the other account, or unlink there first. The service does not merge accounts.',
  },
  another_identity: {
    happened: 'More permissions were requested for one identity, and the person returned with another one.',
    causes: [
      'The person is signed in at the provider with several accounts and chose another one.',
      'The browser shares its provider session with someone else.',
    ],
    person: 'Start again, and choose the same account at the provider that your account page shows.',
    developer: 'Show the name and the email address of the identity before you send the person to the provider.',
  },
  account_conflict: {
    happened: 'Another account has the same email address, and nothing proves yet that both belong to one person.',
    causes: [
      'The person already has an account, created with a password or another provider.',
      'The provider does not verify email addresses, or `<PROVIDER>_EMAIL_TRUST` is `never`.',
      'The existing account has not verified its email address.',
      'The existing account is that of an administrator: those are never linked automatically.',
    ],
    person:
      'If the account is yours, sign in to it to link the provider. If it is not, continue with a separate account.',
    developer:
      'Read the question with `GET /auth/conflicts/<ticket>` and answer it with `POST`. The `conflict_ticket` is valid for ten minutes. In a browser, the service shows a page.',
  },
  conflict_not_found: {
    happened: 'The question whose account it is cannot be answered any more, or not from here.',
    causes: [
      'The question is older than ten minutes, or was already answered.',
      'It was opened in another browser: it is bound to the cookie or `flow_token` of the sign-in.',
      'The person followed the link of an email message in another browser.',
    ],
    person: 'Go back to the browser where you started. If the question is gone, sign in again.',
    developer:
      'Send the `flow_token` of the sign-in that caused the question, in the header `Flow-Token` or in the body.',
  },
  proof_required: {
    happened: 'Linking to the existing account needs a recent sign-in to that account, and there was none.',
    causes: [
      'The request has no access token, or one of another account.',
      'The sign-in is older than `RECENT_AUTH_SECONDS`: ten minutes by default.',
      'The existing account no longer has the email address of the question.',
    ],
    person: 'Sign in to the existing account with one of its methods, then choose to link.',
    developer:
      'Offer the `methods` of `GET /auth/conflicts/<ticket>`. After the sign-in, send `{"action": "link"}` again with the new access token and the first `flow_token`.',
  },
  user_creation_disabled: {
    happened: 'The sign-in would have created an account, and this service does not create accounts by itself.',
    causes: [
      '`OAUTH_AUTO_REGISTER_NEW_USERS` is `false`.',
      'The person has an account here, but signed in with a provider that is not linked to it.',
    ],
    person:
      'If you have an account, sign in as before and link the provider on your account page. Otherwise, ask an administrator.',
    developer: 'Hide sign-up. To open it again, set `OAUTH_AUTO_REGISTER_NEW_USERS=true` and restart the service.',
  },
  sign_in_restricted: {
    happened: 'The account at the provider is not among those that the operator allows.',
    causes: [
      'The person chose a private account instead of the one of the organization.',
      'The domain of the account is not in `GOOGLE_HOSTED_DOMAINS` or `<PROVIDER>_EMAIL_DOMAINS`.',
      'The person is not an active member of any organization in `GITHUB_ORGANIZATIONS`.',
      'The tenant of the account is not among those of the provider.',
    ],
    person: 'Start again and choose your work account at the provider, or ask an administrator for access.',
    developer: 'Compare the settings of the provider with the account. Nothing was created or linked.',
  },
  organization_access_needed: {
    happened: 'The provider does not say whether the person belongs to a permitted organization.',
    causes: [
      'An owner of the organization has not approved the app (third-party access).',
      'The organization requires a SAML session, and the person has none.',
      'A GitHub App is not installed in the organization, or lacks "Members: read".',
      'The person did not grant the scope that shows memberships.',
    ],
    person:
      'Start again and grant access to your organization. If it is not offered, ask an owner of the organization to approve the app.',
    developer:
      'Look for `provider.call_refused` or `provider.call_failed` with the reason, such as `app_not_approved_by_organization` or `organization_requires_saml`.',
  },
  user_disabled: {
    happened: 'An administrator disabled the account. Its sessions ended, and no sign-in is accepted.',
    causes: ['The person left the organization.', 'The account was disabled after a suspected misuse.'],
    person: 'Ask an administrator of the service to enable your account.',
    developer:
      'End the local session and do not retry. The audit log says in `account.disabled` who did it. `POST /users/:id/enable` enables the account.',
  },
  too_many_identities: {
    happened: 'The account has 20 linked identities, which is the limit, so no other one was linked.',
    causes: [
      'Many accounts at one provider were linked to one account here.',
      'A test links a new identity in every run and never unlinks it.',
    ],
    person: 'Unlink a sign-in method that you no longer use on your account page, then try again.',
    developer:
      'List them with `GET /me/identities`, and remove one with `DELETE /me/identities/:id`. The limit is not a setting.',
  },
  too_many_service_credentials: {
    happened: 'The service has 500 active service credentials, which is the limit, so none was created.',
    causes: [
      'Automation creates a credential for each deployment and never revokes it.',
      'Old credentials of retired programs were kept.',
    ],
    person: 'Revoke credentials that are no longer used: the list shows when each was last used.',
    developer:
      'Rotate one credential per program instead of creating new ones. Revoke with `DELETE /service-credentials/:id`.',
  },
  return_to_not_allowed: {
    happened: 'The URL to return to after the sign-in is not allowed, so nobody is sent there.',
    causes: [
      'The URL is not in `RETURN_TO_ALLOWED`: origin and path must match, with scheme and port.',
      'The application moved to another host or path.',
      'The operator removed the URL while a sign-in was in progress.',
      'A link was forged to lead people to another site.',
    ],
    person: 'Go back to the application and start there. If it happens again, tell the operator of the application.',
    developer:
      'Add the exact URL to `RETURN_TO_ALLOWED` and restart. Paths below it are allowed too; paths of this service always are.',
  },
  redirect_uri_key_not_found: {
    happened: 'The request names a redirect URI by a key that the provider does not have here.',
    causes: [
      'The key is missing in `<PROVIDER>_REDIRECT_URIS`.',
      'The request has the URI itself instead of its key.',
      'The key was added for another provider only.',
    ],
    person: 'Update the app and try again. If it happens again, tell its developer.',
    developer:
      'Add `key=uri` to `<PROVIDER>_REDIRECT_URIS`, and register the same URI at the provider. Without a key, `default` is used.',
  },

  // Tokens of this service
  token_expired: {
    happened: 'The token was valid, and its time is over.',
    causes: [
      'An access token is older than `ACCESS_TOKEN_TTL_SECONDS`: 30 minutes by default.',
      'A refresh token was not used for `REFRESH_TOKEN_TTL_SECONDS`: seven days by default.',
      'The clock of the server or of the database is ahead.',
    ],
    person: 'Reload the page. If the application asks you to, sign in again.',
    developer:
      'For an access token, refresh at `POST /auth/refresh` and repeat the request once. For a refresh token, let the person sign in again.',
  },
  token_invalid: {
    happened: 'The token could not be read or verified as one of this service.',
    causes: [
      'The token is cut off, has quotation marks around it, or is not a token of this service.',
      'It was issued by another environment: issuer, audience or keys differ.',
      'The key that signed it was removed, or `JWT_ISSUER` or `JWT_AUDIENCE` changed.',
    ],
    person: 'Sign in again.',
    developer:
      'Send `Authorization: Bearer <token>` with the token exactly as received. Compare its `iss` with `GET /.well-known/oauth-authorization-server`.',
  },
  token_wrong_type: {
    happened: 'The token is valid, but of the other kind: an access token and a refresh token were mixed up.',
    causes: [
      'A refresh token was sent to the API instead of the access token.',
      'An access token was sent to `POST /auth/refresh`.',
      'The client stored both under one name.',
    ],
    person: 'Sign in again. If it happens again, tell the developer of the app.',
    developer:
      'Send `access_token` to the API and `refresh_token` to `POST /auth/refresh`. The detail names the type that is expected.',
  },
  token_subject_missing: {
    happened: 'The signature of the token is valid, but the token names no account.',
    causes: [
      'The token was signed with the key of this service, but not by its token endpoint.',
      'A script of the operator builds tokens by itself.',
    ],
    person: 'Sign in again to receive a new token.',
    developer:
      'Obtain tokens only from `POST /auth/token` and `POST /auth/refresh`. If another program has the signing key, rotate the keys.',
  },
  user_not_found: {
    happened: 'The token or session belongs to an account that does not exist any more.',
    causes: [
      'The person deleted the account on another device.',
      'An administrator deleted the account.',
      'The database was restored from an older backup.',
    ],
    person: 'Create a new account if you want to use the service again.',
    developer: 'Delete the stored tokens and the local data of the account. Do not retry: the ID is never used again.',
  },
  session_revoked: {
    happened: 'The session of the token or cookie has ended, so the device is signed out.',
    causes: [
      'The person signed out, on this device or on all of them.',
      'The password or the email address changed, or a second factor was added or removed.',
      'An administrator or the operator ended the sessions.',
      'The sign-in method of the session was unlinked.',
      'More than 100 sessions were open, and the oldest one ended.',
    ],
    person: 'Sign in again. If you did not sign out yourself, look at the recent activity on your account page.',
    developer:
      'Delete the stored tokens and start a sign-in. The `reason` of `session.ended` in the audit log says why.',
  },
  session_expired: {
    happened: 'The session has reached the end of its time, so refreshing earlier would not have helped.',
    causes: [
      'It is older than `REFRESH_TOKEN_ABSOLUTE_TTL_SECONDS`: 90 days by default.',
      'The browser was not used for `REFRESH_TOKEN_TTL_SECONDS`: seven days by default.',
    ],
    person: 'Sign in again to start another session.',
    developer:
      'Delete the stored tokens and start a sign-in. `refresh_expires_in` says beforehand when a session ends.',
  },
  token_reused: {
    happened:
      'An older refresh token was used after a newer one. It may have been stolen, so the session of the device ended.',
    causes: [
      'Two processes or tabs of the client refresh with the same stored token.',
      'The client did not store the new refresh token before it used the new access token.',
      'A backup of the device was restored.',
      'Someone has a copy of the token.',
    ],
    person: 'Sign in again. If you do not recognize a device in your list, sign it out and change your password.',
    developer:
      'Refresh in one place, behind a lock, and store the new pair before you use it. Right after a refresh, the previous token still works for retries.',
  },
  code_invalid: {
    happened: 'The sign-in code of the redirect cannot be exchanged for tokens.',
    causes: [
      'The code is older than 60 seconds.',
      'It was already used, also with a wrong `code_verifier`. In that case the session ended.',
      'The `code_verifier` belongs to another attempt.',
      'The application is no longer in `RETURN_TO_ALLOWED`.',
    ],
    person: 'Start the sign-in again in the application.',
    developer:
      'Exchange the code once and at once, with the `code_verifier` of the same attempt. Keep the verifier per attempt, not per person.',
  },
  grant_type_unsupported: {
    happened: '`grant_type` at the token endpoint is none of the three that this service has.',
    causes: [
      'A library uses `client_credentials`. Back ends use a service credential directly instead.',
      'The value is misspelled, or the body was sent with the wrong content type.',
    ],
    person: 'Tell the developer of the application: only they can fix it.',
    developer: 'Send `password`, `authorization_code` or `refresh_token` to `POST /auth/token`.',
  },

  // Account and permissions
  authentication_required: {
    happened: 'The request has no credentials, and the route is only for people who are signed in.',
    causes: [
      'The `Authorization` header is missing or does not begin with `Bearer`, or a proxy removed it.',
      'The session cookie was not sent: the page was opened at another host, or over HTTP.',
      'At `POST /auth/refresh`: neither a refresh token nor a session was sent.',
    ],
    person: 'Sign in and try again.',
    developer: 'Send `Authorization: Bearer <access token>`. A page of this service redirects to `/login` instead.',
  },
  reauthentication_required: {
    happened: 'The action is sensitive and needs a sign-in that is only a few minutes old.',
    causes: [
      'The last sign-in is older than `RECENT_AUTH_SECONDS`: ten minutes by default. Refreshing tokens does not count.',
      'To ask for a passkey at every sign-in, the current session needs a sign-in with a second factor.',
    ],
    person: 'Sign in again, then repeat the action.',
    developer:
      'Let the person sign in and repeat the request with the new token. `max_age` in `WWW-Authenticate` says how recent the sign-in must be.',
  },
  csrf_failed: {
    happened:
      'The request used the session cookie, and it is not certain that the person meant it. Nothing was changed.',
    causes: [
      'The form was open for so long that the session changed, for example by a sign-in in another tab.',
      'A script of another origin sent the request with cookies.',
      'A proxy changes `Origin`, `Host` or `Cookie`, or the page was opened at another host than `PUBLIC_URL`.',
      'Another site sent the request on purpose (an attack).',
    ],
    person: 'Reload the page and send the form again.',
    developer:
      'From another origin, call the API with `Authorization: Bearer` and without cookies. A script of the same origin sends the token of the page in `X-CSRF-Token`.',
  },
  not_linked: {
    happened: 'The account of the caller has no sign-in method with this ID, or no password to remove.',
    causes: [
      'It was unlinked in another tab or on another device.',
      'The password was already removed.',
      'The ID belongs to another account.',
    ],
    person: 'Reload your account page. If the sign-in method is not listed, there is nothing left to do.',
    developer:
      'Use the ID of `GET /me/identities`: it begins with `idn_`. After an unlink request, treat the 404 as success.',
  },
  last_login_method: {
    happened: 'Without this sign-in method nobody could sign in to the account, so it stays.',
    causes: [
      'It is the only sign-in method of the account.',
      'The others cannot be used: their provider is disabled, or the password needs a verified email address. `usable` says which.',
    ],
    person: 'Add a password, a passkey or another provider first. To leave for good, delete the account.',
    developer:
      'Show `remaining_methods` with `usable`, and offer to add one. Links by email do not count as a sign-in method.',
  },
  session_not_found: {
    happened: 'The account of the caller has no active session with this ID.',
    causes: ['The device was already signed out, or its session expired.', 'The session belongs to another account.'],
    person: 'Reload the list of your devices. If the device is not listed, it is signed out.',
    developer: 'Use the ID of `GET /me/sessions`. After a request to end a session, treat the 404 as success.',
  },
  needs_reauthorization: {
    happened: 'The provider does not accept the stored consent any more. Only the person can give it again.',
    causes: [
      'The person removed the app in the settings of the provider, or changed the password there.',
      'The refresh token expired because it was not used for a long time.',
      'The operator moved to another client ID, so that the old consent does not count.',
      'For a team: the person who connected it left, or their account is disabled.',
    ],
    person:
      'Sign in with the provider again, or connect the team again. The person concerned also received an email message.',
    developer:
      'Stop requests for this person until they have consented again. If it happens to many at once, check the client ID and secret.',
  },
  not_connected: {
    happened: 'There is no consent of this person or team at the provider, so there is no token to lend.',
    causes: [
      'The person never signed in with the provider, or withdrew the consent.',
      'The account or team does not exist, or the account is disabled.',
      'The team has not chosen any Jira site.',
      'The provider is not offered here.',
    ],
    person: 'Link the provider on your account page, or ask an owner of the team to connect it.',
    developer: 'Check `user_id` or `team_id` and `provider`. Do not retry before the person has linked the provider.',
  },
  scopes_not_offered: {
    happened: 'A requested permission is not among those that the operator offers for the provider.',
    causes: [
      'The scope is not in `<PROVIDER>_OPTIONAL_SCOPES`.',
      'The scope is misspelled: scopes are compared exactly.',
      'The operator removed the scope while the person was at the provider.',
    ],
    person: 'Choose from the permissions that the page of the sign-in method shows.',
    developer:
      'Ask only for scopes in `<PROVIDER>_OPTIONAL_SCOPES`. To offer another one, add it there and restart the service.',
  },

  // Teams and Jira
  team_not_found: {
    happened: 'No team with this ID has the caller as a member. Other people cannot see whether a team exists.',
    causes: [
      'The team was deleted.',
      'The person left the team, or was removed from it.',
      'The person is signed in with another account.',
    ],
    person: 'Check which account you are signed in to, and ask an owner of the team to invite you.',
    developer: 'Use the IDs of `GET /teams`: each begins with `team_`.',
  },
  team_role_required: {
    happened: 'The person is a member of the team, but their role does not allow the action.',
    causes: [
      'A member tried something for owners and admins, such as inviting people or connecting Jira.',
      'An admin tried something for owners, such as deleting the team or changing an owner.',
      'The role was changed in the meantime.',
    ],
    person: 'Ask an owner or an admin of the team to do it, or to change your role.',
    developer: 'Read `role` of `GET /teams/:id`, and offer only what the role allows.',
  },
  member_not_found: {
    happened: 'The team has no member with this account ID.',
    causes: [
      'The person left, or another admin removed them.',
      'The account was deleted.',
      'The person was invited and has not accepted.',
    ],
    person: 'Reload the list of members.',
    developer: 'Use `user_id` of `GET /teams/:id/members`. Open invitations are in `GET /teams/:id/invitations`.',
  },
  last_owner: {
    happened: 'The change would have left the team without an owner, so nothing was changed.',
    causes: ['The only owner wants to leave the team.', 'The only owner was to be given another role.'],
    person: 'Make another member an owner first. If nobody needs the team, delete it.',
    developer:
      'Send `PATCH /teams/:id/members/:user_id` with `"role": "owner"` for another member, then repeat the request.',
  },
  already_member: {
    happened: 'The person already belongs to the team, so no invitation is needed.',
    causes: [
      'The invited email address is the verified one of a member.',
      'The person accepted an earlier invitation.',
    ],
    person: 'Open the team: you, or the person you invited, can use it already.',
    developer: 'Treat it as success when accepting. To change the role, use `PATCH /teams/:id/members/:user_id`.',
  },
  invitation_not_found: {
    happened: 'The invitation cannot be used: it was accepted, withdrawn or replaced, or has expired.',
    causes: [
      'It is older than seven days.',
      'A newer invitation to the same email address replaced it.',
      'An owner or admin withdrew it, or it was accepted with another account.',
      'The team, or the account that invited, was deleted.',
    ],
    person: 'Ask the team for a new invitation, and open the newest message.',
    developer:
      'Look an invitation up with `POST /invitations/lookup`, which does not use it up, before you offer to accept it.',
  },
  team_limit_reached: {
    happened: 'A limit on teams was reached, so nothing was added.',
    causes: ['The person is a member of 50 teams.', 'The team has 200 members.', 'The team has 50 open invitations.'],
    person: 'Leave a team, remove a member, or withdraw an invitation that is no longer needed. Then try again.',
    developer:
      'Withdraw old invitations with `DELETE /teams/:id/invitations/:invitation_id`. The limits are not settings.',
  },
  jira_not_available: {
    happened: 'This service offers no connection to Jira at all.',
    causes: [
      'The provider `atlassian` is not enabled, or its client ID and secret are not set.',
      'The operator disabled Atlassian while a team was being connected.',
    ],
    person: 'Ask the operator of the service whether Jira will be offered.',
    developer:
      'Set `ATLASSIAN_CLIENT_ID` and `ATLASSIAN_CLIENT_SECRET`, and register the app at Atlassian with the scopes of Jira.',
  },
  jira_not_connected: {
    happened: 'The team has never connected Jira, or disconnected it, so there is nothing to show or change.',
    causes: ['Nobody has connected Jira yet.', 'An owner or admin disconnected it in the meantime.'],
    person: 'An owner or admin of the team can connect Jira on the integrations page.',
    developer: 'Read `status` of `GET /teams/:id/integrations/jira` first. Connect with `POST …/jira/authorize`.',
  },
  jira_not_active: {
    happened: 'The queues cannot be read, because the team has no usable connection to Jira.',
    causes: [
      'Jira is not connected, or no site was chosen.',
      'Atlassian does not accept the consent any more.',
      'The person who connected left the team, or their account is disabled.',
      'All chosen sites were deleted, or cannot be reached with the consent.',
    ],
    person: 'Ask an owner or admin to connect Jira again, or to choose its sites.',
    developer:
      'Read `status` and `last_error` of `GET /teams/:id/integrations/jira`. The 401 is about the connection: another access token does not help.',
  },
  jira_site_not_found: {
    happened:
      'One of the chosen Jira sites cannot be reached with the connection of the team. The choice was not changed.',
    causes: [
      'The list of sites is out of date.',
      'The site was deleted, or the person who connected lost access to it.',
      'The ID is not a `cloud_id`.',
    ],
    person: 'Reload the list of sites and choose again.',
    developer:
      'Send only `cloud_id` values of `GET /teams/:id/integrations/jira/sites`. `POST …/jira/sync` reads the list again.',
  },
  jira_scope_missing: {
    happened: 'Jira refused the request because the consent lacks a scope, which the detail names.',
    causes: [
      'The team was connected before the service asked for this scope.',
      'The app at Atlassian does not have the scope.',
      'An administrator of the site restricts what apps may do.',
    ],
    person: 'Ask an owner or admin of the team to connect Jira again and to grant all permissions.',
    developer:
      'Add the scope to the app in the developer console of Atlassian, then connect again. A new token alone does not help.',
  },
  jira_forbidden: {
    happened: 'Jira does not let the person who connected the team see the service desks.',
    causes: [
      'The person has no agent license of Jira Service Management on the site.',
      'The person is not in the project of the service desk.',
      'Jira does not know the Atlassian account on this site.',
    ],
    person: 'Ask an agent of the service desk, who is an owner or admin of the team, to connect Jira.',
    developer: 'Ask the administrator of the Jira site to give the account an agent license and access to the project.',
  },
  provider_rate_limited: {
    happened: 'The provider limits how often this service may call it, and the limit is used up.',
    causes: [
      'Many teams read their queues at the same time: the limit is that of the whole app.',
      'A client polls often. Results are cached for 30 seconds, so polling faster brings nothing.',
      'Another program uses the same consent.',
    ],
    person: 'Wait as long as the message says, and reload the page once.',
    developer: 'Wait for `Retry-After`, which is the value of the provider. Poll at most twice a minute.',
  },

  // Requests
  invalid_request: {
    happened:
      'A field, parameter or header of the request is missing, unknown or has a wrong value. `errors` lists each field.',
    causes: [
      'A field has the wrong type, length or format.',
      'A field is not known here: unknown fields are refused, not ignored.',
      'A parameter was sent twice.',
      'The sign-in to an app has no `code_challenge`, or the callback has no `code`.',
      'The request has no `Host` header, or the URL cannot be decoded.',
    ],
    person: 'Correct the marked fields and send the form again.',
    developer:
      'Read `path` and `code` in `errors`, and compare the request with the API reference. Do not retry without a change.',
  },
  malformed_body: {
    happened: 'The body of the request is not valid JSON or form data, or it is missing.',
    causes: [
      'The JSON has a syntax error, such as a comma too many.',
      'The body is not UTF-8.',
      'The route needs a body, even if all its fields are optional, and the request has none.',
    ],
    person: 'Reload the page and try again. If it happens again, tell the developer of the application.',
    developer: 'Build the body with `JSON.stringify` or `URLSearchParams`, and set the matching `Content-Type`.',
  },
  payload_too_large: {
    happened: 'The body is larger than 64 KiB, and was not read to its end. A picture may have 100 KiB.',
    causes: [
      'A file or a picture was sent inline. `picture` is a URL.',
      'A list has too many entries.',
      'A client sends its state along with the request.',
    ],
    person: 'Shorten what you entered and send it again.',
    developer: 'Send only the documented fields. If a proxy answers 413 itself, raise its limit to 64 KiB.',
  },
  headers_too_large: {
    happened: 'The URL and the headers together are larger than 16 KiB, or there are more than 100 headers.',
    causes: [
      'Other applications on the same domain set many or large cookies.',
      'A proxy adds long headers, for example with client certificates.',
      'Many sign-ins were started and never finished: each has a cookie for a few minutes.',
    ],
    person: 'Delete the cookies of this site in the browser, then open it again.',
    developer:
      'Give the service a host of its own, and set cookies of other applications for their host only, not for the domain.',
  },
  request_timeout: {
    happened: 'The headers or the body did not arrive completely in the allowed time. The connection was closed.',
    causes: [
      'The network is slow or was interrupted.',
      'The client announced a longer `Content-Length` than it sent.',
      'A proxy keeps connections open without sending a request.',
      'Someone opens many slow connections on purpose (an attack).',
    ],
    person: 'Check your connection and try again.',
    developer: 'Send the body at once, with a correct `Content-Length`. Let the proxy buffer slow requests.',
  },
  unsupported_media_type: {
    happened: 'The body has a content type that the route does not accept. The detail names the accepted ones.',
    causes: [
      'The header `Content-Type` is missing, or is `text/plain`.',
      'A form was sent to a route that reads only JSON, such as `POST /auth/register`.',
      'The body is `multipart/form-data` or compressed, which no route accepts.',
    ],
    person: 'Tell the developer of the application: the format has to be fixed there.',
    developer: 'Set `Content-Type: application/json`. With `curl`, `--json` does that, and `-d` sends a form.',
  },
  not_found: {
    happened: 'There is nothing at this URL, or nothing that the caller may see.',
    causes: [
      'The URL is misspelled, or has a slash at the end.',
      'An ID in the URL does not have the right form.',
      'The page is for administrators. For others it does not exist.',
      '`/metrics` without its token, or `/mailbox` where email is sent.',
    ],
    person: 'Check the URL, or start at the home page.',
    developer: 'Compare method and path with the API reference. Paths are case sensitive.',
  },
  method_not_allowed: {
    happened: 'The URL exists, but not with this method. The header `Allow` lists the methods it has.',
    causes: [
      'A page for a form was opened directly, and the URL accepts only `POST`.',
      'A client uses `PUT` instead of `PATCH`, or the reverse.',
      'A redirect changed `POST` to `GET`, for example from HTTP to HTTPS.',
    ],
    person: 'Open the page again from the menu instead of reloading the URL.',
    developer: 'Use a method of `Allow`. Call the service at its final URL, so that no redirect changes the method.',
  },
  rate_limited: {
    happened: 'More requests came from one network than the route accepts in a minute.',
    causes: [
      'A client polls or retries without waiting.',
      'Many people share one IP address, such as an office or a mobile network.',
      '`TRUST_PROXY_HOPS` is too low, so that all requests count for the address of the proxy.',
      'One person sent 60 team invitations within an hour, or one email address received five of them.',
      'An application in the network sends a wrong secret or a wrong assertion. A right one is still accepted.',
    ],
    person: 'Wait as long as the message says and try again.',
    developer: 'Wait for `Retry-After` and use growing pauses. If everyone is affected, check `TRUST_PROXY_HOPS`.',
  },
  not_ready: {
    happened: 'The service works, but cannot handle the request at the moment. Nothing was changed.',
    causes: [
      'The database does not respond, is read-only, or has no free connection.',
      'More work waits than the service accepts, for example hashing of passwords.',
      'The node is starting, migrating or shutting down.',
    ],
    person: 'Wait a moment and try again. You are still signed in.',
    developer:
      'Wait for `Retry-After` and repeat the request: a 503 never signs anyone out. The log event `database.state` says what is wrong.',
  },
  internal: {
    happened: 'The service met an error that it does not know. The cause is in the log, and not in the response.',
    causes: [
      'A defect of the service.',
      'The disk is full, or a file cannot be read.',
      'A change of the configuration or the database that nobody expected.',
    ],
    person: 'Try again later. If it happens again, give the operator the request ID.',
    developer:
      'Search the log for the request ID: the line `defect` has the error with its stack. Include that line when you report the defect.',
  },
}
