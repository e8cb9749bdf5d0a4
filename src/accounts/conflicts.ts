import type { Fact, Origin } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { type Sealer, sha256 } from '../kernel/crypto.ts'
import { type Ids, type Random, secretToken } from '../kernel/ids.ts'
import type { PreparedChange } from '../kernel/prepared-change.ts'
import type { Grant } from '../providers/provider.ts'
import type { Conflict, ConflictStore } from './ports.ts'

const ttlSeconds = 600

type ConflictsParts = { conflicts: ConflictStore; clock: Clock; ids: Ids; random: Random; sealer: Sealer }
type OpenConflict = Conflict & { readonly opened: Grant }

/**
 * An open conflict: an account with this email address already exists, and the user is asked whether it is theirs. It
 * is kept for ten minutes. Resolving it requires the ticket and the secret it is bound to (the browser's cookie, or the
 * app's `flow_token`). The provider's grant is stored sealed until then.
 */
export function createConflicts({ conflicts, clock, ids, random, sealer }: ConflictsParts) {
  const place = (id: string): string => `conflicts/${id}/grant`
  return {
    ttlSeconds,

    async open(
      grant: Grant,
      about: {
        /** The public name of the round trip that led here. It tells which cookie the ticket is bound to. */
        handle: string
        binding: string
        returnTo: string | null
        codeChallenge: string | null
        origin: Origin
      },
    ): Promise<string> {
      const id = ids('cfl')
      const ticket = `${about.handle}.${secretToken(random)}`
      const at = clock()
      const because: Fact = {
        name: 'conflict.opened',
        accountId: null,
        origin: about.origin,
        data: { provider: grant.provider },
      }
      await conflicts.open(
        {
          id,
          ticketHash: sha256(ticket),
          bindingHash: sha256(about.binding),
          provider: grant.provider,
          grant: sealer.seal(JSON.stringify(grant), place(id)),
          returnTo: about.returnTo,
          codeChallenge: about.codeChallenge,
          createdAt: at,
          expiresAt: secondsAfter(at, ttlSeconds),
          resolvedAt: null,
        },
        [because],
      )
      return ticket
    },

    async find(ticket: string, binding: string): Promise<OpenConflict | undefined> {
      const conflict = await conflicts.find({ ticketHash: sha256(ticket), bindingHash: sha256(binding) }, clock())
      return conflict && { ...conflict, opened: readGrant(sealer.open(conflict.grant, place(conflict.id))) }
    },

    /** Whether it is neither resolved nor expired. */
    isOpen: async (conflict: Conflict): Promise<boolean> => (await conflicts.find(conflict, clock())) !== undefined,

    /** Claims it: this can be made once. */
    resolving: (conflict: Conflict, because: readonly Fact[]): PreparedChange =>
      conflicts.resolving(conflict.id, clock(), because),
  }
}
export type Conflicts = ReturnType<typeof createConflicts>

function readGrant(text: string): Grant {
  type StoredTokens = NonNullable<Grant['tokens']> & Record<'expiresAt' | 'refreshExpiresAt', string | null>
  const grant = JSON.parse(text) as Grant & { tokens: StoredTokens | null }
  const date = (said: string | null | undefined): Date | null => (typeof said === 'string' ? new Date(said) : null)
  return {
    ...grant,
    tokens: grant.tokens && {
      ...grant.tokens,
      expiresAt: date(grant.tokens.expiresAt),
      refreshExpiresAt: date(grant.tokens.refreshExpiresAt),
    },
    asked: grant.asked ?? [],
  }
}
