import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { UnopenableError } from '../../src/kernel/crypto.ts'
import type { TokenGrant } from '../../src/providers/provider.ts'
import { databasesAboveStore } from '../support/databases.ts'
import { type LentTokens, lentTokens } from '../support/lent-tokens.ts'
import { newSealer } from '../support/sealers.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

describe.each(databasesAboveStore)('provider tokens, on $name,', ({ place }) => {
  const { clock, turn } = createStoppedClock()
  let at: LentTokens
  beforeAll(async () => {
    at = await lentTokens(await place(), { clock, sealer: newSealer() })
  })
  afterAll(() => at.store.close())

  test('are read back unchanged', async () => {
    const grant = await at.lent(3600, { accessToken: 'access-1', refreshToken: 'refresh-1', scopes: ['a', 'b'] })
    expect(await at.open(grant)).toMatchObject({
      accessToken: 'access-1',
      refreshToken: 'refresh-1',
      scopes: ['a', 'b'],
      expiresAt: grant.tokens.expiresAt,
      status: 'healthy',
    })
  })

  test('are stored encrypted, and none can be read in the row', async () => {
    const grant = await at.lent(3600, { accessToken: 'plain-access', refreshToken: 'plain-refresh' })
    const row = JSON.stringify(await at.vault.find(at.keyOf(grant)))
    expect(row).not.toContain('plain')
    expect(row).not.toContain(Buffer.from('plain-access').toString('base64url'))
  })

  test('keep the refresh token when a later sign-in returns none', async () => {
    const grant = await at.lent(3600, { refreshToken: 'the only one' })
    await at.vault.keep({ ...grant, tokens: { ...grant.tokens, accessToken: 'newer', refreshToken: null } })
    expect(await at.open(grant)).toMatchObject({ accessToken: 'newer', refreshToken: 'the only one' })
  })

  test('do not regain a dead refresh token', async () => {
    const grant = await at.lent(3600, { refreshToken: 'dead' })
    const { id, fence } = await at.open(grant)
    await at.store.grants.died(id, fence, clock(), [])
    await at.vault.keep({ ...grant, tokens: { ...grant.tokens, refreshToken: null } })
    expect(await at.open(grant)).toMatchObject({ id, status: 'healthy', refreshToken: null, dueAt: null })
  })

  test('get a new refresh token in the same row', async () => {
    const grant = await at.lent(3600, { refreshToken: 'first' })
    const { id } = await at.open(grant)
    await at.vault.keep({ ...grant, tokens: { ...grant.tokens, refreshToken: 'second' } })
    expect(await at.open(grant)).toMatchObject({ id, refreshToken: 'second' })
  })

  test('are healthy again after a new consent', async () => {
    const grant = await at.lent(3600)
    const { id, fence } = await at.open(grant)
    await at.store.grants.died(id, fence, clock(), [])
    expect(await at.open(grant)).toMatchObject({ status: 'needs_reauthorization' })
    await at.vault.keep(grant)
    expect(await at.open(grant)).toMatchObject({ status: 'healthy' })
  })

  describe('of an extended grant', () => {
    const wide = { refreshToken: 'wide', accessToken: 'wide', scopes: ['read:me', 'read:jira-work'] }
    const signedIn = (grant: TokenGrant, changes: Partial<TokenGrant['tokens']> = {}): TokenGrant => ({
      ...grant,
      asked: ['read:me'],
      tokens: { ...grant.tokens, accessToken: 'narrow', refreshToken: 'narrow', scopes: ['read:me'], ...changes },
    })
    const given = async (): Promise<TokenGrant> => {
      const grant = { ...(await at.lent(3600, wide)), asked: wide.scopes }
      await at.vault.keep(grant, 'person', 'on_purpose')
      return grant
    }

    test('are not narrowed by a regular sign-in, which only counts as use', async () => {
      const grant = await given()
      const before = await at.open(grant)
      turn(600)
      await at.vault.keep(signedIn(grant))
      expect(await at.open(grant)).toEqual({ ...before, usedAt: clock() })
    })

    test('are due for renewal again when the user signs in after a long time', async () => {
      const grant = await given()
      turn(40 * 24 * 3600)
      await at.vault.keep(signedIn(grant))
      expect(await at.open(grant)).toMatchObject({ accessToken: 'wide', usedAt: clock(), dueAt: clock() })
    })

    test('are replaced by a consent on purpose, even with fewer scopes', async () => {
      const grant = await given()
      await at.vault.keep(signedIn(grant), 'person', 'on_purpose')
      expect(await at.open(grant)).toMatchObject({
        accessToken: 'narrow',
        refreshToken: 'narrow',
        scopes: ['read:me'],
        askedScopes: ['read:me'],
      })
    })

    test('are replaced by a sign-in with as many scopes, and by any once the grant is dead', async () => {
      const grant = await given()
      await at.vault.keep(signedIn(grant, { scopes: wide.scopes }))
      expect(await at.open(grant)).toMatchObject({ accessToken: 'narrow', scopes: wide.scopes })
      const { id, fence } = await at.open(grant)
      await at.store.grants.died(id, fence, clock(), [])
      await at.vault.keep(signedIn(grant, { accessToken: 'all there is' }))
      // A scope requested once stays requested: it is missing now.
      expect(await at.open(grant)).toMatchObject({
        accessToken: 'all there is',
        scopes: ['read:me'],
        askedScopes: wide.scopes,
        status: 'healthy',
      })
    })

    test('are separate for a person and a team', async () => {
      const grant = await given()
      await at.vault.keep(signedIn(grant), 'team_1')
      expect(await at.open(grant)).toMatchObject({ accessToken: 'wide' })
      const ofTeam = await at.vault.find({ ...at.keyOf(grant), holder: 'team_1' })
      expect(ofTeam).toMatchObject({ scopes: ['read:me'], askedScopes: ['read:me'] })
    })
  })

  test('can be decrypted in no other row and no other column', async () => {
    const [mine, theirs] = [await at.lent(3600), await at.lent(3600)]
    const [a, b] = [await at.vault.find(at.keyOf(mine)), await at.vault.find(at.keyOf(theirs))]
    if (!a || !b) throw new Error('both were kept')
    expect(() => at.vault.open(a.id, b)).toThrow(UnopenableError)
    expect(() => at.vault.open(a.id, { accessToken: a.refreshToken ?? '', refreshToken: null })).toThrow(
      UnopenableError,
    )
    expect(() => at.vault.open(a.id, { accessToken: a.accessToken, refreshToken: a.accessToken })).toThrow(
      UnopenableError,
    )
  })
})
