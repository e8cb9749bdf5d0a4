import { and, asc, eq, isNull } from 'drizzle-orm'
import type { TeamConnections } from '../connections/ports.ts'
import type { Driver } from './driver.ts'

export function teamConnections({
  db,
  tables: { jiraIntegrations, jiraSites },
  read,
}: Pick<Driver, 'db' | 'tables' | 'read'>): TeamConnections {
  const { teamId, provider, clientId, subject, connectedBy } = jiraIntegrations
  const { cloudId, name, url } = jiraSites
  return {
    async find(team) {
      const rows = await read(
        db
          .select({ consent: { provider, clientId, subject }, connectedBy, site: { cloudId, name, url } })
          .from(jiraIntegrations)
          .innerJoin(jiraSites, eq(jiraSites.teamId, teamId))
          .where(and(eq(teamId, team), eq(jiraSites.chosen, true), isNull(jiraSites.goneAt)))
          .orderBy(asc(name), asc(cloudId)),
      )
      const [first] = rows
      return first && { consent: first.consent, connectedBy: first.connectedBy, sites: rows.map(({ site }) => site) }
    },
  }
}
