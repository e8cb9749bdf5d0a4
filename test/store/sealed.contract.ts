import { describe, expect, test } from 'vitest'
import { mail } from './mails.contract.ts'
import { key, newId, type Opened } from './people.ts'

/** What every store promises about its encrypted values. */
export function sealedContract(opened: () => Opened): void {
  const sealed = () => opened().store.sealed
  const post = async (secret: string | null): Promise<string> => {
    const message = mail({ id: newId('eml'), secret })
    await opened().store.mails.post(message)
    return message.id
  }

  describe('an encrypted value', () => {
    test('is counted by the exact name of its key', async () => {
      for (const secret of ['v1.k_1.x', 'v1.ka1.x', 'v1.k_11.x', 'v1.K_1.x', null]) await post(secret)
      expect(await sealed().otherThan('k_1')).toEqual([{ table: 'mails', values: 3 }])
      expect(await sealed().otherThan('k_11')).toEqual([{ table: 'mails', values: 3 }])
      expect(await sealed().otherThan('k')).toEqual([{ table: 'mails', values: 4 }])
    })

    test('is listed once in the order of rows, with its place', async () => {
      const ids: string[] = []
      for (let n = 0; n < 5; n++) ids.push(await post(n === 2 ? 'v1.new.x' : `v1.old.${n}`))
      const walked: string[] = []
      for (let after = ''; ; ) {
        const values = await sealed().next('mails', 'new', after, 2)
        const last = values.at(-1)
        if (!last) break
        walked.push(...values.map(({ row }) => row))
        expect(last).toMatchObject({ table: 'mails', column: 'secret', place: `mails/${last.row}/secret` })
        after = last.row
      }
      expect(walked).toEqual(ids.filter((_, n) => n !== 2).sort())
      expect(await sealed().next('nowhere', 'new', '', 9)).toEqual([])
    })

    test('is replaced if it is unchanged, and left alone where it was written in the meantime', async () => {
      await opened().store.keys.add(key({ secret: 'v1.old.a', sequence: 1 }), [])
      await opened().store.keys.add(key({ secret: 'v1.old.b', sequence: 2 }), [])
      const [one, other] = await sealed().next('signing_keys', 'new', '', 9)
      if (!one || !other) throw new Error('both are there')
      expect(await sealed().replace([{ value: one, fresh: 'v1.new.a' }])).toBe(1)
      expect(
        await sealed().replace([
          { value: one, fresh: 'v1.new.late' },
          { value: other, fresh: 'v1.new.b' },
        ]),
      ).toBe(1)
      expect((await opened().store.keys.list()).map(({ secret }) => secret).sort()).toEqual(['v1.new.a', 'v1.new.b'])
      expect(await sealed().otherThan('new')).toEqual([])
    })
  })
}
