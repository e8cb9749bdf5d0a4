import Database from 'better-sqlite3'

/**
 * Every connection and statement there ever was. From 24.19 on Node aborts when it collects one: better-sqlite3 12
 * builds on `node::ObjectWrap`, whose destructor asks for an environment where there is none
 * (WiseLibs/better-sqlite3#1515). Its version 13 does not, and needs Node 22.
 */
const kept: unknown[] = []

/**
 * A connection on which a text is prepared once, however often it is asked for. Only `exec`, `prepare` and
 * `transaction` are safe on it: `pragma` makes a statement that nobody keeps. What varies in a query's text must be
 * bounded, since no text is forgotten.
 */
export function connectSqlite(file: string, options: Database.Options = {}): Database.Database {
  const connection = new Database(file, options)
  const statements = new Map<string, Database.Statement>()
  kept.push(connection, statements)

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
