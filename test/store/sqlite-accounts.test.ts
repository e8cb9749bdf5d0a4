/** On SQLite. The contracts of accounts, which both databases keep: the assertions are in `*.contract.ts`. */
import { sqliteBackend } from './backends.ts'
import { accountContracts } from './contract.ts'

accountContracts(sqliteBackend())
