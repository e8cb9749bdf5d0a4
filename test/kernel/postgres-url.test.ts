import { describe, expect, test } from 'vitest'
import { type PostgresAddress, readPostgresUrl } from '../../src/kernel/postgres-url.ts'

type Expected = Partial<Omit<PostgresAddress, 'tls'>> & { tls?: Partial<PostgresAddress['tls']> }

/** As consoles and tools show them; the service names only say where the form comes from. */
const accepted: readonly (readonly [string, string, Expected])[] = [
  [
    'only a host',
    'postgres://db',
    { host: 'db', port: 5432, user: undefined, password: undefined, database: undefined, tls: { mode: 'off' } },
  ],
  ['postgresql://', 'postgresql://u:p@db:6543/v', { host: 'db', port: 6543, user: 'u', password: 'p', database: 'v' }],
  [
    'Neon',
    'postgresql://u:p@ep-x-pooler.eu.aws.neon.tech/v?sslmode=require&channel_binding=require',
    { tls: { mode: 'encrypt', channelBinding: 'require' }, ignored: [] },
  ],
  [
    'Neon without SNI',
    'postgres://u:p@ep-x.neon.tech/v?sslmode=verify-full&options=endpoint%3Dep-x',
    { options: 'endpoint=ep-x', tls: { mode: 'verify-full' } },
  ],
  [
    'Supabase and Prisma',
    'postgres://postgres.ref:p@aws-0.pooler.supabase.com:6543/postgres?pgbouncer=true&connection_limit=3&pool_timeout=20',
    { user: 'postgres.ref', port: 6543, pooled: true, maxConnections: 3, ignored: [] },
  ],
  ['Prisma', 'postgres://u:p@db/v?schema=public&connect_timeout=10', { ignored: [] }],
  ['JDBC', 'postgres://u:p@db/v?prepareThreshold=0', { pooled: true }],
  ['Heroku', 'postgres://u:p@ec2-1.compute.amazonaws.com:5432/v?ssl=no-verify', { tls: { mode: 'encrypt' } }],
  ['node-postgres', 'postgres://u:p@db/v?ssl=true', { tls: { mode: 'verify-full' } }],
  ['asyncpg', 'postgres://u:p@db/v?ssl=require', { tls: { mode: 'encrypt' } }],
  ['asyncpg with a CA', 'postgres://u:p@db/v?ssl=require&sslrootcert=/ca.pem', { tls: { mode: 'verify-ca' } }],
  ['SQLAlchemy with asyncpg', 'postgresql+asyncpg://u:p@db/v?ssl=verify-full', { tls: { mode: 'verify-full' } }],
  [
    'node-postgres, as libpq',
    'postgres://u:p@db/v?uselibpqcompat=true&sslmode=require',
    { tls: { mode: 'encrypt' }, ignored: [] },
  ],
  [
    'Aiven, with its CA',
    'postgres://u:p@db/v?sslmode=require&sslrootcert=/etc/ca.pem',
    { tls: { mode: 'verify-ca', rootCert: '/etc/ca.pem' } },
  ],
  ['a CA alone', 'postgres://u:p@db/v?sslrootcert=/etc/ca.pem', { tls: { mode: 'verify-full' } }],
  ['the CAs of the system', 'postgres://u:p@db/v?sslrootcert=system&sslmode=require', { tls: { mode: 'verify-full' } }],
  [
    'a client certificate',
    'postgres://u@db/v?sslmode=verify-full&sslcert=/c&sslkey=/k&sslpassword=secret&sslnegotiation=direct',
    { tls: { mode: 'verify-full', cert: '/c', key: '/k', keyPassword: 'secret', direct: true } },
  ],
  ['an encoded password', 'postgres://u:p%40%25%2F@db/v', { password: 'p@%/' }],
  ['a password with a bare %', 'postgres://u:100%sure@db/v', { password: '100%sure' }],
  ['a password with an @', 'postgres://u:p@ss@db/v', { password: 'p@ss', host: 'db' }],
  ['a password with a colon', 'postgres://u:a:b@db/v', { user: 'u', password: 'a:b' }],
  ['an IPv6 address', 'postgres://u@[2001:db8::1]:5433/v', { host: '2001:db8::1', port: 5433 }],
  ['a Unix socket', 'postgres://u@/v?host=/var/run/postgresql', { host: '/var/run/postgresql', database: 'v' }],
  ['a Unix socket, encoded', 'postgres://u@%2Fvar%2Frun%2Fpostgresql/v', { host: '/var/run/postgresql' }],
  [
    'parameters for everything',
    'postgres://?host=db&port=1&user=u&password=p&dbname=v',
    { host: 'db', port: 1, user: 'u', password: 'p', database: 'v' },
  ],
  ['the name of an application', 'postgres://db/v?application_name=id', { applicationName: 'id' }],
  ['a primary server', 'postgres://db/v?target_session_attrs=read-write', { ignored: [] }],
  ['unknown parameters', 'postgres://db/v?foo=bar&sslmode=disable', { ignored: ['foo'], tls: { mode: 'off' } }],
  ['a line end from a paste', ' postgres://db/v\n', { host: 'db', database: 'v' }],
]

/** Rejected in one sentence with a remedy. */
const refused: readonly (readonly [string, RegExp])[] = [
  ['postgres://[', /brackets/],
  ['postgres://u:p/w@db/v', /host|percent-encode/],
  ['postgres://u:p#w@db/v', /percent-encode/],
  ['postgres://a:5432,b:5432/v', /several hosts/],
  ['postgres://db:99999/v', /port/],
  ['postgres://db:port/v', /host or port/],
  ['postgres://db/v?schema=mine', /ALTER ROLE/],
  ['postgres://db/v?target_session_attrs=standby', /primary/],
  ['postgres://db/v?sslmode=on', /disable, allow, prefer/],
  ['postgres://db/v?connection_limit=0', /connection_limit/],
  ['postgres://db/v?sslnegotiation=direct', /sslmode=verify-full/],
  ['postgres://db/v?channel_binding=require', /sslmode=verify-full/],
]

describe('a connection string', () => {
  test.each(accepted)('of %s is parsed', (_name, url, expected) => {
    expect(readPostgresUrl(url)).toMatchObject({ ok: true, value: expected })
  })

  test.each(refused)('%s is rejected with a remedy', (url, remedy) => {
    const read = readPostgresUrl(url)
    expect(read).toMatchObject({ ok: false, error: expect.stringMatching(remedy) })
    if (!read.ok) expect(read.error).not.toMatch(/\bp[/#]w\b/)
  })
})
