/**
 * `npm run bench:renewal`: two nodes with twenty workers each renew 2,000 due grants on PostgreSQL. Refresh tokens of
 * the provider work once. It runs undisturbed, and with one node killed (SIGKILL) in the middle. The exit code is 1 if
 * a grant was lost that could have been kept.
 */
import { parseArgs } from 'node:util'
import { startPostgres } from '../test/support/global-setup.ts'
import { createDatabase } from '../test/support/postgres.ts'
import { type Figures, raceToRenew } from '../test/support/renewal-race.ts'

const workers = 20
const { values } = parseArgs({ options: { grants: { type: 'string', default: '2000' } } })
const grants = Number(values.grants)

const wrong: string[] = []
const hold = (what: boolean, else_: string): void => {
  if (!what) wrong.push(else_)
}

function check(name: string, { strict, kill }: { strict: boolean; kill: boolean }, figures: Figures): void {
  const { calls, refused, inFlight, healthy, live, notices, laterCalls, laterRenewed } = figures
  const dead = figures.needsReauthorization
  hold(calls <= grants + inFlight, `${name}: ${calls} calls for ${grants} grants`)
  if (!kill) hold(calls === grants, `${name}: ${calls} calls for ${grants} grants`)
  hold(inFlight <= workers, `${name}: ${inFlight} leases were left behind`)
  hold(dead <= (strict ? inFlight : 0), `${name}: ${dead} grants need consent again`)
  hold(healthy === grants - dead && live === healthy, `${name}: ${live} of ${healthy} healthy grants work`)
  hold(refused === dead && notices === dead, `${name}: ${refused} refusals and ${notices} messages for ${dead} grants`)
  for (const many of [...laterCalls, ...laterRenewed])
    hold(many === healthy, `${name}: later ${many} instead of ${healthy}`)
}

const postgres = await startPostgres()
for (const [name, how] of [
  ['strict rotation', { strict: true, kill: false }],
  ['leeway, one node killed', { strict: false, kill: true }],
  ['strict rotation, one node killed', { strict: true, kill: true }],
] as const) {
  const figures = await raceToRenew({ url: await createDatabase(postgres.url), grants, ...how })
  check(name, how, figures)
  const { seconds, laterCalls, laterRenewed, ...counted } = figures
  process.stdout.write(`\n${name}, ${seconds.toFixed(1)} s\n`)
  for (const [what, many] of Object.entries(counted)) process.stdout.write(`  ${what.padEnd(24)}${many}\n`)
  process.stdout.write(`  an hour later           ${laterCalls.join(', ')} calls, ${laterRenewed.join(', ')} renewed\n`)
}
await postgres.stop()
process.stdout.write(wrong.length === 0 ? '\nnothing was lost\n' : `\n${wrong.join('\n')}\n`)
process.exit(wrong.length === 0 ? 0 : 1)
