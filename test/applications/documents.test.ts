import { describe, expect, test } from 'vitest'
import { documentHashOf } from '../../src/applications/documents.ts'
import { sha256 } from '../../src/kernel/crypto.ts'

describe('the hash of a metadata document', () => {
  const document = { client_name: 'Editor', redirect_uris: ['http://127.0.0.1/callback'], scope: 'openid email' }
  const hash = documentHashOf(document)

  test('is the one that versions without RS256 stored, so that an upgrade voids no consent', () => {
    const stored = {
      name: 'Editor',
      kind: 'server',
      redirectUris: ['http://127.0.0.1/callback'],
      postLogoutRedirectUris: [],
      clientAuth: 'client_secret_basic',
      scopes: ['openid', 'email'],
      firstParty: false,
      corsOrigins: [],
      resources: [],
      accessTtlSeconds: null,
      refreshTtlSeconds: null,
      backchannelLogoutUri: null,
      logoUri: null,
      jwks: null,
      jwksUri: null,
      requiresDpop: false,
      subjectType: 'public',
      sectorIdentifierUri: null,
    }
    expect(hash).toBe(sha256(JSON.stringify(stored)))
    expect(documentHashOf({ ...document, id_token_signed_response_alg: 'ES256' })).toBe(hash)
  })

  test('changes with what the document asks for, in whichever order it does', () => {
    const of = (scope: string): string => documentHashOf({ ...document, scope })
    const hashes = [hash, of('openid email notes:read'), of('openid email notes:write'), of('openid')]
    const rs256 = documentHashOf({ ...document, id_token_signed_response_alg: 'RS256' })
    expect(new Set([...hashes, rs256]).size).toBe(5)
    expect(of('openid notes:write  email notes:read notes:write')).toBe(of('notes:read notes:write email'))
  })
})
