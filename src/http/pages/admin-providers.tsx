import { kindDescription, kindDescriptions, markOfKind } from '../../providers/kinds.ts'
import { route } from '../route.ts'
import { managedProviderParams } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { mayNow, query } from './admin-frame.tsx'
import { List, slice } from './admin-list.tsx'
import { Layout, readerOf, show } from './layout.tsx'
import { healthOf } from './provider-health.tsx'
import { ProviderMark } from './provider-mark.tsx'
import { newProviderPath, providerPage, providersPath, reading, statesOf, writing } from './provider-pages.ts'
import { doneMessageOf, doneQuery } from './status.ts'

/** The administrators' pages that list providers, and offer the kinds of new ones. */

const tones = { enabled: 'badge good', disabled: 'badge bad', draft: 'badge warn', environment: 'badge' } as const

const list = route({
  ...reading,
  path: providersPath,
  summary: 'Show the providers, with their state',
  query: doneQuery.extend({
    after: managedProviderParams.shape.id.optional().describe('The ID of the last provider of the previous page'),
  }),
  fails: [],
  async handle({ who, query: asked, locale, csrfToken }, services: Services) {
    const reader = readerOf(locale)
    const { words, states, kinds } = reader.say.providers
    const { shown, next } = slice(await services.flows.manageProviders.list(), asked.after)
    return show(
      locale,
      <Layout
        {...reader}
        title={words.title}
        signedIn={csrfToken()}
        scopes={who.scopes}
        status={doneMessageOf(asked.done, locale)}
      >
        <p>{words.intro}</p>
        {mayNow(who, 'providers:write', services).allowed ? (
          <p class="actions">
            <a class="button primary" href={newProviderPath}>
              {words.add}
            </a>
          </p>
        ) : null}
        <List
          heading={words.all}
          none={words.none}
          head={[words.name, words.kind, words.calls, words.lastSuccess, words.refusals]}
          rows={shown.map((one) => {
            const health = healthOf(one, services, reader)
            return {
              key: one.id,
              cells: [
                <>
                  <a href={providerPage(one.id)}>
                    <ProviderMark provider={{ mark: markOfKind(one.kind) }} />
                    {one.name}
                  </a>
                  <span class="badges">
                    {statesOf(one).map((state) => (
                      <span key={state} class={tones[state]}>
                        {states[state]}
                      </span>
                    ))}
                  </span>
                </>,
                kindDescription(one.kind)?.name ?? kinds[one.kind] ?? one.kind,
                health?.calls ?? '–',
                health?.lastSuccess ?? '–',
                health?.refusals ?? '–',
              ],
            }
          })}
          next={next === undefined ? null : { href: `${providersPath}${query({ after: next })}`, label: words.next }}
        />
      </Layout>,
    )
  },
})

const choose = route({
  ...writing,
  path: newProviderPath,
  summary: 'Choose the kind of a new provider',
  fails: [],
  handle({ who, locale, csrfToken }, _services: Services) {
    const reader = readerOf(locale)
    const { words, kinds } = reader.say.providers
    return show(
      locale,
      <Layout {...reader} title={words.choose} signedIn={csrfToken()} scopes={who.scopes}>
        <p>{words.chooseText}</p>
        <ul class="providers kinds">
          {kindDescriptions.map((described) => (
            <li key={described.kind}>
              <a class="button" href={`${newProviderPath}/${described.kind}`}>
                <ProviderMark provider={described} />
                {described.name ?? kinds[described.kind] ?? described.kind}
              </a>
            </li>
          ))}
        </ul>
      </Layout>,
    )
  },
})

export const adminProviderRoutes = [list, choose]
