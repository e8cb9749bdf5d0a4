import { createApplicationAccess } from './access.ts'
import { createApplications } from './applications.ts'
import { createLogoutNotices } from './logout-notices.ts'
import type { ApplicationAccessStore, ApplicationSessionStore, ApplicationStore, LogoutNoticeStore } from './ports.ts'
import { createApplicationSessions } from './sessions.ts'

type ClientsParts = Omit<Parameters<typeof createApplications>[0], 'applications' | 'sessions'> &
  Omit<Parameters<typeof createApplicationSessions>[0], 'sessions'> &
  Omit<Parameters<typeof createLogoutNotices>[0], 'notices' | 'applications'> & {
    readonly stored: {
      readonly applications: ApplicationStore
      readonly applicationAccess: ApplicationAccessStore
      readonly applicationSessions: ApplicationSessionStore
      readonly logoutNotices: LogoutNoticeStore
    }
  }

/** The clients of the OpenID provider: applications, who is signed in to them, and their notices of a sign-out. */
export function createClients({ stored, ...parts }: ClientsParts) {
  const { applications, applicationSessions: sessions, applicationAccess: access, logoutNotices: notices } = stored
  return {
    applications: createApplications({ ...parts, applications, sessions }),
    applicationAccess: createApplicationAccess({ ...parts, access }),
    applicationSessions: createApplicationSessions({ ...parts, sessions }),
    logoutNotices: createLogoutNotices({ ...parts, notices, applications }),
  }
}
