import { beforeEach, describe, expect, expectTypeOf, test } from 'vitest'
import { fail } from '../../src/errors/catalogue.ts'
import { type Bus, createBus } from '../../src/events/bus.ts'
import {
  type AuditName,
  type Event,
  eventCatalogue,
  type Fact,
  type FactName,
  internalOrigin,
} from '../../src/events/catalogue.ts'
import { ok } from '../../src/kernel/result.ts'
import { eventNames, recordEvents } from '../support/recorded-events.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

const { clock } = createStoppedClock()
let bus: Bus
let told: Event[]
beforeEach(() => {
  bus = createBus(clock)
  told = recordEvents(bus)
})
const names = (): string[] => told.map(({ name }) => name)

describe('a fact', () => {
  test('reaches listeners for its name only, with its time', () => {
    const heard: Event[] = []
    bus.on('cache', ['user_info_cache.read'], (event) => heard.push(event))
    bus.emit('user_info_cache.read', { provider: 'google', hit: true })
    bus.emit('session.refreshed', { result: 'rotated' })
    expect(heard).toEqual([{ name: 'user_info_cache.read', at: clock(), data: { provider: 'google', hit: true } }])
    expect(names()).toEqual(['user_info_cache.read', 'session.refreshed'])
  })

  test('that is audited contains its account and origin', () => {
    const fact: Fact = { name: 'account.created', accountId: 'usr_1', origin: internalOrigin, data: { via: 'google' } }
    bus.publish(fact)
    expect(told).toEqual([{ ...fact, at: clock() }])
  })

  test('that is audited cannot be emitted: only the store that recorded it publishes it', () => {
    const emitted = (): void => {
      // @ts-expect-error account.created is an audited fact
      bus.emit('account.created', { via: 'google' })
      // @ts-expect-error so is every name that may be one
      bus.emit('account.created' as FactName, { via: 'google' })
    }
    expect(emitted).toBeTypeOf('function')
    expectTypeOf<Parameters<typeof bus.emit>[0]>().toEqualTypeOf<Exclude<FactName, AuditName>>()
  })
})

describe('a span', () => {
  const provider = { provider: 'google' }

  test('that succeeds emits a start, then a stop with its duration and result', async () => {
    const result = await bus.span(
      'oauth.user_info_fetch',
      provider,
      async () => ok('profile'),
      () => ({ from_cache: true }),
    )
    expect(result).toEqual(ok('profile'))
    expect(told).toEqual([
      { name: 'oauth.user_info_fetch.start', at: clock(), data: provider },
      {
        name: 'oauth.user_info_fetch.stop',
        at: clock(),
        ms: expect.any(Number),
        data: { ...provider, from_cache: true },
      },
    ])
  })

  test('that fails ends in an exception with the code', async () => {
    const result = await bus.span(
      'oauth.token_exchange',
      provider,
      async () => fail('access_denied', provider),
      () => ({}),
    )
    expect(result).toMatchObject({ ok: false, error: { code: 'access_denied' } })
    expect(told[1]).toEqual({
      name: 'oauth.token_exchange.exception',
      at: clock(),
      ms: expect.any(Number),
      code: 'access_denied',
      data: provider,
    })
    expect(told).toHaveLength(2)
  })

  test('that throws ends in an exception, and still throws', async () => {
    const defect = new Error('a defect')
    await expect(
      bus.span(
        'oauth.token_exchange',
        provider,
        () => Promise.reject<ReturnType<typeof ok<string>>>(defect),
        () => ({}),
      ),
    ).rejects.toBe(defect)
    expect(told[1]).toMatchObject({ name: 'oauth.token_exchange.exception', code: 'internal' })
    expect(told).toHaveLength(2)
  })
})

describe('an event without a listener', () => {
  test('is not built, and is heard by a listener that comes later', async () => {
    const quiet = createBus(clock)
    const built: string[] = []
    const work = () =>
      quiet.span(
        'oauth.user_info_fetch',
        { provider: 'google' },
        async () => ok('profile'),
        () => {
          built.push('an outcome')
          return { from_cache: true }
        },
      )
    await work()
    expect(built).toEqual([])
    const heard: Event[] = []
    quiet.on('late', ['oauth.user_info_fetch.stop'], (event) => heard.push(event))
    await work()
    expect(built).toEqual(['an outcome'])
    expect(heard).toMatchObject([{ name: 'oauth.user_info_fetch.stop', data: { from_cache: true } }])
  })
})

describe('an event handler that throws', () => {
  test('is reported, and affects neither the emitter nor the other handlers', () => {
    const [before, after]: string[][] = [[], []]
    bus.on('before', ['session.refreshed'], () => before?.push('heard'))
    bus.on('broken', ['session.refreshed'], () => {
      throw new TypeError('password=hunter2')
    })
    bus.on('after', ['session.refreshed'], () => after?.push('heard'))
    bus.emit('session.refreshed', { result: 'rotated' })
    bus.emit('session.refreshed', { result: 'rotated' })
    expect([before, after]).toEqual([
      ['heard', 'heard'],
      ['heard', 'heard'],
    ])
    // Once a minute, however often it throws.
    expect(told.filter(({ name }) => name === 'handler.failed')).toEqual([
      {
        name: 'handler.failed',
        at: clock(),
        data: { handler: 'broken', heard: 'session.refreshed', reason: 'TypeError' },
      },
    ])
  })

  test('still receives later events', () => {
    const heard: string[] = []
    let ailing = true
    bus.on('recovering', ['session.refreshed'], ({ data }) => {
      if (ailing) throw new Error('the disk is full')
      heard.push(data.result)
    })
    bus.emit('session.refreshed', { result: 'rotated' })
    ailing = false
    bus.emit('session.refreshed', { result: 'replayed' })
    expect(heard).toEqual(['replayed'])
  })

  test('may throw any value', () => {
    for (const [n, thrown] of [null, undefined, Symbol('x'), Object.create(null), { toString: () => 1 }].entries()) {
      bus.on(`broken ${n}`, ['session.refreshed'], () => {
        throw thrown
      })
      expect(() => bus.emit('session.refreshed', { result: 'rotated' })).not.toThrow()
    }
    expect(names().filter((name) => name === 'handler.failed')).toHaveLength(5)
  })

  test('may throw on the report of its own failure', () => {
    for (const id of ['one', 'two'])
      bus.on(id, eventNames, () => {
        throw new Error('always')
      })
    bus.emit('session.refreshed', { result: 'rotated' })
    expect(names().filter((name) => name === 'handler.failed')).toHaveLength(2)
    told.length = 0
    bus.emit('session.refreshed', { result: 'rotated' })
    expect(names()).toEqual(['session.refreshed'])
  })
})

describe('the event catalogue', () => {
  test('describes each event', () => {
    for (const [name, { meaning }] of Object.entries(eventCatalogue)) expect(meaning, name).toMatch(/^\S.{10,}\S$/)
  })

  test('has no event name that ends like a span', () => {
    for (const name of Object.keys(eventCatalogue))
      expect(name).toMatch(/^[a-z_]+\.(?!start$|stop$|exception$)[a-z_]+$/)
  })

  test('has no payload field for a secret, an address or a name', () => {
    const members = Object.entries(eventCatalogue).flatMap(([name, { payload }]) =>
      Object.keys(payload.shape).map((key) => `${name}: ${key}`),
    )
    expect(
      members.filter((member) =>
        /: .*(token$|secret|password|verifier|cookie|email|address|name$|picture|agent|ip$)/.test(member),
      ),
    ).toEqual([])
  })

  test('audits every change of an account and every end of a session', () => {
    const audited: readonly AuditName[] = [
      'authentication.succeeded',
      'authentication.failed',
      'authentication.email_requested',
      'password.reset_requested',
      'account.email_change_requested',
      'account.email_verification_requested',
      'account.sessions_read',
      'audit.read',
      'audit.exported',
      'identity.link_started',
      'second_factor.started',
      'second_factor.cancelled',
      'account.created',
      'account.invited',
      'account.invitation_accepted',
      'account.invitation_withdrawn',
      'account.email_verified',
      'account.updated',
      'account.metadata_changed',
      'account.email_changed',
      'account.disabled',
      'account.enabled',
      'account.role_changed',
      'account.exported',
      'account.deleted',
      'account.email_claim_ended',
      'identity.linked',
      'identity.unlinked',
      'identity.unlink_refused',
      'conflict.opened',
      'conflict.resolved',
      'password.set',
      'password.changed',
      'password.reset',
      'password.removed',
      'password.reset_started',
      'second_factor.added',
      'second_factor.removed',
      'passkey.renamed',
      'recovery_codes.made',
      'recovery_code.used',
      'device.new',
      'application.registered',
      'application.registration_changed',
      'application.registration_deleted',
      'application.document_read',
      'application.expired',
      'registration_token.created',
      'registration_token.revoked',
      'provider.created',
      'provider.updated',
      'provider.tried',
      'provider.went_live',
      'provider.enabled',
      'provider.disabled',
      'provider.deleted',
      'provider.secret_expiring',
      'provider_token.extended',
      'provider_token.lent',
      'provider_token.withdrawn',
      'team.created',
      'team.renamed',
      'team.deleted',
      'team.invited',
      'team.invitation_withdrawn',
      'team.joined',
      'team.left',
      'team.role_changed',
      'jira.connected',
      'jira.sites_chosen',
      'jira.disconnected',
      'jira.drifted',
      'jira.needs_reauthorization',
      'branding.updated',
      'application.created',
      'application.updated',
      'application.deleted',
      'application.secret_rotated',
      'application.secret_ended',
      'application.withdrawn',
      'application.disabled',
      'application.enabled',
      'application.consented',
      'application.refused',
      'application.signed_in',
      'application.signed_out',
      'application.token_issued',
      'service_credential.created',
      'service_credential.rotated',
      'service_credential.revoked',
      'service_credential.refused',
      'session.ended',
      'session.renamed',
      'session.token_reused',
      'access.refused',
      'signing_key.rotated',
      'provider_token.needs_reauthorization',
      'provider_token.revoked',
    ]
    expect(
      Object.entries(eventCatalogue)
        .flatMap(([name, entry]) => ('audit' in entry ? [name] : []))
        .sort(),
    ).toEqual([...audited].sort())
  })
})
