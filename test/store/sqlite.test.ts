import { newFile } from '../support/sqlite.ts'
import { storeContract } from './contract.ts'
import type { Backend } from './people.ts'

const sqlite: Backend = { name: 'SQLite', place: async () => ({ tag: 'sqlite', file: newFile() }) }

storeContract(sqlite)
