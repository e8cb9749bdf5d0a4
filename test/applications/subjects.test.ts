/** What an application knows people by. */
import { expect, test } from 'vitest'
import { sectorOf } from '../../src/applications/policy.ts'
import { createSubjects, type SubjectOwner } from '../../src/applications/subjects.ts'

const shop: SubjectOwner = {
  id: 'app_1',
  subjectType: 'pairwise',
  redirectUris: ['https://shop.example.org/callback'],
  sectorIdentifierUri: null,
}
const subjects = createSubjects({ key: Buffer.alloc(32, 1) })

test('a subject is the same for each sign-in and each application of a sector', () => {
  const [sub, sid] = [subjects.of(shop, 'usr_1'), subjects.sidOf(shop, 'ses_1')]
  expect([subjects.of(shop, 'usr_1'), subjects.sidOf(shop, 'ses_1')]).toEqual([sub, sid])
  expect(subjects.of({ ...shop, id: 'app_2', redirectUris: ['https://shop.example.org/other'] }, 'usr_1')).toBe(sub)
})

test('a subject differs for each person, sector and key, and a session never has the ID of a person', () => {
  const all = [
    subjects.of(shop, 'usr_1'),
    subjects.of(shop, 'usr_2'),
    subjects.of({ ...shop, redirectUris: ['https://other.example.org/'] }, 'usr_1'),
    createSubjects({ key: Buffer.alloc(32, 2) }).of(shop, 'usr_1'),
    subjects.sidOf(shop, 'usr_1'),
  ]
  expect(new Set(all).size).toBe(all.length)
})

test('a public application knows account and session by our own IDs', () => {
  const open: SubjectOwner = { ...shop, subjectType: 'public' }
  expect([subjects.of(open, 'usr_1'), subjects.sidOf(open, 'ses_1')]).toEqual(['usr_1', 'ses_1'])
})

test.each([
  [['https://shop.example.org/callback', 'http://localhost:5173/'], null, 'shop.example.org'],
  [['https://shop.example.org:8443/callback'], null, 'shop.example.org:8443'],
  [['https://a.example/', 'https://b.example/'], 'https://sector.example/list.json', 'sector.example'],
  // A loopback host and a private scheme are shared by applications that have nothing to do with each other.
  [['http://127.0.0.1/callback', 'org.example.shop:/callback'], null, 'app_1'],
  [[], null, 'app_1'],
] as const)('the sector of %j with %j is %s', (redirectUris, sectorIdentifierUri, sector) => {
  expect(sectorOf({ id: 'app_1', redirectUris, sectorIdentifierUri })).toBe(sector)
})
