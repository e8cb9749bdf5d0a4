import { describe, expect, test } from 'vitest'
import { readClient } from '../../src/http/client.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const shop = { id: 'svc_0a1b', secret: 'Secret_with-dash' }

describe('a back end says who it is', () => {
  test.each([
    ['as HTTP Basic', `Basic ${base64('svc_0a1b:Secret_with-dash')}`],
    ['however the scheme is written', `basic  ${base64('svc_0a1b:Secret_with-dash')}`],
    ['form-encoded first, as RFC 6749 §2.3.1 asks', `Basic ${base64('svc%5F0a1b:Secret%5Fwith%2Ddash')}`],
    ['as a bearer', 'Bearer svc_0a1b.Secret_with-dash'],
  ])('%s', (_, header) => {
    expect(readClient(header)).toEqual(shop)
  })

  test.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['a scheme alone', 'Basic'],
    ['another scheme', `Digest ${base64('svc_0a1b:x')}`],
    ['no secret', `Basic ${base64('svc_0a1b')}`],
    ['an id that cannot be', `Basic ${base64('usr_0a1b:x')}`],
    ['an id no database should see', `Basic ${base64('svc_0a\u0000:x')}`],
    ['what does not decode', `Basic ${base64('svc_%zz:x')}`],
    ['a token of ours', 'Bearer eyJhbGciOiJFUzI1NiJ9.e30.c2ln'],
    ['two in one', `Basic ${base64('svc_0a1b:x')}, Bearer svc_0a1b.x`],
    ['more than anybody sends', `Bearer svc_0a1b.${'x'.repeat(2000)}`],
  ])('is nobody with %s', (_, header) => {
    expect(readClient(header)).toBeNull()
  })
})
