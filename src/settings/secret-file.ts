import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { err, ok, type Result } from '../kernel/result.ts'

/** The longest secret there is, a list of keys, is far shorter; a longer file is the wrong one. */
const mostBytes = 65_536

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'this process is not permitted to read it',
  EPERM: 'this process is not permitted to read it',
  ELOOP: 'its symbolic links lead in a circle',
}

/**
 * The secret in a file, as Docker and Kubernetes mount them: UTF-8 of at most 64 KiB, without the line break at its end.
 * The error is the end of a sentence about the file, and holds neither its path nor its content: a secret is often put
 * where its path belongs.
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
    // A byte order mark stays, so that it is refused like any other invisible character.
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

/** As many bytes as there are, and no more than `most`: the size of a file in `/proc` is not known beforehand. */
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
