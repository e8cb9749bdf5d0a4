import { expect, test } from 'vitest'
import { isLoopback } from '../../src/kernel/loopback.ts'

test.each(['localhost', 'LOCALHOST', 'id.localhost', '127.0.0.1', '127.1.2.3', '[::1]', '::1'])(
  '%s is this machine',
  (host) => expect(isLoopback(host)).toBe(true),
)

test.each([
  '',
  'localhost.example.com',
  'notlocalhost',
  '.localhost',
  '127.0.0.1.example.com',
  '1127.0.0.1',
  '10.0.0.1',
  '0.0.0.0',
  '[::]',
  '::2',
])('%j is not this machine', (host) => expect(isLoopback(host)).toBe(false))
