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

/** The public metadata of an account, as it is returned. */
export const PublicMetadata = z
  .record(z.string(), z.unknown())
  .meta({ id: 'PublicMetadata', description: 'Any JSON object: at most 50 keys, 4 levels and 4096 bytes' })
export const Metadata = z
  .object({ public: PublicMetadata.describe('What the user and applications with the scope `metadata` may read') })
  .meta({ id: 'Metadata', description: 'What administrators and back ends recorded about an account' })

export const userOf = ({ id, email, emailVerified, name, picture }: Account): z.input<typeof User> => ({
  id,
  email,
  email_verified: emailVerified,
  name,
  picture,
})

export const accountMetadataOf = ({ metadata }: Pick<Account, 'metadata'>): z.input<typeof Metadata> => ({
  public: { ...metadata.public },
})
