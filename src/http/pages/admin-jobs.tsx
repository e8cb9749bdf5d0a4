import type { JobStatus } from '../../jobs/scheduler.ts'
import { route } from '../route.ts'
import type { Services } from '../services.ts'
import { adminPage } from './admin-frame.tsx'
import { type FactList, Facts, Layout, type Reader, readerOf, show, Time, Unseen } from './layout.tsx'
import { Panel } from './panel.tsx'
import { Table } from './table.tsx'

/** The state of a job: that it is running, or otherwise how its last run ended. */
const stateOf = ({ running, outcome }: JobStatus): 'running' | 'ok' | 'failed' | 'never' =>
  running ? 'running' : (outcome ?? 'never')

/** In the largest whole unit: "10 minutes". */
function periodOf(seconds: number, locale: Reader['locale']): string {
  const [unit, size] = (
    [
      ['hour', 3600],
      ['minute', 60],
    ] as const
  ).find(([, one]) => seconds % one === 0) ?? ['second', 1]
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(seconds / size)
}

/** What a row of the table has no room for. */
const detailsOf = (job: JobStatus, reader: Reader): FactList => {
  const { jobs } = reader.say
  const number = new Intl.NumberFormat(reader.locale)
  return [
    [jobs.code, <code key="name">{job.name}</code>],
    [jobs.doneBy, job.shared ? jobs.shared : jobs.perNode],
    job.milliseconds === null ? null : [jobs.took, jobs.milliseconds(number.format(job.milliseconds))],
    [jobs.runs, jobs.runsAndFailures(number.format(job.runs), number.format(job.failures))],
  ]
}

const badges = { running: 'badge', ok: 'badge good', failed: 'badge bad', never: 'badge' } as const

const list = route({
  ...adminPage,
  scope: 'jobs:read',
  path: '/admin/jobs',
  summary: 'Show the background jobs and their last runs',
  fails: [],
  async handle({ who, locale, csrfToken }, services: Services) {
    const reader = readerOf(locale)
    const { jobs, auditLog } = reader.say
    const all = await services.jobs()
    const number = new Intl.NumberFormat(locale)
    return show(
      locale,
      <Layout {...reader} title={jobs.title} signedIn={csrfToken()} scopes={who.scopes}>
        <p>{jobs.intro}</p>
        <Panel id="all" title={jobs.heading}>
          <Table
            head={[jobs.name, jobs.state, jobs.period, jobs.startedAt, jobs.dueAt, jobs.backlog, auditLog.details]}
            rows={all.map((job) => {
              const state = stateOf(job)
              return {
                key: job.name,
                cells: [
                  jobs.names[job.name] ?? job.name,
                  <span key="state" class={badges[state]}>
                    {jobs.states[state]}
                  </span>,
                  periodOf(job.everySeconds, locale),
                  job.startedAt ? <Time key="started" {...reader} at={job.startedAt} /> : '–',
                  job.dueAt ? <Time key="due" {...reader} at={job.dueAt} /> : '–',
                  job.backlog === null ? '–' : number.format(job.backlog),
                  <details key="details">
                    <summary>
                      {auditLog.details}
                      <Unseen> ({jobs.names[job.name] ?? job.name})</Unseen>
                    </summary>
                    <Facts of={detailsOf(job, reader)} />
                  </details>,
                ],
              }
            })}
          />
        </Panel>
      </Layout>,
    )
  },
})
export const adminJobRoutes = [list]
