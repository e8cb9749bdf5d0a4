/** Entra ID for any tenant, end to end: one provider with one issuer for each tenant. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DISCOVERY, issuersAt, TENANTS } from '../../sandbox/providers/oidc-guises.ts'
import { aboveStore, authOf, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

describe.each(aboveStore('SQLite'))('a multi-tenant provider, on %s', (database) => {
  let world: World
  let open: Awaited<ReturnType<World['another']>>
  let narrow: Awaited<ReturnType<World['another']>>
  const subject = 'the same subject in two tenants'
  beforeAll(async () => {
    world = await startWorld({ database })
    const { url } = world.sandbox
    const entra = { ACME_ISSUER: issuersAt(url).entra, ACME_DISCOVERY_URL: `${url}/oidc${DISCOVERY.entra}` }
    open = await world.another({ ...entra, ACME_TENANTS: 'any' })
    narrow = await world.another({ ...entra, ACME_TENANTS: TENANTS.contoso })
  })
  beforeEach(() => {
    world.sandbox.switches.oidc.like = 'entra'
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  const employee = (tid: string) => world.newcomer({}, { oidc: { tid } })
  const signIn = async (who: string, at = open.base) => authOf(await world.enter('acme', who, { at }))

  test('recognizes users by the issuer of their tenant, which is stored with the identity', async () => {
    const who = employee(TENANTS.fabrikam)
    const first = await signIn(who)
    expect(first.action).toBe('created_new_user')
    const again = await signIn(who)
    expect([again.action, again.user.id]).toEqual(['login_existing', first.user.id])
    const kept = (await world.dump('identities')).identities?.filter(({ account_id }) => account_id === first.user.id)
    const issuer = issuersAt(world.sandbox.url).entra.replace('{tenantid}', TENANTS.fabrikam)
    expect(kept).toMatchObject([{ provider: 'acme', issuer }])
    const [shown] = listIn(await world.call('GET', '/me/identities', { token: again.access_token, at: open.base }))
    expect(shown).toMatchObject({ token_status: 'healthy' })
    const path = `/me/identities/${shown?.id}/profile`
    expect((await world.call('GET', path, { token: again.access_token, at: open.base })).status).toBe(200)
  })

  test('has two users with one subject, one in each tenant', async () => {
    const who = employee(TENANTS.contoso)
    const contoso = world.sandbox.identities.get(who)?.oidc
    if (!contoso) throw new Error('they have an account there')
    contoso.sub = subject
    const first = await signIn(who)
    contoso.tid = TENANTS.fabrikam
    contoso.email = 'somebody.else@example.com'
    const second = await signIn(who)
    expect(second.action).toBe('created_new_user')
    expect(second.user.id).not.toBe(first.user.id)
  })

  test('never joins an account by email address', async () => {
    const who = employee(TENANTS.fabrikam)
    await world.signIn('google', who)
    expect(refusalOf(await world.enter('acme', who, { at: open.base }))).toEqual([409, 'account_conflict'])
  })

  test('with a tenant list refuses users of other tenants, and does not use their tokens', async () => {
    const who = employee(TENANTS.fabrikam)
    const { access_token: token } = await signIn(who)
    expect(refusalOf(await world.enter('acme', who, { at: narrow.base }))).toEqual([403, 'sign_in_restricted'])
    await signIn(employee(TENANTS.contoso), narrow.base)
    const [identity] = listIn(await world.call('GET', '/me/identities', { token, at: narrow.base }))
    expect(identity).toMatchObject({ token_status: 'none' })
    const methods = listIn(await world.call('GET', '/me/methods', { token, at: narrow.base }))
    expect(methods).toMatchObject([{ provider: 'acme', usable: false }])
  })

  test('renews tokens for the tenant they belong to', async () => {
    const who = employee(TENANTS.fabrikam)
    await signIn(who)
    const theirs = async () =>
      (await world.dump('grants')).grants?.find((row) => row.subject === world.sandbox.identities.get(who)?.oidc?.sub)
    const before = await theirs()
    world.turn(3600)
    await open.vinculum.runJob('renew-provider-tokens')
    const after = await theirs()
    expect(after).toMatchObject({ status: 'healthy', issuer: before?.issuer })
    expect(after?.access_token).not.toEqual(before?.access_token)
  })
})
