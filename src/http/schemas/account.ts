import { z } from 'zod'
import type { Account } from '../../kernel/account.ts'

export const User = z
  .object({
    id: z.string().describe('The account ID; it never changes'),
    email: z.string().nullable().describe('The email address; null if the account has none'),
    email_verified: z.boolean().describe('Whether the email address is verified'),
    name: z.string().nullable().describe('The display name'),
    picture: z.string().nullable().describe('The URL of the picture'),
  })
  .meta({ id: 'User', description: 'An account' })

export const userOf = ({ id, email, emailVerified, name, picture }: Account): z.input<typeof User> => ({
  id,
  email,
  email_verified: emailVerified,
  name,
  picture,
})
