import type { ComponentChildren } from 'preact'
import type { JobStatus } from '../../jobs/scheduler.ts'
import { route } from '../route.ts'
import type { Services } from '../services.ts'
import { adminPage } from './admin-frame.tsx'
import { Facts, Layout, type Reader, readerOf, show, Time } from './layout.tsx'

/** The state of a job: that it is running, or otherwise how its last run ended. */
const stateOf = ({ running, outcome }: JobStatus): 'running' | 'ok' | 'failed' | 'never' =>
  running ? 'running' : (outcome ?? 'never')

const factsOf = (job: JobStatus, reader: Reader): readonly (readonly [string, ComponentChildren] | null)[] => {
  const { jobs } = reader.say
  const { startedAt, milliseconds, dueAt, backlog } = job
  const period = new Intl.NumberFormat(reader.locale, { style: 'unit', unit: 'second', unitDisplay: 'long' })
  const number = new Intl.NumberFormat(reader.locale)
  return [
    [jobs.state, jobs.states[stateOf(job)]],
    [jobs.period, period.format(job.everySeconds)],
    [jobs.doneBy, job.shared ? jobs.shared : jobs.perNode],
    startedAt && [jobs.startedAt, <Time key="started" {...reader} at={startedAt} />],
    milliseconds === null ? null : [jobs.took, jobs.milliseconds(number.format(milliseconds))],
    dueAt && [jobs.dueAt, <Time key="due" {...reader} at={dueAt} />],
    [jobs.runs, jobs.runsAndFailures(number.format(job.runs), number.format(job.failures))],
    backlog === null ? null : [jobs.backlog, number.format(backlog)],
  ]
}

const list = route({
  ...adminPage,
  scope: 'jobs:read',
  path: '/admin/jobs',
  summary: 'Show the background jobs and their last runs',
  fails: [],
  async handle({ who, locale, csrfToken }, services: Services) {
    const reader = readerOf(locale)
    const { jobs } = reader.say
    return show(
      locale,
      <Layout {...reader} title={jobs.title} signedIn={csrfToken()} scopes={who.scopes}>
        <section aria-labelledby="all">
          <h2 id="all">{jobs.heading}</h2>
          <p>{jobs.intro}</p>
          <ul class="entries">
            {(await services.jobs()).map((job) => (
              <li key={job.name}>
                <h3>{jobs.names[job.name] ?? job.name}</h3>
                <p class="fine">
                  <code>{job.name}</code>
                </p>
                <Facts of={factsOf(job, reader)} />
              </li>
            ))}
          </ul>
        </section>
      </Layout>,
    )
  },
})
export const adminJobRoutes = [list]
