/** On SQLite. The races that both databases must survive: the assertions are in `races.ts` and `processes.ts`. */
import { sqliteBackend } from './backends.ts'
import { storeProcesses } from './processes.ts'
import { storeRaces } from './races.ts'

storeRaces(sqliteBackend())
storeProcesses(sqliteBackend())
