import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { err, ok, type Result } from '../kernel/result.ts'

/** The longest secret, a list of keys, is much shorter. A longer file is the wrong one. */
const mostBytes = 65_536

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'this process is not permitted to read it',
  EPERM: 'this process is not permitted to read it',
  ELOOP: 'its symbolic links lead in a circle',
}

/**
 * Reads a secret from a file, as Docker and Kubernetes mount them: UTF-8, at most 64 KiB, without a trailing line
 * break. The error completes a sentence about the file. It contains neither path nor content, since operators sometimes
 * set the secret in place of its path.
 */
export function readSecretFile(path: string): Result<string, string> {
  let file: number
  try {
    // Without O_NONBLOCK, opening a pipe that has no writer would wait forever.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    return err(unreadable(error))
  }
  try {
    const kind = fstatSync(file)
    if (kind.isDirectory()) return err('is a directory; name the file in it')
    if (!kind.isFile()) return err('is not a regular file')
    const bytes = readAtMost(file, mostBytes + 1)
    if (bytes.length > mostBytes) return err(`is longer than ${mostBytes} bytes`)
    // Keep a byte order mark, so that it is rejected like any other invisible character.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, '')
    return text === '' ? err('is empty') : ok(text)
  } catch (error) {
    return error instanceof TypeError ? err('is not UTF-8 text') : err(unreadable(error))
  } finally {
    closeSync(file)
  }
}

const unreadable = (error: unknown): string => {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException
  return `cannot be read: ${Object.hasOwn(reasons, code) ? reasons[code] : code}`
}

/** Reads up to `most` bytes. Files in `/proc` do not report their size. */
function readAtMost(file: number, most: number): Buffer {
  const bytes = Buffer.alloc(most)
  let length = 0
  while (length < most) {
    const read = readSync(file, bytes, length, most - length, null)
    if (read === 0) break
    length += read
  }
  return bytes.subarray(0, length)
}
