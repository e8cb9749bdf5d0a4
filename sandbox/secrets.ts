/**
 * Random values with the formats and lengths of the real providers. If a database column is too short, it fails here
 * first.
 */
import { randomBytes, randomUUID } from 'node:crypto'

const text = (bytes: number) => randomBytes(bytes).toString('base64url')
const segment = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Opaque, but formatted like Atlassian's long JWTs. */
const long = (bytes: number) => `${segment({ alg: 'RS256', typ: 'JWT' })}.${text(bytes)}.${text(256)}`

export const secrets = {
  family: () => randomUUID(),
  google: { code: () => `4/0A${text(48)}`, access: () => `ya29.a0${text(140)}`, refresh: () => `1//0g${text(70)}` },
  github: {
    code: () => randomBytes(10).toString('hex'),
    access: (prefix: 'gho' | 'ghu') => `${prefix}_${randomBytes(18).toString('hex')}`,
    refresh: () => `ghr_${randomBytes(38).toString('hex')}`,
  },
  atlassian: { code: () => long(880), access: () => long(2800), refresh: () => long(1000) },
  oauth2: { code: () => text(32), access: () => `beta_at_${text(32)}`, refresh: () => `beta_rt_${text(32)}` },
}
