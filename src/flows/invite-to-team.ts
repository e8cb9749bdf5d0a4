import type { AddressStore } from '../credentials/ports.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import type { Email } from '../kernel/email.ts'
import type { Result } from '../kernel/result.ts'
import { type Allowance, hourSeconds } from '../mail/allowance.ts'
import type { ComposeMail } from '../mail/compose.ts'
import type { Invitations, InviteCode } from '../teams/invitations.ts'
import type { Invitation, TeamRole } from '../teams/ports.ts'

/** How many emails a person may send to strangers in an hour, for all their teams together. */
const mostSent = 60

/**
 * A team name that is safe in an email to a stranger: mail programs turn text that looks like a URL into a link, and
 * our email would carry a link chosen by the person who named the team.
 */
const withoutLinks = (name: string): string => name.replace(/([.:/@\\])(?=\S)/gu, '$1 ')

type InviteToTeamParts = {
  invitations: Invitations
  addresses: Pick<AddressStore, 'holders'>
  letter: ComposeMail
  /** Whether another email of this kind may go to this address, and whether this person may send another one. */
  allowed: Allowance
  /** Whether email is configured. */
  mail: boolean
  wakeMail: () => void
}
export type InviteToTeamCode = InviteCode | 'mail_not_configured' | 'email_unverified' | 'rate_limited'

/**
 * Emails an invitation on behalf of a team, with a team name that a user chose. So the email names the sender by a
 * verified address, and sender and recipient have limits. The response does not reveal whether the address has an
 * account, unless it belongs to a member.
 */
export function inviteToTeam({ invitations, addresses, letter, allowed, mail, wakeMail }: InviteToTeamParts) {
  return async (
    by: Account,
    teamId: string,
    wanted: { readonly email: Email; readonly role: TeamRole },
    origin: Origin,
  ): Promise<Result<Invitation, AppError<InviteToTeamCode>>> => {
    const made = await invitations.make({ teamId, by: by.id }, wanted)
    if (!made.ok) return made
    if (!mail) return fail('mail_not_configured')
    if (by.email === null || !by.emailVerified) return fail('email_unverified')
    const { key, address: to } = wanted.email
    if (!(await allowed('team_invitations_by', by.id, mostSent)) || !(await allowed('team_invitation', key)))
      return fail('rate_limited', { seconds: String(hourSeconds) }, { retryAfter: hourSeconds })
    const reader = (await addresses.holders(key)).find(({ verified }) => verified)
    const { invitation, secret, team } = made.value
    const sent = await invitations.send(
      made.value,
      [
        letter({
          template: 'team_invitation',
          to,
          locale: reader?.locale ?? origin.locale ?? 'en',
          accountId: by.id,
          params: { team: withoutLinks(team.name), inviter: by.email, expires_at: invitation.expiresAt.toISOString() },
          secret: { ticket: secret },
        }),
      ],
      origin,
    )
    if (sent.ok) wakeMail()
    return sent
  }
}
