/** The scripted users, and how their data at a provider derives from them. No subject derives from an email address. */
import { createHash } from 'node:crypto'
import type { Person, ScriptedKey } from './look-alike.ts'

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
export const digits = (text: string, length: number): string =>
  (BigInt(`0x${digest(text)}`) % 10n ** BigInt(length)).toString().padStart(length, '7')
export const uuid = (text: string): string =>
  digest(text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')

export function givenAndFamily(name: string): { given_name: string; family_name?: string } {
  const [given = name, ...family] = name.split(' ')
  return { given_name: given, ...(family.length > 0 && { family_name: family.join(' ') }) }
}

export const SCRIPTED: readonly (Person & { key: ScriptedKey })[] = [
  {
    key: 'ada',
    name: 'Ada Example',
    email: 'ada@example.com',
    verified: true,
    title: 'Ada Example, ada@example.com, verified everywhere',
  },
  {
    key: 'grace',
    name: 'Grace Hopper',
    email: 'grace@gmail.com',
    verified: true,
    title: 'Grace Hopper, grace@gmail.com, not verified everywhere',
  },
  {
    key: 'linus',
    name: 'Linus Private',
    email: 'linus@example.org',
    verified: true,
    title: 'Linus Private, who hides the email address',
  },
  {
    key: 'mallory',
    name: 'Mallory Example',
    email: 'ada@example.com',
    verified: false,
    title: "Mallory, who claims Ada's email address without verification",
  },
  {
    key: 'zoe',
    name: 'Zoë 🦊',
    email: 'zoe@example.net',
    verified: true,
    title: 'Zoë 🦊, with many email addresses',
  },
]
