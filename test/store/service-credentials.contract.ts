import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ServiceCredential } from '../../src/credentials/ports.ts'
import type { Fact } from '../../src/events/catalogue.ts'
import { type Backend, later, newId, now, type Opened, open, origin } from './people.ts'

const credential = (given: Partial<ServiceCredential> = {}): ServiceCredential => ({
  id: newId('svc'),
  name: 'Shop',
  secretHash: newId('tkt'),
  previousHash: null,
  previousUntil: null,
  scopes: ['introspect'],
  createdBy: 'usr_1',
  createdAt: now,
  lastUsedAt: null,
  revokedAt: null,
  ...given,
})
const fact = (name: 'created' | 'rotated' | 'revoked', id: string): Fact => ({
  name: `service_credential.${name}`,
  accountId: null,
  origin,
  data: { credential: id, by: 'usr_1' },
})

/** What every store promises about service credentials. */
export function serviceCredentialContract({ emptied }: Pick<Backend, 'emptied'>): void {
  describe('service credentials', () => {
    let opened: Opened
    let store: Opened['store']['serviceCredentials']
    beforeEach(async () => {
      opened = await open(await emptied())
      store = opened.store.serviceCredentials
    })
    afterEach(() => opened.store.close())

    test('are read back as they were stored, newest first, with their facts', async () => {
      const [one, two] = [credential(), credential({ createdAt: later(1), scopes: [], createdBy: null })]
      await store.create(one, 500, [fact('created', one.id)])
      await store.create(two, 500, [])
      expect(await store.find(one.id)).toEqual(one)
      expect(await store.list()).toEqual([two, one])
      expect(await store.find('svc_nobody')).toBeUndefined()
      expect(opened.told).toEqual([fact('created', one.id)])
    })

    test('are limited in number while not revoked, however many are created concurrently', async () => {
      const all = await Promise.all(Array.from({ length: 8 }, () => store.create(credential(), 3, [])))
      expect(all.filter(Boolean)).toHaveLength(3)
      const [one, ...others] = await store.list()
      expect(others).toHaveLength(2)
      expect(opened.told).toEqual([])
      expect(await store.revoke(one?.id ?? '', now, [])).toBe(true)
      expect(await store.create(credential(), 3, [])).toBe(true)
      expect(await store.create(credential(), 3, [])).toBe(false)
    })

    test('keep the previous secret, and only that one, when they are rotated', async () => {
      const one = credential({ secretHash: 'first' })
      await store.create(one, 500, [])
      expect(await store.rotate(one.id, 'second', later(60), [fact('rotated', one.id)])).toEqual({
        ...one,
        secretHash: 'second',
        previousHash: 'first',
        previousUntil: later(60),
      })
      expect(await store.rotate(one.id, 'third', later(90), [])).toMatchObject({
        secretHash: 'third',
        previousHash: 'second',
        previousUntil: later(90),
      })
      expect(opened.told).toEqual([fact('rotated', one.id)])
    })

    test('are rotated one after the other by concurrent callers: the last two secrets work', async () => {
      const one = credential({ secretHash: 'first' })
      await store.create(one, 500, [])
      const secrets = ['a', 'b', 'c', 'd']
      await Promise.all(secrets.map((secret) => store.rotate(one.id, secret, later(60), [])))
      const { secretHash, previousHash } = (await store.find(one.id)) ?? {}
      expect(secrets).toContain(secretHash)
      expect(secrets).toContain(previousHash)
      expect(secretHash).not.toBe(previousHash)
    })

    test('are revoked once, and then neither listed nor rotated', async () => {
      const one = credential()
      await store.create(one, 500, [])
      const done = await Promise.all([1, 2, 3].map(() => store.revoke(one.id, later(1), [fact('revoked', one.id)])))
      expect(done.filter(Boolean)).toHaveLength(1)
      expect(opened.told).toEqual([fact('revoked', one.id)])
      expect(await store.list()).toEqual([])
      expect(await store.rotate(one.id, 'second', later(60), [fact('rotated', one.id)])).toBeUndefined()
      expect(await store.find(one.id)).toMatchObject({ revokedAt: later(1), secretHash: one.secretHash })
    })

    test('store their latest use, and no earlier one', async () => {
      const one = credential()
      await store.create(one, 500, [])
      await store.touch(one.id, later(60))
      await store.touch(one.id, later(30))
      expect((await store.find(one.id))?.lastUsedAt).toEqual(later(60))
    })
  })
}
