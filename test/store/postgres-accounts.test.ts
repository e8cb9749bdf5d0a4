/** On PostgreSQL. The contracts of accounts, which both databases keep: the assertions are in `*.contract.ts`. */
import { postgresBackend } from './backends.ts'
import { accountContracts } from './contract.ts'

accountContracts(postgresBackend())
