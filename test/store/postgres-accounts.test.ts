import { postgresBackend } from './backends.ts'
import { accountContracts } from './contract.ts'

accountContracts(postgresBackend())
