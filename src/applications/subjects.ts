import { createHmac } from 'node:crypto'
import { sectorOf } from './policy.ts'
import type { Application } from './ports.ts'

export type SubjectOwner = Pick<Application, 'id' | 'subjectType' | 'redirectUris' | 'sectorIdentifierUri'>

/**
 * What an application knows people and their sessions by. For most, these are our own IDs. A pairwise application gets
 * others (OpenID Connect Core §8.1): applications of different sectors cannot tell that they have the same person, and
 * those of one sector can. The session ID differs in the same way: it would otherwise say what the subject hides.
 *
 * `key` must never change: an application would take its people for strangers.
 */
export function createSubjects({ key }: { readonly key: Buffer }) {
  const pseudonym = (kind: 'sub' | 'sid', application: SubjectOwner, id: string): string =>
    application.subjectType === 'public'
      ? id
      : createHmac('sha256', key)
          .update(JSON.stringify([kind, sectorOf(application), id]))
          .digest('base64url')
  return {
    /** The `sub` of a person for an application. */
    of: (application: SubjectOwner, accountId: string): string => pseudonym('sub', application, accountId),
    /** The `sid` of a session for an application. */
    sidOf: (application: SubjectOwner, sessionId: string): string => pseudonym('sid', application, sessionId),
  }
}
export type Subjects = ReturnType<typeof createSubjects>
