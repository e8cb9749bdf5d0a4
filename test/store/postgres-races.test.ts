/** On PostgreSQL. The races that both databases must survive: the assertions are in `races.ts` and `processes.ts`. */
import { postgresBackend } from './backends.ts'
import { storeProcesses } from './processes.ts'
import { storeRaces } from './races.ts'

storeRaces(postgresBackend())
storeProcesses(postgresBackend())
