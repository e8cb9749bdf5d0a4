import { sqliteBackend } from './backends.ts'
import { storeProcesses } from './processes.ts'
import { storeRaces } from './races.ts'

storeRaces(sqliteBackend())
storeProcesses(sqliteBackend())
