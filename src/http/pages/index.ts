import type { Route } from '../route.ts'
import type { Services } from '../services.ts'
import type { StaticFile } from '../static.ts'
import { accountRoutes } from './account.tsx'
import { activityRoutes } from './activity.tsx'
import { addressRoutes } from './address.tsx'
import { deviceRoutes } from './devices.tsx'
import { forgottenPasswordRoutes } from './forgotten-password.tsx'
import { identityRoutes } from './identity.tsx'
import { leavingRoutes } from './leaving.tsx'
import { loginRoutes } from './login.tsx'
import { mailLoginRoutes } from './mail-login.tsx'
import { mailboxRoutes } from './mailbox.tsx'
import { stylesheet } from './style.ts'

/** What people see: rendered here, without a script, in their language. */
export const pageRoutes: readonly Route<Services>[] = [
  ...loginRoutes,
  ...accountRoutes,
  ...activityRoutes,
  ...identityRoutes,
  ...deviceRoutes,
  ...leavingRoutes,
  ...mailLoginRoutes,
  ...forgottenPasswordRoutes,
  ...addressRoutes,
  ...mailboxRoutes,
]
export const staticFiles: readonly StaticFile[] = [stylesheet]
export { errorPage } from './error.tsx'
