import { z } from 'zod'
import type { ClientMetadata } from '../applications/client-metadata.ts'
import { idTokenAlgorithms } from '../applications/policy.ts'
import type { Requests } from './requests.ts'

/** A longer document is not read (draft-ietf-oauth-client-id-metadata-document §6.6 recommends 5 KB). */
const mostBytes = 8192

const uri = z.string().max(512)
const uris = z.array(uri).max(20)
const words = z.array(z.string().max(128)).max(20)
/** Only what an application can prove without a secret that both sides know, and without another request. */
const Document = z.looseObject({
  client_id: z.string(),
  client_name: z.string().max(80).nullish(),
  redirect_uris: uris,
  application_type: z.enum(['web', 'native']).nullish(),
  token_endpoint_auth_method: z.enum(['none', 'private_key_jwt']).default('none'),
  grant_types: words.nullish(),
  response_types: words.nullish(),
  scope: z.string().max(1024).nullish(),
  post_logout_redirect_uris: uris.nullish(),
  backchannel_logout_uri: uri.nullish(),
  jwks: z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(10) }).nullish(),
  jwks_uri: z.null().optional(),
  dpop_bound_access_tokens: z.boolean().nullish(),
  subject_type: z.enum(['public', 'pairwise']).nullish(),
  id_token_signed_response_alg: z.enum(idTokenAlgorithms).nullish(),
  client_secret: z.never().optional(),
  client_secret_expires_at: z.never().optional(),
})

/**
 * Reads the document at the URL that is the ID of an application, through the guard against private addresses, and
 * without following redirects. `undefined` if it is not a document that names exactly this URL.
 */
export const createMetadataDocuments =
  ({ send }: Pick<Requests, 'send'>) =>
  async (url: string): Promise<ClientMetadata | undefined> => {
    const result = await send(url, { method: 'GET', headers: { accept: 'application/json' }, mostBytes })
    if (result.tag === 'failed' || result.status !== 200 || !/^application\/([\w.-]+\+)?json$/.test(result.type))
      return undefined
    try {
      const read = Document.safeParse(JSON.parse(result.text))
      return read.success && read.data.client_id === url ? read.data : undefined
    } catch {
      return undefined
    }
  }
