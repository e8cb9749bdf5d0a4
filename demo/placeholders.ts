/** Takes out of a recorded example what is secret or different every time. */

type Places = {
  /** The service and the sandbox of its providers, as they were reached. */
  readonly base: string
  readonly sandbox: string
  /** What kept the people of this tour apart from others. */
  readonly run: string
}

const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl'
const code43 = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

/** By the name of the field. */
const fixed: Readonly<Record<string, unknown>> = {
  access_token: jwt,
  refresh_token: jwt,
  token: 'a-token',
  flow_token: 'a-secret-of-this-flow',
  email_ticket: 'a-ticket-from-an-email',
  ticket: 'a-ticket-from-an-email',
  second_factor_ticket: 'a-ticket-from-the-problem',
  secret: 'a-secret-shown-only-once',
  uri: 'otpauth://totp/Vinculum:pat%40example.com?issuer=Vinculum&secret=JBSWY3DPEHPK3PXP',
  password: 'a long passphrase of Pat',
  current_password: 'a long passphrase of Pat',
  new_password: 'another long passphrase',
  code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  code_challenge: code43,
  state: 'a-random-state',
  recovery_code: 'abcd-efgh-jkmn',
  totp: '123456',
  challenge: code43,
  kid: 'key-1',
  x: code43,
  y: code43,
  ip: '203.0.113.7',
  expires_in: 900,
  refresh_expires_in: 2592000,
  iat: 1767866400,
  exp: 1767867300,
  auth_time: 1767866400,
  duration_ms: 12,
  runs: 4,
  backlog: 0,
  running: false,
}
const time = '2026-01-08T10:00:00.000Z'

/** For one example: an ID keeps its number throughout. */
export function createPlaceholders({ base, sandbox, run }: Places) {
  const ids = new Map<string, string>()
  const counts = new Map<string, number>()
  const idOf = (prefix: string, id: string): string => {
    const known = ids.get(id)
    if (known) return known
    const count = (counts.get(prefix) ?? 0) + 1
    counts.set(prefix, count)
    const made = `${prefix}_${String(count).padStart(8, '0')}`
    ids.set(id, made)
    return made
  }
  const textOf = (text: string): string =>
    text
      .replaceAll(base, 'https://id.example.org')
      .replaceAll(encodeURIComponent(base), encodeURIComponent('https://id.example.org'))
      .replaceAll(sandbox, 'https://provider.example')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, time)
      .replaceAll(new RegExp(`[- ]${run}`, 'g'), '')
      .replaceAll(run, '')
      .replace(/\b([a-z]{2,4})_([0-9a-f]{16,64})\b/g, (id, prefix: string) => idOf(prefix, id))
      // A URL that starts a flow holds its state and its challenge.
      .replace(/([?&](?:state|nonce|code_challenge|client_id)=)[^&]*/g, '$1…')

  return function replace(value: unknown, name = ''): never {
    const made = (): unknown => {
      // The code of a provider, an email or an app; a problem’s code is no secret.
      if (name === 'code' && typeof value === 'string' && !/^[a-z_]+$/.test(value))
        return /^[\d -]{6,9}$/.test(value)
          ? '12345678'.slice(0, value.replace(/\D/g, '').length)
          : 'a-code-from-the-redirect'
      if (name === 'recovery_codes' && Array.isArray(value) && typeof value[0] === 'string')
        return ['abcd-efgh-jkmn', 'pqrs-tuvw-xyz2']
      if (Object.hasOwn(fixed, name) && typeof value === typeof fixed[name]) return fixed[name]
      if (typeof value === 'string') return textOf(value)
      // Two entries show what a list is.
      if (Array.isArray(value)) return value.slice(0, 2).map((each) => replace(each))
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replace(inner, key)]))
    }
    return made() as never
  }
}
