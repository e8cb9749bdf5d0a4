import { describe, expect, test } from 'vitest'
import { type Decision, decide, type Evidence, provenEmails } from '../../src/accounts/decide.ts'
import { type Account, mostClaims } from '../../src/kernel/account.ts'
import { anAccount, anIdentity, theClaims } from '../support/people.ts'

const disabledAt = new Date('2026-02-02T00:00:00Z')
const address = { email: 'ada@example.com' }
const somebody = anAccount({ id: 'usr_somebody' })
const another = anAccount({ id: 'usr_another' })
const disabled = anAccount({ id: 'usr_disabled', disabledAt })

type Axes = {
  readonly owner: 'none' | 'somebody' | 'another' | 'disabled'
  readonly visitor: 'none' | 'somebody' | 'disabled'
  readonly proven: boolean
  readonly trusted: boolean
  readonly holder: 'none' | 'unverified' | 'invited' | 'verified' | 'verified and disabled' | 'verified and unverified'
  readonly administrator: boolean
  readonly sameProvider: boolean
  readonly autoRegister: boolean
  readonly linkByVerifiedEmail: boolean
  readonly separate: boolean
}
type Row = { readonly axes: Axes; readonly evidence: Evidence; readonly decision: Decision }

const both = [false, true] as const
const values: { readonly [A in keyof Axes]: readonly Axes[A][] } = {
  owner: ['none', 'somebody', 'another', 'disabled'],
  visitor: ['none', 'somebody', 'disabled'],
  proven: both,
  trusted: both,
  holder: ['none', 'unverified', 'invited', 'verified', 'verified and disabled', 'verified and unverified'],
  administrator: both,
  sameProvider: both,
  autoRegister: both,
  linkByVerifiedEmail: both,
  separate: both,
}

/** Every combination of all values. */
const everything = Object.entries(values).reduce<readonly Record<string, unknown>[]>(
  (rows, [axis, options]) => rows.flatMap((row) => options.map((option) => ({ ...row, [axis]: option }))),
  [{}],
) as unknown as readonly Axes[]

const people = { somebody, another, disabled } as const
const personOf = (who: Axes['owner']): Account | undefined => (who === 'none' ? undefined : people[who])

function evidenceOf(axes: Axes): Evidence {
  const holder = anAccount({
    ...address,
    id: 'usr_holder',
    emailVerified: axes.holder.startsWith('verified'),
    role: axes.administrator ? 'administrator' : 'user',
    disabledAt: axes.holder === 'verified and disabled' ? disabledAt : null,
  })
  const claimant = anAccount({ ...address, id: 'usr_claimant' })
  const accounts =
    axes.holder === 'none' ? [] : axes.holder === 'verified and unverified' ? [holder, claimant] : [holder]
  return {
    provider: 'google',
    claims: theClaims({ ...address, emailVerified: axes.proven }),
    trusted: axes.trusted,
    owner: personOf(axes.owner),
    visitor: personOf(axes.visitor),
    namesakes: accounts.map((account) => ({
      account,
      identities: [anIdentity(account.id, { provider: axes.sameProvider ? 'google' : 'github' })],
      isInvited: axes.holder === 'invited',
    })),
    policy: { autoRegister: axes.autoRegister, linkByVerifiedEmail: axes.linkByVerifiedEmail },
    separate: axes.separate,
  }
}

const table: readonly Row[] = everything.map((axes) => {
  const evidence = evidenceOf(axes)
  return { axes, evidence, decision: decide(evidence) }
})
const rows = (which: (row: Row) => boolean): readonly Row[] => {
  const chosen = table.filter(which)
  expect(chosen.length).toBeGreaterThan(0)
  return chosen
}
/** Fails with the combination that breaks the rule. */
const always = (which: (row: Row) => boolean, law: (row: Row) => boolean): void =>
  expect(
    rows(which)
      .filter((row) => !law(row))
      .map(({ axes, decision }) => ({ ...axes, ...decision })),
  ).toEqual([])

const stranger = ({ axes }: Row): boolean => axes.owner === 'none' && axes.visitor === 'none'
const verifiedHolder = ({ axes }: Row): boolean => axes.holder.startsWith('verified')

test('the table contains every combination', () => {
  expect(table).toHaveLength(4 * 3 * 6 * 2 ** 7)
})

describe('a known identity', () => {
  test('signs in to its own account and no other', () => {
    always(
      ({ decision }) => decision.tag === 'enter',
      ({ evidence, decision }) => decision.tag === 'enter' && decision.account === evidence.owner,
    )
  })

  test('signs in whatever the email addresses, policies and conflicts are', () => {
    always(
      ({ axes }) => axes.owner === 'another' && axes.visitor === 'none',
      ({ decision }) => decision.tag === 'enter',
    )
  })

  test('that the signed-in user already has changes nothing', () => {
    always(
      ({ axes }) => axes.owner === 'somebody' && axes.visitor === 'somebody',
      ({ decision }) => decision.tag === 'enter',
    )
  })

  test('of another user is refused to the signed-in user', () => {
    always(
      ({ evidence: { owner, visitor } }) => owner !== undefined && visitor !== undefined && owner.id !== visitor.id,
      ({ decision }) => decision.tag === 'refuse' && decision.code === 'identity_already_linked',
    )
  })

  test('never makes a second account or a second link', () => {
    always(
      ({ axes }) => axes.owner !== 'none',
      ({ decision }) => decision.tag === 'enter' || decision.tag === 'refuse',
    )
  })

  test('of a disabled account is refused', () => {
    always(
      ({ axes }) => axes.owner === 'disabled' && axes.visitor === 'none',
      ({ decision }) => decision.tag === 'refuse' && decision.code === 'user_disabled',
    )
  })
})

describe('a signed-in user', () => {
  test('links a new identity with any email address', () => {
    always(
      ({ axes }) => axes.owner === 'none' && axes.visitor === 'somebody',
      ({ decision }) => decision.tag === 'link' && decision.account === somebody && decision.how === 'on_purpose',
    )
  })

  test('whose account is disabled links nothing', () => {
    always(
      ({ axes }) => axes.visitor === 'disabled',
      ({ decision }) => decision.tag === 'refuse',
    )
  })
})

describe('an email address', () => {
  const byAddress = ({ decision }: Row): boolean => decision.tag === 'link' && decision.how !== 'on_purpose'
  const invited = ({ axes }: Row): boolean => axes.holder === 'invited'
  const linkable = (row: Row): boolean =>
    stranger(row) &&
    (verifiedHolder(row) || invited(row)) &&
    row.axes.proven &&
    row.axes.trusted &&
    row.axes.linkByVerifiedEmail &&
    !row.axes.administrator &&
    !row.axes.sameProvider &&
    !row.axes.separate

  test('links exactly when both sides verified it, or an administrator invited it and the provider verified it, the policy allows it and no rule forbids it', () => {
    always(
      () => true,
      (row) => byAddress(row) === (linkable(row) && row.axes.holder !== 'verified and disabled'),
    )
  })

  test('links only to the account that verified it, or that was created for it, and says which', () => {
    always(
      byAddress,
      (row) =>
        row.decision.tag === 'link' &&
        row.decision.account.id === 'usr_holder' &&
        row.decision.how === (invited(row) ? 'invitation' : 'verified_email') &&
        row.decision.account.emailVerified === !invited(row),
    )
  })

  test.each<[string, (row: Row) => boolean]>([
    ['the provider marks it as verified', ({ axes }) => !axes.proven],
    ['the provider is trusted for it', ({ axes }) => !axes.trusted],
    ['the account verified it or was created for it', (row) => !verifiedHolder(row) && !invited(row)],
    ['the policy allows it', ({ axes }) => !axes.linkByVerifiedEmail],
  ])('never links unless %s', (_, without) => {
    always(without, (row) => !byAddress(row))
  })

  test('never links an administrator', () => {
    always(
      ({ axes }) => axes.administrator,
      (row) => !byAddress(row),
    )
  })

  test('never links next to another identity of the same provider', () => {
    always(
      ({ axes }) => axes.sameProvider,
      (row) => !byAddress(row),
    )
  })

  test('never links for a user who chose a separate account', () => {
    always(
      ({ axes }) => axes.separate,
      (row) => !byAddress(row),
    )
  })

  test('of a disabled account, verified by both sides, is refused', () => {
    always(
      (row) => linkable(row) && row.axes.holder === 'verified and disabled',
      ({ decision }) => decision.tag === 'refuse' && decision.code === 'user_disabled',
    )
  })

  test('that matches in any other way opens a conflict', () => {
    always(
      (row) => stranger(row) && !row.axes.separate && row.axes.holder !== 'none' && !linkable(row),
      ({ decision }) => decision.tag === 'ask',
    )
  })

  test('never signs a user in to an account', () => {
    always(
      ({ axes }) => axes.owner === 'none',
      ({ decision }) => decision.tag !== 'enter',
    )
  })
})

describe('an account', () => {
  const opening = (row: Row): boolean => stranger(row) && (row.axes.separate || row.axes.holder === 'none')

  test('is created for an unknown user, or one who chose a separate account', () => {
    always(
      (row) => opening(row) && row.axes.autoRegister,
      ({ decision }) => decision.tag === 'create',
    )
  })

  test('is not created while sign-up is closed', () => {
    always(
      (row) => opening(row) && !row.axes.autoRegister,
      ({ decision }) => decision.tag === 'refuse' && decision.code === 'user_creation_disabled',
    )
  })

  test('is created in no other case', () => {
    always(({ decision }) => decision.tag === 'create', opening)
  })

  test('can be created separately, even when another account claims the email address', () => {
    always(
      (row) => stranger(row) && row.axes.separate && row.axes.autoRegister,
      ({ decision }) => decision.tag === 'create',
    )
  })

  test('has a verified email address exactly when it was verified here and not there', () => {
    always(
      ({ decision }) => decision.tag === 'create',
      (row) =>
        row.decision.tag === 'create' &&
        row.decision.emailVerified === (row.axes.proven && row.axes.trusted && !verifiedHolder(row)),
    )
  })
})

test('an account gets no email address that as many accounts claim as may, unless its person proves it', () => {
  const evidence = evidenceOf({ ...(everything[0] as Axes), autoRegister: true, separate: true })
  const claims = (count: number, proven: boolean): Evidence => ({
    ...evidence,
    claims: theClaims({ ...address, emailVerified: proven }),
    trusted: true,
    namesakes: Array.from({ length: count }, () => ({ account: anAccount(address), identities: [] })),
  })
  expect(decide(claims(mostClaims - 1, false))).toEqual({ tag: 'create', emailVerified: false })
  expect(decide(claims(mostClaims, false))).toEqual({ tag: 'create', emailVerified: false, withoutEmail: true })
  expect(decide(claims(mostClaims, true))).toEqual({ tag: 'create', emailVerified: true })
})

test('an identity without an email address never opens a conflict: nothing matches', () => {
  const evidence = {
    ...evidenceOf({ ...(everything[0] as Axes), autoRegister: true }),
    claims: theClaims({ email: null, emailVerified: true }),
    trusted: true,
  }
  expect(decide(evidence)).toEqual({ tag: 'create', emailVerified: false })
})

/**
 * Where a provider verified several email addresses, each counts by the rules above: the result must not depend on
 * their order, and two matches open a conflict.
 */
describe('several email addresses', () => {
  type Of = 'nobody' | 'holder' | 'another holder' | 'claimant' | 'administrator' | 'disabled' | 'same provider'
  const namesakesOf: { readonly [N in Of]: Evidence['namesakes'] } = (() => {
    const one = (given: Partial<Account>, provider = 'google') => {
      const account = anAccount({ emailVerified: true, ...given })
      return [{ account, identities: [anIdentity(account.id, { provider })] }]
    }
    return {
      nobody: [],
      holder: one({ id: 'usr_holder' }),
      'another holder': one({ id: 'usr_other' }),
      claimant: one({ id: 'usr_claimant', emailVerified: false }),
      administrator: one({ id: 'usr_admin', role: 'administrator' }),
      disabled: one({ id: 'usr_disabled', disabledAt }),
      'same provider': one({ id: 'usr_same' }, 'github'),
    }
  })()
  const decided = (primary: Of, others: readonly Of[], given: Partial<Evidence> = {}): string => {
    const decision = decide({
      provider: 'github',
      claims: theClaims({ email: 'primary@example.com', otherEmails: others.map((_, n) => `other-${n}@example.com`) }),
      trusted: true,
      othersTrusted: true,
      owner: undefined,
      visitor: undefined,
      namesakes: namesakesOf[primary],
      others: others.map((one, n) => ({ email: `other-${n}@example.com`, namesakes: namesakesOf[one] })),
      policy: { autoRegister: true, linkByVerifiedEmail: true },
      separate: false,
      ...given,
    })
    if (decision.tag === 'link' && decision.how === 'verified_email')
      return `${decision.account.id} by ${decision.email}`
    return decision.tag === 'refuse' ? decision.code : decision.tag
  }

  test.each<[Of, Of[], string]>([
    ['nobody', ['nobody'], 'create'],
    ['nobody', ['holder'], 'usr_holder by other-0@example.com'],
    ['nobody', ['nobody', 'holder'], 'usr_holder by other-1@example.com'],
    ['holder', ['nobody'], 'usr_holder by primary@example.com'],
    ['holder', ['holder'], 'usr_holder by primary@example.com'],
    ['nobody', ['holder', 'another holder'], 'ask'],
    ['holder', ['another holder'], 'ask'],
    ['another holder', ['holder'], 'ask'],
    ['holder', ['claimant'], 'ask'],
    ['claimant', ['holder'], 'ask'],
    ['nobody', ['claimant'], 'ask'],
    ['nobody', ['administrator'], 'ask'],
    ['holder', ['administrator'], 'ask'],
    ['nobody', ['same provider'], 'ask'],
    ['nobody', ['disabled'], 'user_disabled'],
    ['holder', ['disabled'], 'ask'],
  ])('%s and %j lead to: %s', (primary, others, outcome) => {
    expect(decided(primary, others)).toBe(outcome)
  })

  test.each<[string, Partial<Evidence>, string]>([
    ['the provider is not trusted for them', { othersTrusted: false }, 'ask'],
    ['the policy forbids it', { policy: { autoRegister: true, linkByVerifiedEmail: false } }, 'ask'],
    ['the user chose a separate account', { separate: true }, 'create'],
    ['the primary address is not verified', { trusted: false }, 'usr_holder by other-0@example.com'],
    ['there is no primary address', { claims: theClaims({ email: null }) }, 'usr_holder by other-0@example.com'],
  ])('are decided one at a time: %s', (_name, given, outcome) => {
    expect(decided('nobody', ['holder'], given)).toBe(outcome)
  })

  test('never give a new account an address other than the primary one', () => {
    expect(provenEmails(theClaims({ email: null, emailVerified: false, otherEmails: ['a@b.example'] }), true)).toEqual(
      [],
    )
    const claims = theClaims({ email: null, emailVerified: false })
    const evidence = { claims, others: [], policy: { autoRegister: true, linkByVerifiedEmail: true } }
    expect(decided('nobody', [], evidence)).toBe('create')
  })
})
