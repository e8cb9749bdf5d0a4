import { describe, expect, test } from 'vitest'
import { createDocuments, documentHashOf } from '../../src/applications/documents.ts'
import { BusyError } from '../../src/kernel/busy.ts'
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

describe('while too many documents are read', () => {
  const now = new Date('2030-01-01T12:00:00Z')
  const url = 'https://editor.example/client'
  /** The application whose document was read this many seconds ago; `null`: none is known. */
  const prepare = (age: number | null) =>
    createDocuments({
      isOn: true,
      own: { publicUrl: new URL('https://id.example'), audience: 'https://api.example' },
      store: {
        find: async () =>
          age === null
            ? undefined
            : ({ source: 'document', disabledAt: null, documentReadAt: new Date(now.getTime() - age * 1000) } as never),
        putDocument: async () => undefined,
      },
      read: async () => {
        throw new BusyError('requests to applications', 1)
      },
      hit: async () => ({ hits: 1 }),
      networkOf: (ip) => ip,
      clock: () => now,
      openResources: {} as never,
      applications: {} as never,
    }).prepare(url, { ip: '203.0.113.9' } as never)

  test('an application that is known continues with its last document', async () => {
    await expect(prepare(3600)).resolves.toBeUndefined()
  })

  test('others should try again', async () => {
    await expect(prepare(null)).rejects.toThrow(BusyError)
    await expect(prepare(2 * 86_400)).rejects.toThrow(BusyError)
  })
})
