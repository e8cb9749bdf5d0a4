import { createApplicationAccess } from './access.ts'
import { createApplications } from './applications.ts'
import { createDocuments } from './documents.ts'
import { createLogoutNotices } from './logout-notices.ts'
import type {
  ApplicationAccessStore,
  ApplicationSessionStore,
  ApplicationStore,
  LogoutNoticeStore,
  RegistrationStore,
} from './ports.ts'
import { createRegistrations } from './registrations.ts'
import { createApplicationSessions } from './sessions.ts'
import { createSubjects } from './subjects.ts'

type ClientsParts = Omit<Parameters<typeof createApplications>[0], 'applications' | 'sessions'> &
  Omit<Parameters<typeof createApplicationSessions>[0], 'sessions' | 'subjects'> &
  Omit<Parameters<typeof createLogoutNotices>[0], 'notices' | 'applications' | 'subjects'> &
  Omit<Parameters<typeof createRegistrations>[0], 'applications' | 'stored' | 'hit'> &
  Omit<Parameters<typeof createDocuments>[0], 'applications' | 'store' | 'hit'> & {
    /** The key of pairwise subjects. */
    readonly subjectKey: Buffer
    readonly stored: {
      readonly applications: ApplicationStore
      readonly applicationAccess: ApplicationAccessStore
      readonly registrations: RegistrationStore
      readonly rateLimits: { readonly hit: Parameters<typeof createRegistrations>[0]['hit'] }
      readonly applicationSessions: ApplicationSessionStore
      readonly logoutNotices: LogoutNoticeStore
    }
  }

/** The clients of the OpenID provider: applications, who is signed in to them, and their notices of a sign-out. */
export function createClients({ stored, subjectKey, ...parts }: ClientsParts) {
  const { applications, applicationSessions: sessions, applicationAccess: access, logoutNotices: notices } = stored
  const subjects = createSubjects({ key: subjectKey })
  const registered = createApplications({ ...parts, applications, sessions })
  return {
    subjects,
    applications: registered,
    documents: createDocuments({ ...parts, applications: registered, store: applications, hit: stored.rateLimits.hit }),
    registrations: createRegistrations({ ...parts, applications: registered, stored, hit: stored.rateLimits.hit }),
    applicationAccess: createApplicationAccess({ ...parts, access }),
    applicationSessions: createApplicationSessions({ ...parts, sessions, subjects }),
    logoutNotices: createLogoutNotices({ ...parts, notices, applications, subjects }),
  }
}
