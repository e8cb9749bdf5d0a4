import { sqliteBackend } from './backends.ts'
import { accountContracts } from './contract.ts'

accountContracts(sqliteBackend())
