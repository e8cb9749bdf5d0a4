import { z } from 'zod'
import { paths } from '../../applications/metadata.ts'
import { fail } from '../../errors/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import { json } from '../reply.ts'
import { route } from '../route.ts'
import { PublicMetadata } from '../schemas/account.ts'
import type { Services } from '../services.ts'

const UserInfo = z
  .object({
    sub: z.string().describe('The account ID, or the pairwise subject for this application'),
    name: z.string().optional().describe('The display name, with the scope `profile`'),
    picture: z.string().optional().describe('The URL of a picture, with the scope `profile`'),
    locale: z.string().optional().describe('The language, with the scope `profile`'),
    updated_at: z.number().int().optional().describe('When the profile changed, with the scope `profile`'),
    email: z.string().optional().describe('The email address, with the scope `email`'),
    email_verified: z.boolean().optional().describe('Whether the email address is verified'),
    teams: z
      .array(
        z.object({
          id: z.string().describe('The team ID'),
          name: z.string().describe('The name of the team'),
          role: z.string().describe('The role of the user in the team'),
        }),
      )
      .optional()
      .describe('The teams of the user, with the scope `teams`'),
    metadata: PublicMetadata.optional().describe('The public metadata of the account, with the scope `metadata`'),
  })
  .meta({ id: 'UserInfo', description: 'The claims of the user' })

/** What a person's own token shows: everything an application could be allowed to see. */
const ownScopes = ['openid', 'profile', 'email', 'teams', 'metadata']

const userinfo = (method: 'get' | 'post') =>
  route({
    tag: 'OpenID provider',
    surface: 'api',
    method,
    path: paths.userinfo,
    auth: 'user',
    limit: 'account',
    anyOrigin: true,
    applications: ['openid'],
    summary: method === 'get' ? 'Get the claims of the user' : 'Get the claims of the user by POST',
    description: 'The claims that the scopes of the access token allow (OpenID Connect Core §5.3).',
    example: { response: { sub: 'usr_00000001', name: 'Pat', email: 'pat@example.com', email_verified: true } },
    reply: () => UserInfo,
    fails: ['user_not_found'],
    async handle({ who }, { flows }: Services) {
      const scopes = who.application === null ? ownScopes : who.scopes
      const claims = await flows.readUserClaims(who.accountId, scopes.join(' '))
      if (!claims) return fail('user_not_found')
      const { teams, ...rest } = claims
      return ok(json({ ...rest, sub: who.subject, ...(teams === undefined ? {} : { teams: [...teams] }) }))
    },
  })

export const userInfoRoutes = [userinfo('get'), userinfo('post')]
