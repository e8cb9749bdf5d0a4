import type { Route } from '../route.ts'
import type { Services } from '../services.ts'
import { applicationLogoRoutes } from './application-logo.ts'
import { applicationRoutes } from './applications.ts'
import { auditRoutes } from './audit.ts'
import { brandingRoutes } from './branding.ts'
import { connectionRoutes } from './connections.ts'
import { exportRoutes } from './export.ts'
import { identityApiRoutes } from './identities.ts'
import { invitedUserRoutes } from './invited-users.ts'
import { jiraRoutes } from './jira.ts'
import { jobRoutes } from './jobs.ts'
import { mailRoutes } from './mail.ts'
import { managedProviderRoutes } from './managed-providers.ts'
import { meRoutes } from './me.ts'
import { myApplicationRoutes } from './my-applications.ts'
import { oauthRoutes } from './oauth.ts'
import { operatingRoutes } from './operating.ts'
import { passkeyOriginRoutes } from './passkey-origins.ts'
import { passkeyRoutes } from './passkeys.ts'
import { passwordRoutes } from './passwords.ts'
import { providerRoutes } from './providers.ts'
import { registrationRoutes } from './registration.ts'
import { secondFactorRoutes } from './second-factor.ts'
import { serviceCredentialRoutes } from './service-credentials.ts'
import { statisticsRoutes } from './statistics.ts'
import { teamRoutes } from './teams.ts'
import { tokenRoutes } from './tokens.ts'
import { userMetadataRoutes } from './user-metadata.ts'
import { userRoutes } from './users.ts'

/** What programs speak, and the ways to a provider and back. Of two paths that fit, the first one listed is taken. */
export const apiRoutes: readonly Route<Services>[] = [
  ...operatingRoutes,
  ...tokenRoutes,
  ...oauthRoutes,
  ...passwordRoutes,
  ...secondFactorRoutes,
  ...passkeyRoutes,
  ...passkeyOriginRoutes,
  ...providerRoutes,
  ...mailRoutes,
  ...meRoutes,
  ...myApplicationRoutes,
  ...identityApiRoutes,
  ...exportRoutes,
  ...userRoutes,
  ...userMetadataRoutes,
  ...invitedUserRoutes,
  ...auditRoutes,
  ...teamRoutes,
  ...jiraRoutes,
  ...serviceCredentialRoutes,
  ...managedProviderRoutes,
  ...applicationRoutes,
  ...applicationLogoRoutes,
  ...registrationRoutes,
  ...connectionRoutes,
  ...jobRoutes,
  ...statisticsRoutes,
  ...brandingRoutes,
]
