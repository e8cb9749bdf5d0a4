import { newPath, startProgram, startService } from './processes.ts'

const load = await startProgram('load', { clients: 32 })
const provider = await startProgram('provider')
const service = await startService({ database: `file:${newPath('s.db')}`, provider: provider.port })
const { pairs } = await load.ask<any>('signIn', { port: service.port, times: 32, known: false })
const a = await service.ask<number>('cpu')
const m: any = await load.ask('refresh', {
  port: service.port,
  seconds: 3,
  tokens: pairs.map((p: any) => p.refresh_token),
})
console.log(m.round, ((await service.ask<number>('cpu')) - a) / m.round.requests)
console.log(
  (await (await fetch(`http://127.0.0.1:${service.port}/metrics`)).text())
    .split('\n')
    .filter((l) => /refreshes_total|duration_seconds_count/.test(l))
    .join('\n'),
)
process.exit(0)
