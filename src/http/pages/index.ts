import type { Route } from '../route.ts'
import type { Services } from '../services.ts'
import type { StaticFile } from '../static.ts'
import { acceptInvitationRoutes } from './accept-invitation.tsx'
import { accountRoutes } from './account.tsx'
import { activityRoutes } from './activity.tsx'
import { addressRoutes } from './address.tsx'
import { adminRoutes } from './admin.tsx'
import { adminApplicationPageRoutes } from './admin-application.tsx'
import { adminApplicationFormRoutes } from './admin-application-forms.tsx'
import { adminApplicationRoutes } from './admin-applications.tsx'
import { adminAuditRoutes } from './admin-audit.tsx'
import { adminBrandingRoutes } from './admin-branding.tsx'
import { adminCredentialRoutes } from './admin-credentials.tsx'
import { adminInvitationRoutes } from './admin-invitation.tsx'
import { adminJobRoutes } from './admin-jobs.tsx'
import { adminOverviewRoutes } from './admin-overview.tsx'
import { adminProviderPageRoutes } from './admin-provider.tsx'
import { adminProviderActRoutes } from './admin-provider-acts.tsx'
import { adminProviderFormRoutes } from './admin-provider-forms.tsx'
import { adminProviderRoutes } from './admin-providers.tsx'
import { adminRegistrationTokenRoutes } from './admin-registration-tokens.tsx'
import { adminUserRoutes } from './admin-user.tsx'
import { applicationLogoPageRoutes } from './application-logo.tsx'
import { brandingScript } from './branding-script.ts'
import { conflictRoutes } from './conflicts.ts'
import { dataRoutes } from './data.tsx'
import { deviceCodeRoutes } from './device-code.tsx'
import { deviceRoutes } from './devices.tsx'
import { forgottenPasswordRoutes } from './forgotten-password.tsx'
import { identityRoutes } from './identity.tsx'
import { invitationRoutes } from './invitation.tsx'
import { jiraPages } from './jira.tsx'
import { jiraQueuePages } from './jira-queues.tsx'
import { jiraSitePages } from './jira-sites.tsx'
import { languageRoutes } from './language.ts'
import { leavingRoutes } from './leaving.tsx'
import { loginRoutes } from './login.tsx'
import { mailLoginRoutes } from './mail-login.tsx'
import { mailboxRoutes } from './mailbox.tsx'
import { oauthPageRoutes } from './oauth.tsx'
import { pageScript } from './page-script.ts'
import { passkeyScripts } from './passkey-script.ts'
import { passkeyPageRoutes } from './passkeys.tsx'
import { passwordPages } from './password.tsx'
import { permissionRoutes } from './permission.tsx'
import { myApplicationPageRoutes } from './permission-applications.tsx'
import { permissionPageRoutes } from './permissions.tsx'
import { registerRoutes } from './register.tsx'
import { secondFactorPageRoutes } from './second-factor.tsx'
import { secondFactorLoginRoutes } from './second-factor-login.tsx'
import { signInMethodRoutes } from './sign-in-methods.tsx'
import { stylesheet } from './style.ts'
import { teamPageRoutes } from './team.tsx'
import { teamsRoutes } from './teams.tsx'

/** Every page that people see, and its forms. Rendered on the server, without scripts, in their language. */
export const pageRoutes: readonly Route<Services>[] = [
  ...loginRoutes,
  ...conflictRoutes,
  ...accountRoutes,
  ...signInMethodRoutes,
  ...permissionPageRoutes,
  ...myApplicationPageRoutes,
  ...dataRoutes,
  ...activityRoutes,
  ...identityRoutes,
  ...permissionRoutes,
  ...deviceRoutes,
  ...leavingRoutes,
  ...languageRoutes,
  ...registerRoutes,
  ...passwordPages,
  ...secondFactorLoginRoutes,
  ...secondFactorPageRoutes,
  ...passkeyPageRoutes,
  ...mailLoginRoutes,
  ...forgottenPasswordRoutes,
  ...addressRoutes,
  ...mailboxRoutes,
  ...jiraPages,
  ...jiraSitePages,
  ...jiraQueuePages,
  ...teamsRoutes,
  ...teamPageRoutes,
  ...invitationRoutes,
  ...acceptInvitationRoutes,
  ...adminOverviewRoutes,
  ...oauthPageRoutes,
  ...deviceCodeRoutes,
  ...adminRoutes,
  ...adminInvitationRoutes,
  ...adminUserRoutes,
  ...adminAuditRoutes,
  ...adminCredentialRoutes,
  ...adminJobRoutes,
  ...adminProviderRoutes,
  ...adminProviderFormRoutes,
  ...adminProviderPageRoutes,
  ...adminProviderActRoutes,
  ...adminApplicationRoutes,
  ...adminApplicationPageRoutes,
  ...applicationLogoPageRoutes,
  ...adminApplicationFormRoutes,
  ...adminRegistrationTokenRoutes,
  ...adminBrandingRoutes,
]
export const staticFiles: readonly StaticFile[] = [stylesheet, pageScript, brandingScript, ...passkeyScripts]
export { errorPage } from './error.tsx'
