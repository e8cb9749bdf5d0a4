import { describe, expect, test } from 'vitest'
import { readClient } from '../../src/http/client.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const shop = { id: 'svc_0a1b', secret: 'Secret_with-dash' }

describe('back-end authentication', () => {
  test.each([
    ['with HTTP Basic', `Basic ${base64('svc_0a1b:Secret_with-dash')}`],
    ['with the scheme in any case', `basic  ${base64('svc_0a1b:Secret_with-dash')}`],
    [
      'with form-encoded credentials, as RFC 6749 §2.3.1 requires',
      `Basic ${base64('svc%5F0a1b:Secret%5Fwith%2Ddash')}`,
    ],
    ['with a bearer token', 'Bearer svc_0a1b.Secret_with-dash'],
  ])('works %s', (_, header) => {
    expect(readClient(header)).toEqual(shop)
  })

  test.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['a scheme alone', 'Basic'],
    ['another scheme', `Digest ${base64('svc_0a1b:x')}`],
    ['no secret', `Basic ${base64('svc_0a1b')}`],
    ['an ID that cannot exist', `Basic ${base64('usr_0a1b:x')}`],
    ['an ID that no database should see', `Basic ${base64('svc_0a\u0000:x')}`],
    ['credentials that cannot be decoded', `Basic ${base64('svc_%zz:x')}`],
    ['an access token of ours', 'Bearer eyJhbGciOiJFUzI1NiJ9.e30.c2ln'],
    ['two credentials in one header', `Basic ${base64('svc_0a1b:x')}, Bearer svc_0a1b.x`],
    ['more than the maximum length', `Bearer svc_0a1b.${'x'.repeat(2000)}`],
  ])('fails with %s', (_, header) => {
    expect(readClient(header)).toBeNull()
  })
})
