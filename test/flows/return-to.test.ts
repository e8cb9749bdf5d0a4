import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readReturnTo } from '../../src/flows/return-to.ts'

const self = new URL('https://id.example.com')
const allowed = [
  new URL('https://app.example.com/in'),
  new URL('https://whole.example.com'),
  new URL('http://localhost:8080/cb/'),
]
const read = (text: string) => readReturnTo(text, allowed, self)

describe('a path of this service', () => {
  test.each([
    ['/', '/'],
    ['/account', '/account'],
    ['/account?tab=devices&next=https://x.example//y', '/account?tab=devices&next=https://x.example//y'],
    ['/account#devices', '/account#devices'],
    ['/a/b/../c', '/a/c'],
    ['/café', '/caf%C3%A9'],
    ['/account?x=%2f%2fevil.example', '/account?x=%2f%2fevil.example'],
    ['/@evil.example', '/@evil.example'],
    ['/:80', '/:80'],
    ['/javascript:alert(1)', '/javascript:alert(1)'],
  ])('%s ends at %s', (text, path) => {
    expect(read(text)).toEqual({ tag: 'here', path })
  })
})

describe('an allowed app', () => {
  test.each([
    'https://app.example.com/in',
    'https://app.example.com/in/',
    'https://app.example.com/in/deep/er?x=1#y',
    'https://APP.EXAMPLE.COM:443/in',
    'https://whole.example.com',
    'https://whole.example.com/anything',
    'http://localhost:8080/cb',
    'http://localhost:8080/cb/',
    'http://localhost:8080/cb/x',
  ])('is returned to at %s', (text) => {
    expect(read(text)).toEqual({ tag: 'app', url: new URL(text) })
  })
})

describe('return_to rejects every other value:', () => {
  test.each([
    ['nothing', ''],
    ['no slash', 'account'],
    ['a query only', '?x'],
    ['two slashes', '//evil.example'],
    ['three slashes', '///evil.example'],
    ['a slash and a backslash', '/\\evil.example'],
    ['two backslashes', '\\\\evil.example'],
    ['a backslash and a slash', '\\/evil.example'],
    ['a backslash later in the path', '/account\\..\\x'],
    ['dots that leave two slashes', '/..//evil.example'],
    ['one dot that leaves two slashes', '/.//evil.example'],
    ['a removed folder that leaves two slashes', '/a/..//evil.example'],
    ['escaped dots that leave two slashes', '/%2e%2e//evil.example'],
    ['half-escaped dots that leave two slashes', '/.%2E//evil.example'],
    ['two slashes later in the path', '/account//evil.example'],
    ['an escaped slash', '/%2fevil.example'],
    ['an escaped slash in upper case', '/%2F%2Fevil.example'],
    ['an escaped backslash', '/%5cevil.example'],
    ['dots and an escaped slash', '/..%2fevil.example'],
    ['a tab', '/\t/evil.example'],
    ['a newline', '/\n/evil.example'],
    ['a carriage return', '/\r/evil.example'],
    ['a leading tab', '\t//evil.example'],
    ['a leading space', ' //evil.example'],
    ['a space', '/acc ount'],
    ['a NUL', '/\0'],
    ['a line separator', '/\u2028/evil.example'],
    ['a zero-width space', '/\u200b/evil.example'],
    ['text with reversed direction', '/\u202eevil'],
    ['a C1 control', '/\u0085/evil.example'],
    ['an injected header', '/account\r\nSet-Cookie: x=y'],
    ['another origin', 'https://evil.example'],
    ['another origin with the path', 'https://evil.example/in'],
    ['http instead of https', 'http://app.example.com/in'],
    ['our own origin written out', 'https://id.example.com/account'],
    ['another port', 'https://app.example.com:444/in'],
    ['port 80 over https', 'https://app.example.com:80/in'],
    ['no port where one is allowed', 'http://localhost/cb'],
    ['another port on loopback', 'http://localhost:8081/cb'],
    ['another name for loopback', 'http://127.0.0.1:8080/cb'],
    ['a longer host', 'https://app.example.com.evil.example/in'],
    ['a host with the same ending', 'https://evilapp.example.com/in'],
    ['a subdomain', 'https://x.app.example.com/in'],
    ['a host with a trailing dot', 'https://app.example.com./in'],
    ['a user', 'https://user@app.example.com/in'],
    ['a user and a password', 'https://user:pw@app.example.com/in'],
    ['the host as a user', 'https://app.example.com@evil.example/in'],
    ['the host as a user, with a path', 'https://app.example.com/in@evil.example:443'],
    ['an escaped @', 'https://app.example.com%40evil.example/in'],
    ['a longer path', 'https://app.example.com/inn'],
    ['a path with the same prefix', 'https://app.example.com/in.evil'],
    ['the path in upper case', 'https://app.example.com/IN'],
    ['the parent path', 'https://app.example.com/'],
    ['a sibling path', 'https://app.example.com/out'],
    ['dots out of the path', 'https://app.example.com/in/../out'],
    ['escaped dots out of the path', 'https://app.example.com/in/%2e%2e/out'],
    ['an escaped slash out of the path', 'https://app.example.com/in/..%2fout'],
    ['an escaped backslash', 'https://app.example.com/in/..%5cout'],
    ['an escaped dot segment without effect', 'https://app.example.com/in/%2e/x'],
    ['backslashes for slashes', 'https:\\\\app.example.com\\in'],
    ['a backslash before the @', 'https://evil.example\\@app.example.com/in'],
    ['a tab in the scheme', 'java\tscript:alert(1)'],
    ['a look-alike host', 'https://аpp.example.com/in'],
    ['a full-width slash for a path', '／／evil.example'],
    ['javascript', 'javascript:alert(1)'],
    ['javascript that looks like the app', 'javascript://app.example.com/in%0aalert(1)'],
    ['data', 'data:text/html,<script>alert(1)</script>'],
    ['a blob of the app', 'blob:https://app.example.com/in'],
    ['a file', 'file:///in'],
    ['a custom scheme', 'com.example.app:/in'],
    ['no slashes after the scheme', 'https:app.example.com.evil.example/in'],
    ['more than 2048 characters', `/${'a'.repeat(2048)}`],
  ])('%s', (_, text) => {
    expect(read(text)).toBeUndefined()
  })
})

test('every accepted value leads a browser to an allowed URL', () => {
  const part = fc.constantFrom(
    '/',
    '//',
    '\\',
    '..',
    '.',
    '%2f',
    '%5c',
    '%2e',
    '@',
    ':',
    '?',
    '#',
    'in',
    'https:',
    'javascript:',
    'app.example.com',
    'evil.example',
    'id.example.com',
    '\t',
    '\n',
    ' ',
    '／',
    'é',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 9 }), (parts) => {
      const to = read(parts.join(''))
      if (to === undefined) return
      if (to.tag === 'here') {
        expect(to.path).toMatch(/^\/(?![/\\])/)
        expect(new URL(to.path, self).origin).toBe(self.origin)
      } else expect(allowed.map(({ origin }) => origin)).toContain(new URL(to.url.href).origin)
    }),
    { numRuns: 20_000 },
  )
})
