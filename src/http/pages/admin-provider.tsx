import type { VNode } from 'preact'
import type { Scope } from '../../accounts/roles.ts'
import { kindDescription } from '../../providers/kinds.ts'
import type { ManagedProvider, SettingsVersion, Trial } from '../../providers/managed.ts'
import { route } from '../route.ts'
import { managedProviderParams, storable } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { accountLabel, mayNow, query } from './admin-frame.tsx'
import { Ask } from './ask.tsx'
import { Facts, Form, Layout, type Reader, readerOf, SignInAgain, show, Time, Unseen } from './layout.tsx'
import { Panel } from './panel.tsx'
import { healthOf } from './provider-health.tsx'
import { type May, providerPage, providersPath, reading, statesOf } from './provider-pages.ts'
import { type AccountNames, By, Changes, Settings, TrialResult } from './provider-versions.tsx'
import { doneMessageOf, doneQuery } from './status.ts'

/** The administrators' page of one provider: its state, draft and history, and what can be done with it. */

const provider = route({
  ...reading,
  path: `${providersPath}/:id`,
  summary: 'Show one provider, its draft and its history',
  params: managedProviderParams,
  query: doneQuery.extend({ check: storable(20).optional().describe('The result of a check') }),
  fails: ['provider_not_found'],
  async handle({ who, params, query: asked, locale, csrfToken }, services: Services) {
    const found = await services.flows.manageProviders.find(params.id)
    if (!found.ok) return found
    const one = found.value
    const history = one.source === 'database' ? await services.flows.manageProviders.versions(one.id) : undefined
    const trial = one.draft ? await services.flows.manageProviders.trial(who.accountId, one.id) : undefined
    const versions = history?.ok ? history.value : []
    const authors = [one.record?.updatedBy, one.draft?.author, ...versions.map(({ author }) => author)]
    const known = await services.users.names([...new Set(authors.filter((id) => typeof id === 'string'))])
    const names: AccountNames = new Map(known.map((account) => [account.id, accountLabel(account)]))
    const reader = readerOf(locale)
    const { words, states, checks, kinds } = reader.say.providers
    const health = healthOf(one, services, reader)
    const csrf = csrfToken()
    const may = mayNow(who, 'providers:write', services)
    const checked = asked.check !== undefined && Object.hasOwn(checks, asked.check) ? checks[asked.check] : undefined
    return show(
      locale,
      <Layout
        {...reader}
        title={one.name}
        signedIn={csrf}
        scopes={who.scopes}
        status={checked ?? doneMessageOf(asked.done, locale)}
      >
        <Panel id="facts" title={words.facts}>
          <Facts
            of={[
              ['ID', <code key="id">{one.id}</code>],
              [
                words.state,
                statesOf(one)
                  .map((state) => states[state])
                  .join(', '),
              ],
              [words.redirectUris, <RedirectUris key="uris" uris={one.redirectUris} />],
              one.record && [
                words.changed,
                <By key="by" {...reader} at={one.record.updatedAt} who={one.record.updatedBy} names={names} />,
              ],
              one.live?.secretExpiresAt
                ? [words.expires, <Time key="expires" {...reader} at={one.live.secretExpiresAt} />]
                : null,
            ]}
          />
          <Facts
            of={[
              [words.kind, kindDescription(one.kind)?.name ?? kinds[one.kind] ?? one.kind],
              health && [words.calls, health.calls],
              health && [words.lastSuccess, health.lastSuccess],
              health && [words.refusals, health.refusals],
            ]}
          />
          {one.source === 'environment' ? <p>{words.fromEnvironment}</p> : null}
        </Panel>
        {one.draft ? (
          <Draft
            {...reader}
            provider={one}
            draft={one.draft}
            names={names}
            trial={trial?.ok ? trial.value : null}
            csrf={csrf}
            may={may}
          />
        ) : null}
        {one.live ? (
          <Panel id="live" title={words.live}>
            <Settings {...reader} version={one.live} />
          </Panel>
        ) : null}
        <Acts {...reader} provider={one} csrf={csrf} may={may} />
        {history?.ok ? (
          <History
            {...reader}
            id={one.id}
            versions={history.value}
            names={names}
            csrf={csrf}
            may={may}
            audit={who.scopes.includes('audit:read' satisfies Scope)}
          />
        ) : null}
      </Layout>,
    )
  },
})

const RedirectUris = ({ uris }: { uris: Readonly<Record<string, string>> }): VNode => (
  <ul>
    {Object.entries(uris).map(([key, uri]) => (
      <li key={key}>
        <code>{uri}</code>
      </li>
    ))}
  </ul>
)

type DraftProps = Reader & {
  readonly provider: ManagedProvider
  readonly draft: SettingsVersion
  readonly names: AccountNames
  readonly trial: Trial | null
  readonly csrf: string
  readonly may: May
}

function Draft({ provider: one, draft, names, trial, csrf, may, ...reader }: DraftProps): VNode {
  const { words } = reader.say.providers
  const page = providerPage(one.id)
  return (
    <Panel id="draft" title={words.draft}>
      <p>{draft.triedAt ? words.draftTried : words.draftText}</p>
      {one.live ? <Changes {...reader} before={one.live} after={draft} /> : <Settings {...reader} version={draft} />}
      <Facts of={[[words.saved, <By key="by" {...reader} at={draft.createdAt} who={draft.author} names={names} />]]} />
      {trial ? <TrialResult {...reader} trial={trial} /> : null}
      {may.allowed && may.recent ? (
        <div class="actions">
          <Form action={`${page}/try`} csrf={csrf}>
            <button type="submit" {...(draft.triedAt ? {} : { class: 'primary' })}>
              {trial ? words.tryAgain : words.try}
            </button>
          </Form>
          {draft.triedAt ? (
            <Ask
              action={`${page}/${one.live ? 'publish' : 'enable'}`}
              csrf={csrf}
              label={one.live ? words.publish : words.enable}
              about={one.name}
              what={one.live ? words.publishText(one.name) : words.enableText(one.name)}
              yes={one.live ? words.publishYes : words.enableYes}
              gives
            />
          ) : null}
          <Form action={`${page}/check`} csrf={csrf}>
            <button type="submit">{words.check}</button>
          </Form>
        </div>
      ) : null}
    </Panel>
  )
}

function Acts({
  provider: { id, name, source, enabled, live },
  csrf,
  may,
  ...reader
}: Reader & { provider: ManagedProvider; csrf: string; may: May }): VNode | null {
  const { words } = reader.say.providers
  const page = providerPage(id)
  if (!may.allowed || source === 'environment') return null
  return (
    <Panel id="acts" title={words.acts}>
      {may.recent ? (
        <div class="actions">
          <a class="button" href={`${page}/edit`}>
            {words.edit}
            <Unseen> ({name})</Unseen>
          </a>
          {live && !enabled ? (
            <Ask
              action={`${page}/enable`}
              csrf={csrf}
              label={words.enable}
              about={name}
              what={words.enableText(name)}
              yes={words.enableYes}
              gives
            />
          ) : null}
          {enabled ? (
            <a class="button danger" href={`${page}/disable`}>
              {words.disable}
              <Unseen> ({name})</Unseen>
            </a>
          ) : null}
          <a class="button danger" href={`${page}/delete`}>
            {words.remove}
            <Unseen> ({name})</Unseen>
          </a>
        </div>
      ) : (
        <SignInAgain {...reader} returnTo={page} />
      )}
    </Panel>
  )
}

type HistoryProps = Reader & {
  readonly id: string
  readonly versions: readonly SettingsVersion[]
  readonly names: AccountNames
  readonly csrf: string
  readonly may: May
  readonly audit: boolean
}

function History({ id, versions, names, csrf, may, audit, ...reader }: HistoryProps): VNode {
  const { words, versionStates } = reader.say.providers
  return (
    <Panel id="history" title={words.history}>
      <ul class="rows">
        {versions.map((version, n) => (
          <li key={version.version} class="above">
            <div>
              <h3>
                {words.version(version.version)} <span class="badge">{versionStates[version.state]}</span>
              </h3>
              <p class="fine">
                <By {...reader} at={version.createdAt} who={version.author} names={names} />
              </p>
              <Changes {...reader} before={versions[n + 1] ?? null} after={version} />
            </div>
            {version.state === 'former' && may.allowed && may.recent ? (
              <div class="actions">
                <Form action={`${providerPage(id)}/versions/${version.version}/restore`} csrf={csrf}>
                  <button type="submit">
                    {words.restore}
                    <Unseen> ({words.version(version.version)})</Unseen>
                  </button>
                </Form>
              </div>
            ) : null}
          </li>
        ))}
      </ul>
      {audit ? (
        <p class="actions">
          <a class="button" href={`/admin/audit${query({ event: 'provider.updated' })}`}>
            {words.inAudit}
          </a>
        </p>
      ) : null}
    </Panel>
  )
}

export const adminProviderPageRoutes = [provider]
