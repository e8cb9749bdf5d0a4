import { isRecent } from '../principal.ts'
import { route } from '../route.ts'
import type { Services } from '../services.ts'
import { Layout, readerOf, SignInAgain, show } from './layout.tsx'

const data = route({
  tag: 'Pages',
  surface: 'browser',
  auth: 'user',
  limit: 'account',
  method: 'get',
  path: '/account/data',
  summary: 'Show how to download my data and how to delete my account',
  fails: [],
  handle({ who, locale, csrfToken }, { clock, settings }: Services) {
    const reader = readerOf(locale)
    const { personalData, remove, sections } = reader.say
    return show(
      locale,
      <Layout {...reader} title={sections.data} signedIn={csrfToken()}>
        <section class="panel" aria-labelledby="export">
          <h2 id="export">{personalData.download}</h2>
          <p>{personalData.intro}</p>
          {isRecent(who, clock(), settings.recentAuthSeconds) ? (
            <p class="actions">
              <a class="button" href="/me/export" download="vinculum-export.json">
                {personalData.download}
              </a>
            </p>
          ) : (
            <SignInAgain {...reader} returnTo="/account/data" />
          )}
        </section>
        <section class="panel" aria-labelledby="delete">
          <h2 id="delete">{remove.heading}</h2>
          <p>{remove.intro}</p>
          <p class="actions">
            <a class="button danger" href="/account/delete">
              {remove.start}
            </a>
          </p>
        </section>
      </Layout>,
    )
  },
})
export const dataRoutes = [data]
