import { errorTexts } from './texts.ts'

/** What people read of each error, in English: what happened, then what to do next. */
export const englishErrorTexts = errorTexts({
  // Sign-in with a password, a passkey or an email message
  invalid_credentials: {
    title: 'Sign-in failed',
    detail: 'The email address or the password is incorrect. Check both and try again.',
  },
  password_rejected: {
    title: 'Password not accepted',
    detail:
      'The password does not meet the rules. Choose {least} to {most} characters, not a common password, and more than your name, your email address or the name of this service.',
  },
  email_required: {
    title: 'Email address required',
    detail: 'Your account has no email address, and a password needs one. Add an email address first.',
  },
  second_factor_required: {
    title: 'Second factor required',
    detail: 'This account requires a second factor. Send it with the ticket of this response.',
  },
  second_factor_invalid: {
    title: 'Second factor not accepted',
    detail: 'This code or passkey is wrong, was already used or has expired. Try again with a new one.',
  },
  second_factor_exists: {
    title: 'Second factor already set up',
    detail: 'Your account already has a second factor of this kind. Remove it first to set up another one.',
  },
  second_factor_missing: {
    title: 'No second factor',
    detail: 'The account has no second factor for this action. Set one up first.',
  },
  passkey_rejected: {
    title: 'Passkey not accepted',
    detail:
      'This passkey is not registered here, or its response is invalid. Try again, or use another sign-in method.',
  },
  passkey_not_added: {
    title: 'Passkey not added',
    detail:
      'This passkey could not be added: it is already registered here, its response is invalid, or your account already has 50 passkeys. Try again with another one, or remove one first.',
  },
  passkey_origins_not_configured: {
    title: 'No apps configured',
    detail:
      'No apps or sites of this kind are configured for passkeys. The operator of this service can add apps and sites in PASSKEY_ORIGINS.',
  },
  passkey_not_found: {
    title: 'Passkey not found',
    detail: 'Your account has no such passkey. Reload the page to see its passkeys.',
  },
  ticket_invalid: {
    title: 'Link no longer valid',
    detail: 'This link or code was already used, has expired or was not issued here. Request a new one.',
  },
  mail_not_configured: {
    title: 'Email not available',
    detail:
      'This service does not send email, so this option is not available. Use another sign-in method, or contact the operator.',
  },
  email_unverified: {
    title: 'Email address not verified',
    detail: 'Verify your email address first: open the link we sent to it, or request a new one.',
  },
  sign_in_overtaken: {
    title: 'Please sign in again',
    detail: 'Your password, passkey or link was changed or used while you were signing in. Start again.',
  },
  too_many_attempts: {
    title: 'Too many attempts',
    detail: 'There were too many wrong attempts. Wait {seconds} seconds and try again, or use another sign-in method.',
  },
  insufficient_scope: {
    title: 'Not allowed',
    detail:
      'This action requires the permission {scope}, which you do not have. Ask an administrator for the permission.',
  },
  invalid_client: {
    title: 'Client authentication failed',
    detail:
      'The request needs the ID and secret of a service credential or an application. Check both: they may have been revoked, rotated or deleted.',
  },

  // Administration
  account_not_found: {
    title: 'Account not found',
    detail: 'No account has this ID. The account may have been deleted. Check the ID.',
  },
  last_administrator: {
    title: 'Last administrator',
    detail: 'This account is the only active administrator. Make someone else an administrator first.',
  },
  own_role: {
    title: 'You cannot change your own role',
    detail: 'An administrator cannot change their own role. Ask another administrator to change yours.',
  },
  own_second_factor: {
    title: 'You cannot remove your own second factor here',
    detail:
      'An administrator cannot use this function for their own account. Remove the second factor on your account page, or ask another administrator.',
  },
  address_needed: {
    title: 'No verified email address',
    detail:
      'This action needs an active account with a verified email address. Verify the email address or enable the account first.',
  },
  email_taken: {
    title: 'Email address already used',
    detail: 'An account with this email address already exists. Find it in the list of accounts and change it there.',
  },
  not_invited: {
    title: 'No open invitation',
    detail: 'This account has no open invitation: its person has accepted it, or the account is disabled.',
  },
  service_credential_not_found: {
    title: 'Service credential not found',
    detail: 'No active service credential has this ID. The credential may have been revoked. Reload the list.',
  },
  provider_not_editable: {
    title: 'Provider not editable',
    detail:
      'This provider comes from the environment of the service. Change its settings there and restart the service.',
  },
  provider_exists: {
    title: 'Provider ID already in use',
    detail: 'A provider with this ID already exists. Choose another ID, or change the existing provider.',
  },
  provider_changed: {
    title: 'Provider changed in the meantime',
    detail:
      'Another administrator has changed this provider since you read it. Reload the provider and make your change again.',
  },
  provider_secret_required: {
    title: 'Client secret required',
    detail:
      'This change sends the client secret to another address. Enter the client secret again together with the change.',
  },
  provider_not_tried: {
    title: 'Draft not tried yet',
    detail: 'The author of this draft has not signed in with it yet. Try the draft first, then make it live.',
  },
  provider_discovery_failed: {
    title: 'Provider endpoints not found',
    detail:
      'The discovery document of the provider could not be used, so the draft stays a draft. Check the issuer and try again.',
  },
  provider_version_not_found: {
    title: 'Version not found',
    detail: 'This provider has no such version. Reload the history of the provider and choose another version.',
  },
  provider_trial_not_found: {
    title: 'No result of a trial',
    detail: 'You have not tried this draft, or the result has expired. Try the draft again.',
  },
  too_many_providers: {
    title: 'Limit of providers reached',
    detail:
      'This service already has 100 providers and cannot have more. Delete one that is no longer used, then try again.',
  },

  // Applications that sign people in
  application_not_found: {
    title: 'Application not found',
    detail: 'No application has this ID. It may have been deleted. Reload the list.',
  },
  application_has_no_secret: {
    title: 'Application has no secret',
    detail: 'This kind of application cannot keep a secret, so it has none. Only server applications have one.',
  },
  too_many_applications: {
    title: 'Limit of applications reached',
    detail:
      'This service already has 500 applications and cannot have more. Delete one that is no longer used, then try again.',
  },
  registration_not_offered: {
    title: 'Registration is off',
    detail:
      'Applications cannot register themselves here. Ask an administrator to register the application, or the operator to allow it.',
  },
  registration_token_invalid: {
    title: 'Registration token not accepted',
    detail:
      'The token is missing, wrong, expired or used up. Ask an administrator for an initial access token. To manage a registration, send the registration_access_token from its response.',
  },
  redirect_uri_invalid: {
    title: 'Redirect URI not accepted',
    detail:
      'A redirect URI cannot be registered. Use https without wildcard and fragment, a loopback address, or a private scheme with a domain for a native application.',
  },
  client_metadata_invalid: {
    title: 'Application metadata not accepted',
    detail: 'The description of the application has a member that cannot be accepted. Correct it, then register again.',
  },
  registration_token_not_found: {
    title: 'Initial access token not found',
    detail: 'No initial access token has this ID. It may be revoked. Reload the list.',
  },
  too_many_registration_tokens: {
    title: 'Limit of initial access tokens reached',
    detail: 'There are 100 initial access tokens already. Revoke one that is no longer needed, then try again.',
  },
  application_not_allowed: {
    title: 'Not allowed for applications',
    detail: 'Applications cannot do this for you. Sign in to this service yourself.',
  },
  authorization_request_invalid: {
    title: 'Application request invalid',
    detail:
      'The application sent a request that we cannot accept ({error}). Go back to the application and try again, or report the error to its operator.',
  },
  authorization_request_expired: {
    title: 'Application request expired',
    detail:
      'The request of the application has expired or was already answered. Go back to the application and sign in again.',
  },
  grant_invalid: {
    title: 'Code or token invalid',
    detail:
      'The code or refresh token is invalid, expired, revoked or was issued to another application. Sign in again.',
  },
  client_not_allowed: {
    title: 'Grant type not allowed for this application',
    detail: 'This kind of application may not get tokens in this way. Register an application of the right kind.',
  },
  device_pending: {
    title: 'Sign-in not finished yet',
    detail: 'The person has not entered the code yet. Ask again after the interval.',
  },
  device_too_soon: {
    title: 'Asked too soon',
    detail: 'The device asks too often. Wait five seconds longer between requests.',
  },
  device_refused: {
    title: 'Sign-in refused',
    detail: 'The person refused the sign-in of the device. Start again only if the person wants to.',
  },
  device_code_expired: {
    title: 'Device code expired',
    detail: 'The code was not entered in time. Get a new code and show it.',
  },
  dpop_proof_invalid: {
    title: 'DPoP proof not valid',
    detail:
      'The DPoP proof is missing, expired, already used, or for another request or key. Sign a new proof for each request.',
  },
  dpop_proof_required: {
    title: 'Proof of the key required',
    detail:
      'The access token is bound to a key. Send it with the scheme DPoP and a new proof that is signed with the same key.',
  },
  dpop_nonce_invalid: {
    title: 'Nonce of the DPoP proof missing or old',
    detail: 'Sign the proof again with the nonce of the header DPoP-Nonce, and repeat the request.',
  },
  dpop_nonce_required: {
    title: 'DPoP proof with a nonce required',
    detail: 'Sign the proof again with the nonce of the header DPoP-Nonce, and repeat the request with the token.',
  },
  request_object_invalid: {
    title: 'Request object not valid',
    detail:
      'The signed request could not be verified. Sign it with a registered key, with the application ID as issuer and this service as audience.',
  },
  scope_invalid: {
    title: 'Scope not allowed',
    detail:
      'The application asked for a scope that it may not have. Ask only for the scopes that are registered and were granted.',
  },
  resource_invalid: {
    title: 'Resource not allowed',
    detail:
      'The application asked for a token for a resource that it may not use. Name exactly one registered resource.',
  },
  response_type_unsupported: {
    title: 'Response type not supported',
    detail:
      'The application asked for a response type that this service does not offer. Set its client library to the authorization code flow.',
  },

  // Sign-in with a provider
  provider_not_found: {
    title: 'Unknown provider',
    detail: 'There is no sign-in provider called “{provider}” here. Choose one of the providers on the sign-in page.',
  },
  provider_unavailable: {
    title: 'Provider unavailable',
    detail:
      '{provider} is not responding right now. Wait a moment and try again. To sign in, you can use another sign-in method.',
  },
  access_denied: {
    title: 'Declined at the provider',
    detail:
      'You did not give consent at {provider}, so nothing was changed. Try again. To sign in, you can use another sign-in method.',
  },
  invalid_state: {
    title: 'Sign-in not recognized',
    detail: 'This sign-in was not started here, or was started too long ago. Start again from the sign-in page.',
  },
  state_expired: {
    title: 'Sign-in took too long',
    detail: 'This sign-in has expired. Start again from the sign-in page.',
  },
  state_already_used: {
    title: 'Sign-in already used',
    detail: 'This sign-in was already completed or canceled. Start again from the sign-in page.',
  },
  flow_mismatch: {
    title: 'Sign-in does not match',
    detail:
      'This sign-in was started in another browser, for another account or for another purpose. Start again here.',
  },
  token_exchange_failed: {
    title: 'Provider refused the sign-in',
    detail:
      '{provider} did not accept the sign-in. Start again. If it keeps happening, contact the operator of this service.',
  },
  user_info_fetch_failed: {
    title: 'Profile unavailable',
    detail:
      '{provider} did not return your profile. Try again. If it keeps happening, contact the operator of this service.',
  },
  app_sign_in_not_configured: {
    title: 'No apps configured',
    detail: 'Apps cannot sign in with {provider} here. Sign in with a browser, or with another sign-in method.',
  },
  id_token_rejected: {
    title: 'ID token rejected',
    detail:
      'The app sent an ID token of {provider} that is not valid here. Start again. If it keeps happening, contact the developer of the app.',
  },
  id_token_already_used: {
    title: 'ID token already used',
    detail: 'This ID token was already used to sign in. Start again to get a new one.',
  },
  account_linking_failed: {
    title: 'Sign-in method not linked',
    detail: 'The account changed in the meantime, so the sign-in method was not linked. Try again.',
  },
  identity_already_linked: {
    title: 'Already linked to another account',
    detail:
      'Your {provider} account is already linked to another account here. Sign in with {provider} and unlink it there first.',
  },
  another_identity: {
    title: 'Another account at the provider',
    detail:
      'You returned with a different {provider} account. Nothing was changed. Start again, and choose the same account at {provider}.',
  },
  account_conflict: {
    title: 'This email address already has an account',
    detail:
      'Another account has this email address. Prove that the account is yours to link {provider} to it, or continue with a separate account.',
  },
  conflict_not_found: {
    title: 'Question no longer open',
    detail:
      'This question was already answered, has expired, or was asked in another browser. If you followed a link from an email, open the link in the browser where you started. Otherwise, sign in again.',
  },
  proof_required: {
    title: 'Sign in to the existing account first',
    detail:
      'Nothing proves yet that the existing account is yours. Sign in to it with one of its sign-in methods, then link from there.',
  },
  user_creation_disabled: {
    title: 'Sign-up is closed',
    detail: 'New accounts cannot be created here at the moment. Ask an administrator of this service for access.',
  },
  sign_in_restricted: {
    title: 'Account not allowed here',
    detail:
      'This service admits only certain {provider} accounts: those of its organizations or email domains. Use another {provider} account, or ask an administrator for access.',
  },
  organization_access_needed: {
    title: 'Organization not confirmed',
    detail:
      '{provider} did not confirm that you belong to an organization that may sign in here. Start again and grant access to your organization, or ask its owner to approve this service.',
  },
  user_disabled: {
    title: 'Account disabled',
    detail: 'This account is disabled. Ask an administrator of this service to enable it.',
  },
  too_many_identities: {
    title: 'Limit of linked sign-in methods reached',
    detail:
      'Your account already has 20 linked sign-in methods and cannot have more. Unlink one that you no longer use, then try again.',
  },
  too_many_service_credentials: {
    title: 'Limit of service credentials reached',
    detail:
      'This service already has 500 service credentials and cannot have more. Revoke one that is no longer used, then try again.',
  },
  return_to_not_allowed: {
    title: 'Return URL not allowed',
    detail: 'The return URL is not on the allowed list. Ask the application that sent you here to correct it.',
  },
  redirect_uri_key_not_found: {
    title: 'Unknown redirect URI',
    detail:
      'There is no redirect URI registered under the key “{key}” for this provider. Use one of the registered keys.',
  },

  // Tokens of this service
  token_expired: { title: 'Token expired', detail: 'The token has expired. Refresh it, or sign in again.' },
  token_invalid: { title: 'Invalid token', detail: 'The token is invalid or malformed. Sign in again.' },
  token_wrong_type: {
    title: 'Wrong type of token',
    detail: 'The token has the wrong type. Send a token of type {type}.',
  },
  token_subject_missing: { title: 'Token without subject', detail: 'The token names no account. Sign in again.' },
  user_not_found: {
    title: 'Account no longer exists',
    detail: 'The account of this token or session was deleted. Sign in with another account.',
  },
  session_revoked: { title: 'Signed out', detail: 'This device was signed out. Sign in again.' },
  session_expired: { title: 'Session expired', detail: 'This session has expired. Sign in again.' },
  token_reused: {
    title: 'Token used twice',
    detail: 'This refresh token was already used, so this device was signed out for safety. Sign in again.',
  },
  code_invalid: {
    title: 'Code not accepted',
    detail: 'This sign-in code is unknown, expired or already used. Start the sign-in again.',
  },
  grant_type_unsupported: {
    title: 'Grant type not supported',
    detail: 'This grant type is not supported here. Use password, authorization_code or refresh_token.',
  },

  // Account and permissions
  authentication_required: { title: 'Sign in first', detail: 'You need to be signed in. Sign in and try again.' },
  reauthentication_required: {
    title: 'Sign in again to continue',
    detail: 'For your security, a recent sign-in is needed. Sign in again and repeat the action.',
  },
  csrf_failed: {
    title: 'Form out of date',
    detail: 'This form did not come from this service or is out of date. Reload the page and try again.',
  },
  not_linked: {
    title: 'Sign-in method not found',
    detail: 'Your account has no such sign-in method. Reload the page to see its sign-in methods.',
  },
  last_login_method: {
    title: 'Last sign-in method',
    detail: 'This is the only sign-in method left on your account. Add another one first.',
  },
  session_not_found: {
    title: 'Device not found',
    detail: 'Your account has no such device. It may already be signed out. Reload the list.',
  },
  needs_reauthorization: {
    title: 'Permission must be renewed',
    detail:
      '{provider} no longer accepts our permission. To renew it, sign in with {provider} again, or connect the team again.',
  },
  not_connected: {
    title: 'Not connected',
    detail: '{provider} is not connected. Ask the person or the team to connect {provider} first.',
  },
  scopes_not_offered: {
    title: 'Permissions not offered',
    detail: 'These permissions are not offered here. Choose from those shown on the page of the sign-in method.',
  },

  // Teams and Jira
  team_not_found: {
    title: 'Team not found',
    detail: 'There is no such team, or you are not a member of it. Ask an owner of the team for an invitation.',
  },
  team_role_required: {
    title: 'Your role does not allow this action',
    detail: 'Your role in the team does not include this action. Ask an owner or admin of the team.',
  },
  member_not_found: {
    title: 'Member not found',
    detail: 'The team has no such member. Reload the page to see its members.',
  },
  last_owner: {
    title: 'Last owner',
    detail: 'A team needs an owner. Make someone else an owner first, or delete the team.',
  },
  already_member: {
    title: 'Already in the team',
    detail: 'This person is already in the team. Nothing else is needed.',
  },
  invitation_not_found: {
    title: 'Invitation no longer valid',
    detail: 'The invitation was used or withdrawn, or has expired. Ask the team for a new one.',
  },
  team_limit_reached: {
    title: 'Limit reached',
    detail: 'You cannot add more teams, members or invitations. Remove one that is no longer needed first.',
  },
  jira_not_available: {
    title: 'Jira not available',
    detail:
      'Atlassian is not set up on this service, so no team can connect Jira. Contact the operator of this service.',
  },
  jira_not_connected: {
    title: 'Jira is not connected',
    detail: 'The team is not connected to Jira. An owner or admin can connect it.',
  },
  jira_not_active: {
    title: 'No active Jira connection',
    detail:
      'The team has no working connection to Jira. An owner or admin can connect it, or choose its sites, on the integrations page.',
  },
  jira_site_not_found: {
    title: 'Site not reachable',
    detail: 'The connection does not reach one of these sites. Reload the list and choose again.',
  },
  jira_scope_missing: {
    title: 'Permission missing at Jira',
    detail: 'The connection lacks a permission: {scopes}. An owner or admin can connect Jira again and grant it.',
  },
  jira_forbidden: {
    title: 'Refused by Jira',
    detail:
      'The person who connected the team may not see these service desks: Jira requires an agent license. Ask an agent to connect it.',
  },
  provider_rate_limited: {
    title: 'Too many requests to the provider',
    detail: '{provider} received too many requests from this service. Wait {seconds} seconds and try again.',
  },

  // Requests
  invalid_request: {
    title: 'Invalid request',
    detail:
      'The request is not valid. Correct the fields listed in errors, if there are any, and send the request again.',
  },
  malformed_body: {
    title: 'Body not readable',
    detail: 'The body of the request could not be read. Send well-formed JSON or form data.',
  },
  payload_too_large: {
    title: 'Request too large',
    detail: 'The body of the request is larger than 64 KiB, or its picture is larger than 100 KiB. Send a smaller one.',
  },
  headers_too_large: {
    title: 'Request headers too large',
    detail:
      'The headers of the request, with its cookies and URL, are larger than 16 KiB, or there are more than 100 headers. In a browser, delete the cookies of this site and try again.',
  },
  request_timeout: {
    title: 'Request incomplete',
    detail: 'The request did not arrive completely in time. Send it again.',
  },
  unsupported_media_type: {
    title: 'Content type not supported',
    detail: 'This content type is not accepted here. Use {accepted}.',
  },
  not_found: { title: 'Not found', detail: 'There is nothing at this URL. Check it for typing mistakes.' },
  method_not_allowed: {
    title: 'Method not allowed',
    detail: 'This URL does not accept the method of the request. Use {allowed}.',
  },
  rate_limited: {
    title: 'Too many requests',
    detail: 'Too many requests came from your network. Wait {seconds} seconds and try again.',
  },
  not_ready: { title: 'Not ready', detail: 'The service cannot respond at the moment. Try again shortly.' },
  internal: {
    title: 'Internal error',
    detail:
      'The service failed to handle the request. Try again. If it keeps happening, give the operator the request ID.',
  },
})
