import { postgresBackend } from './backends.ts'
import { storeProcesses } from './processes.ts'
import { storeRaces } from './races.ts'

storeRaces(postgresBackend())
storeProcesses(postgresBackend())
