/** What administrators look at before and after they change a provider. */
import { z } from 'zod'
import { ok } from '../../kernel/result.ts'
import type { Trial } from '../../providers/managed.ts'
import { json } from '../reply.ts'
import { object, route } from '../route.ts'
import { managedProviderParams, pageSize, time } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import {
  answer,
  exampleLive,
  exampleVersion,
  Managed,
  providerOf,
  Version,
  versionOf,
} from './managed-provider-replies.ts'

const reading = { tag: 'Providers', surface: 'api', limit: 'account', auth: 'user', scope: 'providers:read' } as const

export const list = route({
  ...reading,
  method: 'get',
  path: '/providers',
  summary: 'List managed providers',
  description: 'All providers: those from the environment, and those that administrators added, with their drafts.',
  example: { response: [exampleLive] },
  reply: () => z.array(Managed),
  fails: [],
  handle: async (_, services: Services) =>
    ok(json((await services.flows.manageProviders.list()).map((one) => providerOf(one, services)))),
})

export const read = route({
  ...reading,
  method: 'get',
  path: '/providers/:id',
  summary: 'Get a managed provider',
  description: 'One provider with its live settings and its draft, without the values of secrets.',
  example: { response: exampleLive },
  params: managedProviderParams,
  reply: () => Managed,
  fails: ['provider_not_found'],
  handle: async ({ params }, services: Services) =>
    answer(await services.flows.manageProviders.find(params.id), services),
})

export const versions = route({
  ...reading,
  method: 'get',
  path: '/providers/:id/versions',
  summary: 'List versions of a provider',
  description: 'The draft, the live version and the newest former versions, newest first.',
  example: { response: [exampleVersion] },
  params: managedProviderParams,
  reply: () => z.array(Version),
  fails: ['provider_not_found', 'provider_not_editable'],
  async handle({ params }, { flows }: Services) {
    const found = await flows.manageProviders.versions(params.id)
    return found.ok ? ok(json(found.value.map(versionOf))) : found
  },
})

const Impact = z
  .object({
    affected: z
      .number()
      .int()
      .describe('How many accounts would have no usable sign-in method left, from this page on'),
    complete: z.boolean().describe('Whether all accounts with an identity at the provider were examined'),
    accounts: z
      .array(
        z
          .object({
            id: z.string().describe('The account ID'),
            email: z.string().nullable().describe('The email address'),
            name: z.string().nullable().describe('The display name'),
          })
          .meta({ id: 'AffectedAccount', description: 'An account that could not sign in any longer' }),
      )
      .describe('The affected accounts of this page'),
    next_cursor: z.string().nullable().describe('Where the next page starts; null if there is none'),
  })
  .meta({ id: 'ProviderImpact', description: 'Who could not sign in any longer without a provider' })

const subjectCursor = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,3000}$/)
  .transform((text) => Buffer.from(text, 'base64url').toString().replaceAll('\0', ''))
  .describe('The `next_cursor` of the previous page')

export const impact = route({
  ...reading,
  method: 'get',
  path: '/providers/:id/impact',
  summary: 'Show who depends on a provider',
  description:
    'The accounts that would have no usable sign-in method left without the provider, by the rules of unlinking. Look at it before you disable or delete the provider.',
  example: {
    response: {
      affected: 1,
      complete: true,
      accounts: [{ id: 'usr_00000002', email: 'pat@example.com', name: 'Pat' }],
      next_cursor: null,
    },
  },
  params: managedProviderParams,
  query: object({ cursor: subjectCursor.optional(), limit: pageSize(25) }),
  reply: () => Impact,
  fails: ['provider_not_found'],
  async handle({ params, query }, { flows }: Services) {
    const found = await flows.manageProviders.impactOf(params.id, { after: query.cursor ?? '', limit: query.limit })
    if (!found.ok) return found
    const { affected, accounts, next, isComplete } = found.value
    return ok(
      json({
        affected,
        complete: isComplete,
        accounts: accounts.map(({ id, email, name }) => ({ id, email, name })),
        next_cursor: next === null ? null : Buffer.from(next).toString('base64url'),
      }),
    )
  },
})

const TrialResult = z
  .object({
    version: z.number().int().describe('The number of the draft that was tried'),
    at: time.describe('When it was tried'),
    outcome: z.enum(['signed_in', 'failed']).describe('Whether the provider returned a profile'),
    code: z.string().nullable().describe('The error code of a trial that failed'),
    issuer: z.string().nullable().describe('The issuer of the subject'),
    claims: z
      .object({
        subject: z.string().describe('The subject at the provider'),
        email: z.string().nullable().describe('The email address'),
        email_verified: z.boolean().describe('Whether the provider has verified it'),
        name: z.string().nullable().describe('The name'),
        picture: z.string().nullable().describe('The URL of the picture'),
      })
      .nullable()
      .describe('What was read from the response of the provider'),
    scopes: z.array(z.string()).describe('The granted scopes'),
    missing_scopes: z.array(z.string()).describe('The requested scopes that were not granted'),
    email_trusted: z.boolean().describe('Whether the email address counts as proven'),
    restriction: z.string().nullable().describe('The error code if this person may not sign in with the provider'),
    decision: z
      .object({
        action: z
          .enum(['login_existing', 'linked_existing', 'created_new_user', 'account_conflict', 'refused'])
          .describe('What would happen'),
        account: z.string().nullable().describe('The ID of the account it leads to'),
        code: z.string().nullable().describe('The error code of a refusal'),
      })
      .nullable()
      .describe('What a sign-in of this person would do'),
  })
  .meta({ id: 'TrialResult', description: 'What a trial of a draft has shown' })

const trialOf = (trial: Trial): z.input<typeof TrialResult> => {
  const { version, at, outcome } = trial
  const nothing = {
    issuer: null,
    claims: null,
    scopes: [],
    missing_scopes: [],
    email_trusted: false,
    restriction: null,
  }
  if (trial.outcome === 'failed') return { version, at, outcome, ...nothing, code: trial.code, decision: null }
  const { subject, email, emailVerified, name, picture } = trial.claims
  const { action, accountId, code } = trial.decision
  return {
    version,
    at,
    outcome,
    code: null,
    issuer: trial.issuer,
    claims: { subject, email, email_verified: emailVerified, name, picture },
    scopes: [...trial.scopes],
    missing_scopes: [...trial.missingScopes],
    email_trusted: trial.isTrusted,
    restriction: trial.restriction,
    decision: { action, account: accountId, code },
  }
}

export const trial = route({
  ...reading,
  method: 'get',
  path: '/providers/:id/try',
  summary: 'Get the result of a trial',
  description:
    'What the provider returned when you tried the draft, and what a sign-in would do. Only you can read it, for an hour.',
  example: {
    response: {
      version: 1,
      at: '2026-01-08T10:00:00.000Z',
      outcome: 'signed_in',
      code: null,
      issuer: 'https://login.example.org',
      claims: {
        subject: '4711',
        email: 'pat@example.com',
        email_verified: true,
        name: 'Pat',
        picture: null,
      },
      scopes: ['openid', 'email'],
      missing_scopes: [],
      email_trusted: false,
      restriction: null,
      decision: { action: 'account_conflict', account: null, code: null },
    },
  },
  params: managedProviderParams,
  reply: () => TrialResult,
  fails: ['provider_not_found', 'provider_not_editable', 'provider_trial_not_found'],
  async handle({ who, params }, { flows }: Services) {
    const found = await flows.manageProviders.trial(who.accountId, params.id)
    return found.ok ? ok(json(trialOf(found.value))) : found
  },
})
