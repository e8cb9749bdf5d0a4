import { err, ok, type Result } from './result.ts'

/** How the connection is encrypted and verified, like libpq's `sslmode`. */
export type TlsMode = 'off' | 'prefer' | 'encrypt' | 'verify-ca' | 'verify-full'

/** The parts of a PostgreSQL connection string. */
export type PostgresAddress = {
  /** A name, an IP address, or the directory of a Unix socket. */
  readonly host: string
  readonly port: number
  readonly user: string | undefined
  readonly password: string | undefined
  readonly database: string | undefined
  readonly tls: {
    readonly mode: TlsMode
    /** Paths of files that are not read yet. The root `system` stands for the CAs that Node trusts. */
    readonly rootCert: string | undefined
    readonly cert: string | undefined
    readonly key: string | undefined
    readonly keyPassword: string | undefined
    /** Starts TLS directly instead of negotiating it first. */
    readonly direct: boolean
    /**
     * Whether the password exchange is bound to this TLS connection, so that a server in the middle cannot relay it.
     */
    readonly channelBinding: 'off' | 'prefer' | 'require'
  }
  readonly applicationName: string
  /** Settings for the server, in the form of its command line. */
  readonly options: string | undefined
  readonly maxConnections: number | undefined
  /** The string says that there is a pooler in transaction mode. */
  readonly pooled: boolean
  /** Parameters that have no effect here. Strings of other tools have many, and none of them prevents startup. */
  readonly ignored: readonly string[]
}

const tlsModes: Readonly<Record<string, TlsMode>> = {
  disable: 'off',
  allow: 'prefer',
  prefer: 'prefer',
  require: 'encrypt',
  'no-verify': 'encrypt',
  'verify-ca': 'verify-ca',
  'verify-full': 'verify-full',
}
/** The `ssl` parameter: of node-postgres, where `true` verifies the certificate, or of asyncpg, with the modes above. */
const sslFlags: Readonly<Record<string, TlsMode>> = {
  ...tlsModes,
  false: 'off',
  0: 'off',
  true: 'verify-full',
  1: 'verify-full',
}

/** Known parameters for things that the service does or decides itself. */
const harmless = new Set([
  'uselibpqcompat',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
  'pool_timeout',
  'socket_timeout',
  'load_balance_hosts',
  'gssencmode',
  'client_encoding',
  'supa',
  'workaround',
  // A request never waits longer than its own limit.
  'fallback_application_name',
  'connect_timeout',
])

/** How other tools say not to use named statements: Prisma, JDBC, asyncpg, Rails, Supabase. */
const poolerHints: readonly (readonly [string, string])[] = [
  ['pgbouncer', 'true'],
  ['prepareThreshold', '0'],
  ['statement_cache_size', '0'],
  ['prepared_statements', 'false'],
  ['pool_mode', 'transaction'],
]

/** Whether it is the address of a PostgreSQL database, also with a driver as in SQLAlchemy: `postgresql+asyncpg://`. */
export const isPostgresUrl = (text: string): boolean => /^postgres(?:ql)?(?:\+\w+)?:\/\//.test(text)

/**
 * Parses a connection string as libpq does (PostgreSQL, 34.1.1.2), including parameters that managed services and other
 * tools add. Unsupported values are refused in one sentence, which never contains the user or password.
 */
export function readPostgresUrl(text: string): Result<PostgresAddress, string> {
  const [, authority, path = '', search = ''] =
    /^postgres(?:ql)?(?:\+\w+)?:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(text.trim()) ?? []
  if (authority === undefined)
    return err('is not a valid postgres:// URL; percent-encode / ? and # in the user and password (%2F %3F %23)')
  const at = authority.lastIndexOf('@')
  const [name = '', ...secret] = (at < 0 ? '' : authority.slice(0, at)).split(':')
  const given = new Map([...new URLSearchParams(search)].filter(([, value]) => value !== ''))
  const used = new Set<string>()
  const take = (...names: readonly string[]): string | undefined => {
    for (const each of names) used.add(each)
    return names.map((each) => given.get(each)).find((value) => value !== undefined)
  }

  const hosts = decoded(authority.slice(at + 1))
  const parsedHost = readHost(take('host', 'hostaddr') ?? hosts)
  if (parsedHost === undefined)
    return err(
      hosts.includes(',')
        ? 'names several hosts; use the one address that always leads to the primary'
        : 'has a host or port that cannot be read; write host:port, an IPv6 address in brackets',
    )
  const port = take('port') ?? parsedHost.port ?? '5432'
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
    return err('has a port that is not a number between 1 and 65535')

  const requestedBinding = take('channel_binding')
  const binding = requestedBinding === 'require' || requestedBinding === 'prefer' ? requestedBinding : 'off'

  const schema = take('schema', 'currentSchema', 'search_path')
  if (schema !== undefined && schema !== 'public')
    return err('names a schema; set it for the role instead: ALTER ROLE … SET search_path = …')
  if (/^(standby|read-only|prefer-standby)$/.test(take('target_session_attrs') ?? 'any'))
    return err('asks for a standby in target_session_attrs; the service writes, so use the address of the primary')

  const rootCert = take('sslrootcert')
  const sslMode = take('sslmode')
  const flag = take('ssl')
  const mode = tlsModeOf(sslMode, flag, rootCert)
  if (mode === undefined)
    return err(
      `has an unknown ${sslMode === undefined ? 'ssl' : 'sslmode'}; use one of ${Object.keys(tlsModes).join(', ')}`,
    )
  const direct = take('sslnegotiation') === 'direct'
  if (binding === 'require' && mode === 'off')
    return err('has channel_binding=require without TLS; add sslmode=verify-full')
  if (direct && mode === 'off') return err('has sslnegotiation=direct without TLS; add sslmode=verify-full')

  const limit = take('connection_limit')
  if (limit !== undefined && !/^[1-9]\d{0,2}$/.test(limit))
    return err('has a connection_limit that is not a number between 1 and 999')

  const address: PostgresAddress = {
    host: parsedHost.host,
    port: Number(port),
    user: take('user') ?? (decoded(name) || undefined),
    password: take('password') ?? (decoded(secret.join(':')) || undefined),
    database: take('dbname') ?? (decoded(path) || undefined),
    tls: {
      mode,
      rootCert,
      cert: take('sslcert'),
      key: take('sslkey'),
      keyPassword: take('sslpassword'),
      direct,
      channelBinding: binding,
    },
    applicationName: take('application_name') ?? 'vinculum',
    options: take('options'),
    maxConnections: limit === undefined ? undefined : Number(limit),
    pooled: poolerHints.filter(([hint, value]) => take(hint) === value).length > 0,
    ignored: [],
  }
  return ok({ ...address, ignored: [...given.keys()].filter((each) => !used.has(each) && !harmless.has(each)) })
}

/** With a root certificate, `require` verifies the CA, as in libpq for strings older than `verify-ca`. */
function tlsModeOf(sslMode: string | undefined, flag: string | undefined, rootCert: string | undefined) {
  const mode = sslMode === undefined ? (flag === undefined ? 'off' : sslFlags[flag]) : tlsModes[sslMode]
  if (rootCert === undefined || mode === undefined) return mode
  if (rootCert === 'system') return 'verify-full'
  if (sslMode === undefined && flag === undefined) return 'verify-full'
  return mode === 'encrypt' && (sslMode ?? flag) === 'require' ? 'verify-ca' : mode
}

/** One host with or without a port. A Unix socket is given by its directory. */
function readHost(text: string): { host: string; port: string | undefined } | undefined {
  if (text.startsWith('/')) {
    const [, directory = text, port] = /^(.*?)(?::(\d+))?$/.exec(text) ?? []
    return { host: directory, port }
  }
  const [, bracketed, plain, port] = /^(?:\[([0-9A-Fa-f:.%\w]+)\]|([^:,/[\]]*))(?::(\d+))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host !== undefined) return { host: host === '' ? 'localhost' : host, port }
  // As a parameter, an IPv6 address has no brackets.
  return /^[0-9A-Fa-f:]+$/.test(text) ? { host: text, port: undefined } : undefined
}

/** Percent-decodes the text. Text that cannot be decoded (`100%`) is taken literally. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
