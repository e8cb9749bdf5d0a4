import type { PostgresAddress } from '../kernel/postgres-url.ts'
import { codeOf } from './availability.ts'

/** Why the database cannot be opened, and what to do about it: text for the operator who starts the service. */
export class DatabaseOpenError extends Error {
  override name = 'DatabaseOpenError'
}
export const openError = (message: string, cause?: unknown): DatabaseOpenError =>
  new DatabaseOpenError(message, { cause })

type Explanation = (address: PostgresAddress, error: { code: string; message: string; address: string }) => string

const untrusted: Explanation = ({ host }, { code }) =>
  `The certificate of ${host} is signed by an unknown CA (${code}). Add sslrootcert=<file of the CA> to DATABASE_URL, or use sslmode=require to encrypt without verifying the certificate.`
const lookUp: Explanation = ({ host }, { code }) =>
  `The database host ${host} was not found (${code}). Check the host in DATABASE_URL.`
const silent: Explanation = ({ host, port }, { code }) =>
  `No answer from ${host}:${port} (${code}). Check the host and port in DATABASE_URL, that the database is running, and that no firewall blocks the connection.`

/** By error code of PostgreSQL, Node or TLS. The first entry whose patterns match the code and the message applies. */
const explanations: readonly (readonly [code: RegExp, message: RegExp, Explanation])[] = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, /./, lookUp],
  [/^E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH)$/, /./, silent],
  [/^ENOENT$/, /\.s\.PGSQL\./, silent],
  [
    /^E(NOENT|ACCES|ISDIR)$/,
    /./,
    (_, { message }) =>
      `A file named in DATABASE_URL cannot be read (${message}). Check sslrootcert, sslcert and sslkey.`,
  ],
  [
    /^28P01$/,
    /./,
    () =>
      'The database refuses the user or password. Check both in DATABASE_URL, and write special characters percent-encoded (% as %25, @ as %40).',
  ],
  [
    /^28000$/,
    /no encryption|SSL off/i,
    () =>
      'The database accepts only encrypted connections. Add sslmode=verify-full or sslmode=require to DATABASE_URL.',
  ],
  [
    /^28000$/,
    /./,
    (_, { message }) =>
      `The database does not let this user sign in from this host (${message}). Check the user in DATABASE_URL and pg_hba.conf.`,
  ],
  [/^3D000$/, /./, ({ database }) => `There is no database ${database}. Create it, or check the name in DATABASE_URL.`],
  [
    /^42501$/,
    /^must be owner/,
    (_, { message }) =>
      `Another role owns tables that a migration changes (${message}). Connect as that role, or run as a superuser: ALTER TABLE <table> OWNER TO <role>.`,
  ],
  [
    /^42501$/,
    /(schema drizzle|__drizzle_migrations)/,
    (_, { message }) =>
      `The database role may not use the record of migrations (${message}). Run as a superuser: ALTER SCHEMA drizzle OWNER TO <role>; ALTER TABLE drizzle.__drizzle_migrations OWNER TO <role>.`,
  ],
  [
    /^42501$/,
    /for (table|relation) /,
    (_, { message }) =>
      `The database role may not read or write a table (${message}). Run as the owner of the tables: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO <role>.`,
  ],
  [
    /^42(P01|704)$/,
    /does not exist/,
    (_, { message }) =>
      `The migrations are recorded, but a table is not where the database role looks (${message}). Check the search_path of the role: ALTER ROLE <role> SET search_path = <the schema with the tables>. If the tables are lost, restore a backup.`,
  ],
  [
    /^42501$/,
    /./,
    (_, { message }) =>
      `The database role lacks a right that startup needs (${message}). Run this as the owner: GRANT CREATE, USAGE ON SCHEMA public TO <role>.`,
  ],
  [/^25006$/, /./, () => 'The database is read-only, like a standby. Set DATABASE_URL to the address of the primary.'],
  [/^53300$/, /./, () => 'The database has no free connection. Raise max_connections, or close idle clients.'],
  [/^57P03$/, /./, () => 'The database is starting up or shutting down. Start again when it is ready.'],
  [
    /^(08P01|undefined)$/,
    /startup parameter/,
    (_, { message }) =>
      `The connection pooler rejects a setting in DATABASE_URL (${message}). Remove options from DATABASE_URL, or list the setting in the pooler's ignore_startup_parameters.`,
  ],
  [
    /./,
    /channel binding that is required/,
    () =>
      'The database does not offer channel binding, which DATABASE_URL requires. Use SCRAM-SHA-256 passwords in the database, or sslmode=verify-full instead of channel_binding=require.',
  ],
  [
    /./,
    /does not support SSL/,
    () =>
      'The database does not offer TLS. Turn TLS on in the database, or use sslmode=disable in DATABASE_URL if nobody can read the network traffic.',
  ],
  [/^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+)$/, /./, untrusted],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    /./,
    ({ host }) =>
      `The certificate of the database is not for the name ${host}. Use the name in the certificate in DATABASE_URL, or sslmode=verify-ca with sslrootcert.`,
  ],
  [/^CERT_HAS_EXPIRED$/, /./, () => 'The certificate of the database has expired. Renew the certificate.'],
  [
    /^(ERR_SSL|EPROTO|ERR_OSSL)/,
    /./,
    (_, { message }) =>
      `TLS with the database failed (${message.trim()}). Check sslmode and the certificate files in DATABASE_URL.`,
  ],
]

/** Explains any error of opening PostgreSQL. The text never contains the user or password. */
export function openErrorOf(thrown: unknown, address: PostgresAddress): DatabaseOpenError {
  if (thrown instanceof DatabaseOpenError) return thrown
  // When a host name has several addresses, Node reports one failure for each.
  const first = thrown instanceof AggregateError && thrown.errors[0] ? (thrown.errors[0] as Error) : (thrown as Error)
  const error = { code: codeOf(first), message: first.message, address: address.host }
  const found = explanations.find(([code, message]) => code.test(error.code) && message.test(error.message))
  const text = found ? found[2](address, error) : `The database cannot be opened: ${error.message}. Check DATABASE_URL.`
  return openError(text, thrown)
}

/** Errors of the file system and of SQLite, by code. */
const sqliteExplanations: readonly (readonly [code: RegExp, (file: string, reason: string) => string])[] = [
  [
    /^SQLITE_(BUSY|LOCKED|PROTOCOL)/,
    (file) =>
      `Another process has locked the database file ${file}. Stop that process and start again; on a network file system (NFS, SMB) a lock can outlive its process, so put the file on a local disk.`,
  ],
  [
    /^SQLITE_NOTADB/,
    (file) => `${file} is not a SQLite database, or is damaged. Check DATABASE_URL, or restore a backup.`,
  ],
  [/^SQLITE_CORRUPT/, (file) => `The database file ${file} is damaged. Restore a backup.`],
  [
    /^(SQLITE_FULL|ENOSPC)/,
    (file) => `The disk is full, so ${file} cannot be written. Free some space and start again.`,
  ],
  [
    /^(SQLITE_(CANTOPEN|READONLY|IOERR|PERM)|EACCES|EPERM|EROFS|ENOTDIR|EEXIST|EISDIR|ENOENT)/,
    (_, reason) =>
      `The database cannot be opened: ${reason}. Check DATABASE_URL, that this operating system user may write the file and its folder, and that the disk has free space.`,
  ],
]

/** The same for a SQLite file. Any other error is a defect, and is returned unchanged. */
export function sqliteOpenErrorOf(thrown: unknown, file: string): unknown {
  const found = sqliteExplanations.find(([code]) => code.test(codeOf(thrown)))
  return found ? openError(found[1](file, (thrown as Error).message), thrown) : thrown
}
