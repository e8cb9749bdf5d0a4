/**
 * A software authenticator: ES256 keys, attestation «none», as in WebAuthn level 3 §6. `changes` make it send false
 * data.
 */
import { createHash, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'

type Options = Readonly<Record<string, unknown>>
export type Lies = {
  readonly origin?: string
  readonly rpId?: string
  readonly challenge?: string
  readonly type?: string
  readonly userVerified?: boolean
  readonly counter?: number
  /** Which make of authenticator it says it is; without it, it does not say. */
  readonly aaguid?: string
  readonly userHandle?: string
  /** A passkey synced by its vendor between several devices: backed up, and without a counter. */
  readonly synced?: true
  /** Fields an app's client data has in addition to, or instead of, a browser's; `undefined` omits a field. */
  readonly clientData?: Readonly<Record<string, unknown>>
  /** An attestation, although none was requested. */
  readonly attestation?: { readonly fmt: string; readonly statement: ReadonlyMap<string, unknown> }
  readonly signature?: (right: Buffer) => Buffer
}
type Key = { readonly id: string; readonly secret: KeyObject; readonly userHandle: string; counter: number }

/** The subset of CBOR (RFC 8949) that attestations use: integers, text, bytes, maps. */
function cbor(value: number | string | Buffer | readonly Buffer[] | ReadonlyMap<number | string, unknown>): Buffer {
  const head = (major: number, length: number): Buffer =>
    length < 24
      ? Buffer.from([(major << 5) | length])
      : length < 256
        ? Buffer.from([(major << 5) | 24, length])
        : Buffer.from([(major << 5) | 25, length >> 8, length & 255])
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value])
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map((each: Buffer) => cbor(each))])
  const map = value as ReadonlyMap<number | string, unknown>
  const members = [...map].flatMap(([key, member]) => [cbor(key), cbor(member as Buffer)])
  return Buffer.concat([head(5, map.size), ...members])
}

const hash = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest()
const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export function createAuthenticator(origin: string) {
  const keys: Key[] = []
  const rpId = new URL(origin).hostname

  const clientData = (type: string, options: Options, lies: Lies): Buffer =>
    Buffer.from(
      JSON.stringify({
        type: lies.type ?? type,
        challenge: lies.challenge ?? options.challenge,
        origin: lies.origin ?? origin,
        crossOrigin: false,
        ...lies.clientData,
      }),
    )
  const authenticatorData = (flags: number, counter: number, lies: Lies, attested = Buffer.alloc(0)): Buffer =>
    Buffer.concat([
      hash(lies.rpId ?? rpId),
      Buffer.from([flags | (lies.userVerified === false ? 0x01 : 0x05) | (lies.synced ? 0x18 : 0)]),
      uint32(lies.synced ? 0 : counter),
      attested,
    ])

  return {
    keys,
    /** Creates a key pair; returns what a browser would send. */
    create(options: Options, lies: Lies = {}) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
      const id = randomBytes(16)
      const user = options.user as { id: string }
      const key: Key = {
        id: id.toString('base64url'),
        secret: privateKey,
        userHandle: user.id,
        counter: lies.counter ?? 1,
      }
      keys.push(key)
      const cose = cbor(
        new Map<number, unknown>([
          [1, 2],
          [3, -7],
          [-1, 1],
          [-2, Buffer.from(x, 'base64url')],
          [-3, Buffer.from(y, 'base64url')],
        ]),
      )
      const attested = Buffer.concat([
        Buffer.from((lies.aaguid ?? '0'.repeat(32)).replaceAll('-', ''), 'hex'),
        Buffer.from([0, id.length]),
        id,
        cose,
      ])
      const authData = authenticatorData(0x40, key.counter, lies, attested)
      const { fmt, statement } = lies.attestation ?? { fmt: 'none', statement: new Map() }
      const attestation = new Map<string, unknown>([
        ['fmt', fmt],
        ['attStmt', statement],
        ['authData', authData],
      ])
      return {
        id: key.id,
        rawId: key.id,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: clientData('webauthn.create', options, lies).toString('base64url'),
          attestationObject: cbor(attestation).toString('base64url'),
          transports: ['internal'],
        },
      }
    },
    /** Signs with the newest key, or with the given one. */
    get(options: Options, lies: Lies = {}, key = keys.at(-1)) {
      if (!key) throw new Error('there is no key yet')
      key.counter = lies.counter ?? key.counter + 1
      const data = clientData('webauthn.get', options, lies)
      const authData = authenticatorData(0, key.counter, lies)
      const right = createSign('sha256').update(authData).update(hash(data)).sign(key.secret)
      return {
        id: key.id,
        rawId: key.id,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: data.toString('base64url'),
          authenticatorData: authData.toString('base64url'),
          signature: (lies.signature?.(right) ?? right).toString('base64url'),
          userHandle: lies.userHandle ?? key.userHandle,
        },
      }
    },
  }
}
