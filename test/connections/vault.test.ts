import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { UnopenableError } from '../../src/kernel/crypto.ts'
import { databases } from '../support/databases.ts'
import { type LentTokens, lentTokens } from '../support/lent-tokens.ts'
import { newSealer } from '../support/sealers.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

describe.each(databases)('what a provider lent, on $name,', ({ place }) => {
  const { clock } = createStoppedClock()
  let at: LentTokens
  beforeAll(async () => {
    at = await lentTokens(await place(), { clock, sealer: newSealer() })
  })
  afterAll(() => at.store.close())

  test('comes back as it was', async () => {
    const grant = await at.lent(3600, { accessToken: 'access-1', refreshToken: 'refresh-1', scopes: ['a', 'b'] })
    expect(await at.open(grant)).toMatchObject({
      accessToken: 'access-1',
      refreshToken: 'refresh-1',
      scopes: ['a', 'b'],
      expiresAt: grant.tokens.expiresAt,
      status: 'healthy',
    })
  })

  test('lies sealed, and none of it can be read in the row', async () => {
    const grant = await at.lent(3600, { accessToken: 'plain-access', refreshToken: 'plain-refresh' })
    const row = JSON.stringify(await at.vault.find(at.keyOf(grant)))
    expect(row).not.toContain('plain')
    expect(row).not.toContain(Buffer.from('plain-access').toString('base64url'))
  })

  test('keeps its refresh token when a later sign-in brings none', async () => {
    const grant = await at.lent(3600, { refreshToken: 'the only one' })
    await at.vault.keep({ ...grant, tokens: { ...grant.tokens, accessToken: 'newer', refreshToken: null } })
    expect(await at.open(grant)).toMatchObject({ accessToken: 'newer', refreshToken: 'the only one' })
  })

  test('gets the new refresh token when there is one, in the same row', async () => {
    const grant = await at.lent(3600, { refreshToken: 'first' })
    const { id } = await at.open(grant)
    await at.vault.keep({ ...grant, tokens: { ...grant.tokens, refreshToken: 'second' } })
    expect(await at.open(grant)).toMatchObject({ id, refreshToken: 'second' })
  })

  test('is healthy again after a new consent', async () => {
    const grant = await at.lent(3600)
    const { id, fence } = await at.open(grant)
    await at.store.grants.died(id, fence, clock(), [])
    expect(await at.open(grant)).toMatchObject({ status: 'needs_reauthorization' })
    await at.vault.keep(grant)
    expect(await at.open(grant)).toMatchObject({ status: 'healthy' })
  })

  test('opens in no other row, and in no other column', async () => {
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
