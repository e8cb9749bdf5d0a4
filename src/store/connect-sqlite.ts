import Database from 'better-sqlite3'

/**
 * References to every connection and statement, so that none is garbage-collected. From 24.19 on, Node aborts when it
 * collects one: the destructor of `node::ObjectWrap` in better-sqlite3 12 asks for an environment that no longer exists
 * (WiseLibs/better-sqlite3#1515). Version 13 does not have the problem, but requires Node 22.
 */
const retained: unknown[] = []

/**
 * A connection that prepares each text once, however often it is requested. Use only `exec`, `prepare` and
 * `transaction` on it: `pragma` creates a statement without a lasting reference. The number of different texts must be
 * bounded, because no statement is ever released.
 */
export function connectSqlite(file: string, options: Database.Options = {}): Database.Database {
  const connection = new Database(file, options)
  const statements = new Map<string, Database.Statement>()
  retained.push(connection, statements)

  const prepare = connection.prepare.bind(connection)
  const prepareOnce = (text: string): Database.Statement => {
    const known = statements.get(text)
    if (known) return known
    const statement = prepare(text)
    statements.set(text, statement)
    return statement
  }
  return Object.assign(connection, { prepare: prepareOnce as typeof connection.prepare })
}
