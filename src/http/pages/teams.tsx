import { create } from '../api/teams.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { route } from '../route.ts'
import type { Services } from '../services.ts'
import { Field } from './field.tsx'
import { Form, Layout, readerOf, show, Unseen } from './layout.tsx'
import { doneAt, doneMessageOf, doneQuery } from './status.ts'

/** The page where a team is managed. */
export const teamPage = (id: string): `/account/teams/${string}` => `/account/teams/${id}`

const list = route({
  tag: 'Pages',
  surface: 'browser',
  auth: 'user',
  limit: 'account',
  method: 'get',
  path: '/account/teams',
  summary: 'Show my teams',
  query: doneQuery,
  fails: [],
  async handle({ who, query, locale, csrfToken }, { teams }: Services) {
    const reader = readerOf(locale)
    const { teams: say } = reader.say
    const all = await teams.list(who.accountId)
    const csrf = csrfToken()
    return show(
      locale,
      <Layout
        {...reader}
        title={say.title}
        signedIn={csrf}
        scopes={who.scopes}
        status={doneMessageOf(query.done, locale)}
      >
        <p class="lead">{say.intro}</p>
        <section class="panel" aria-labelledby="mine">
          <h2 id="mine">{say.mine}</h2>
          {all.length === 0 ? <p>{say.none}</p> : null}
          <ul class="rows">
            {all.map(({ team, role, members }) => (
              <li key={team.id} class="tight">
                <div>
                  <h3>
                    {team.name} <span class="badge">{say.roles[role]}</span>
                  </h3>
                  <p class="fine">{say.size(members)}</p>
                </div>
                <div class="actions">
                  <a class="button" href={teamPage(team.id)}>
                    {say.open}
                    <Unseen> {team.name}</Unseen>
                  </a>
                </div>
              </li>
            ))}
          </ul>
        </section>
        <section class="panel" aria-labelledby="new">
          <h2 id="new">{say.newHeading}</h2>
          <Form action="/account/teams" csrf={csrf}>
            <Field name="name" label={say.name} autocomplete="off" hint={say.nameHint} maxlength={80}>
              <button type="submit">{say.create}</button>
            </Field>
          </Form>
        </section>
      </Layout>,
    )
  },
})

const createForm = formOf(create, {
  path: '/account/teams',
  summary: 'Create a team',
  done: (_, team) => seeOther(doneAt(teamPage(team.id), 'team_created')),
})

export const teamsRoutes = [list, createForm]
