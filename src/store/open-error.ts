import type { PostgresAddress } from '../kernel/postgres-url.ts'
import { codeOf } from './not-now.ts'

/** Why the database cannot be opened, and what to do about it: one sentence for whoever starts the service. */
export class DatabaseOpenError extends Error {
  override name = 'DatabaseOpenError'
}
export const openError = (message: string, cause?: unknown): DatabaseOpenError =>
  new DatabaseOpenError(message, { cause })

type Explanation = (address: PostgresAddress, error: { code: string; message: string; address: string }) => string

const untrusted: Explanation = ({ host }, { code }) =>
  `The certificate of ${host} is signed by a CA that is not known here (${code}). Add sslrootcert=<file of the CA> to DATABASE_URL, or use sslmode=require to encrypt without checking it.`
const lookUp: Explanation = ({ host }, { code }) =>
  `The database host ${host} was not found (${code}). Check the host in DATABASE_URL.`
const silent: Explanation = ({ host, port }, { code }) =>
  `Nothing answers at ${host}:${port} (${code}). Check host and port in DATABASE_URL, that the database runs, and that no firewall is in between.`

/** By code: of PostgreSQL, of Node, of TLS. The first whose pattern fits the code and the message. */
const explanations: readonly (readonly [code: RegExp, message: RegExp, Explanation])[] = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, /./, lookUp],
  [/^E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH)$/, /./, silent],
  [/^ENOENT$/, /\.s\.PGSQL\./, silent],
  [
    /^E(NOENT|ACCES|ISDIR)$/,
    /./,
    (_, { message }) =>
      `A file that DATABASE_URL names cannot be read (${message}). Check sslrootcert, sslcert and sslkey.`,
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
      'The database accepts encrypted connections alone. Add sslmode=verify-full or sslmode=require to DATABASE_URL.',
  ],
  [
    /^28000$/,
    /./,
    (_, { message }) =>
      `The database lets this user in from elsewhere or not at all (${message}). Check the user in DATABASE_URL and pg_hba.conf.`,
  ],
  [/^3D000$/, /./, ({ database }) => `There is no database ${database}. Create it, or check the name in DATABASE_URL.`],
  [
    /^42501$/,
    /./,
    (_, { message }) =>
      `The database role may not do what a start needs (${message}). Run as the owner: GRANT CREATE, USAGE ON SCHEMA public TO <role>.`,
  ],
  [/^25006$/, /./, () => 'The database is read-only, as a standby is. Give DATABASE_URL the address of the primary.'],
  [/^53300$/, /./, () => 'The database has no connection left. Raise max_connections, or close what holds them.'],
  [/^57P03$/, /./, () => 'The database is starting up or shutting down. Start again when it is ready.'],
  [
    /^(08P01|undefined)$/,
    /startup parameter/,
    (_, { message }) =>
      `A pooler does not take a setting of DATABASE_URL (${message}). Remove options from it, or list the setting in the pooler's ignore_startup_parameters.`,
  ],
  [
    /./,
    /channel binding that is required/,
    () =>
      'The database does not offer channel binding, which DATABASE_URL requires. Use SCRAM-SHA-256 passwords there, or sslmode=verify-full instead of channel_binding=require.',
  ],
  [
    /./,
    /does not support SSL/,
    () =>
      'The database does not offer TLS. Turn it on there, or use sslmode=disable in DATABASE_URL if nobody can listen in between.',
  ],
  [/^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+)$/, /./, untrusted],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    /./,
    ({ host }) =>
      `The certificate of the database is for another name than ${host}. Use the name it is for in DATABASE_URL, or sslmode=verify-ca with sslrootcert.`,
  ],
  [/^CERT_HAS_EXPIRED$/, /./, () => 'The certificate of the database has expired. Renew it there.'],
  [
    /^(ERR_SSL|EPROTO|ERR_OSSL)/,
    /./,
    (_, { message }) =>
      `TLS with the database failed (${message.trim()}). Check sslmode and the certificate files in DATABASE_URL.`,
  ],
]

/** Any error of opening PostgreSQL, explained. Holds no value of the user or password. */
export function openErrorOf(thrown: unknown, address: PostgresAddress): DatabaseOpenError {
  if (thrown instanceof DatabaseOpenError) return thrown
  // Of several addresses of one name, Node reports each failure.
  const first = thrown instanceof AggregateError && thrown.errors[0] ? (thrown.errors[0] as Error) : (thrown as Error)
  const error = { code: codeOf(first), message: first.message, address: address.host }
  const found = explanations.find(([code, message]) => code.test(error.code) && message.test(error.message))
  const text = found ? found[2](address, error) : `The database cannot be opened: ${error.message}. Check DATABASE_URL.`
  return openError(text, thrown)
}

/** Of the file system and of SQLite, by code: what keeps a file from being opened. */
const ofSqlite: readonly (readonly [code: RegExp, (file: string, reason: string) => string])[] = [
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
      `The database cannot be opened: ${reason}. Check DATABASE_URL, that this user may write the file and its folder, and that the disk has free space.`,
  ],
]

/** The same for a SQLite file; what is none of these is a defect, and stays as it is. */
export function sqliteOpenErrorOf(thrown: unknown, file: string): unknown {
  const found = ofSqlite.find(([code]) => code.test(codeOf(thrown)))
  return found ? openError(found[1](file, (thrown as Error).message), thrown) : thrown
}
