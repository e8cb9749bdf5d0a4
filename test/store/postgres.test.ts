import { createDatabase } from '../support/postgres.ts'
import { storeContract } from './contract.ts'
import type { Backend } from './people.ts'

const postgres: Backend = { name: 'PostgreSQL', place: async () => ({ tag: 'postgres', url: await createDatabase() }) }

storeContract(postgres)
