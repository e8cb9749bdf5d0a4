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

/** How many letters somebody may have sent to strangers in an hour, over all their teams. */
const mostSent = 60

/**
 * A name as it may stand in a letter to a stranger: mail programs make links of whatever looks like an address, and ours
 * would carry whoever named the team's.
 */
const withoutLinks = (name: string): string => name.replace(/([.:/@\\])(?=\S)/gu, '$1 ')

type InviteToTeamParts = {
  invitations: Invitations
  addresses: Pick<AddressStore, 'holders'>
  letter: ComposeMail
  /** Whether another letter of this kind may go to an address, and whether somebody may have another one sent. */
  allowed: Allowance
  /** Whether there is a way for letters to leave. */
  mail: boolean
  wakeMail: () => void
}
export type InviteToTeamCode = InviteCode | 'mail_not_configured' | 'email_unverified' | 'rate_limited'

/**
 * Somebody is written to on behalf of somebody else, with a team's name of their choice in it. So whoever has it sent is
 * named by an address they have proven, and neither they nor the address get more of it than is reasonable. Nobody learns
 * whether there is an account with the address, unless it is one of the team.
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
