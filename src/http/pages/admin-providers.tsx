import type { VNode } from 'preact'
import { z } from 'zod'
import type { Scope } from '../../accounts/roles.ts'
import { fail } from '../../errors/catalogue.ts'
import { kindDescription, kindDescriptions } from '../../providers/kinds.ts'
import type { ManagedProvider, SettingsVersion, Trial } from '../../providers/managed.ts'
import { check, create, disable, enable, publish, remove, restore, tryDraft, update } from '../api/managed-providers.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { managedProviderParams, storable } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { adminPage, mayNow, query, userPage } from './admin-frame.tsx'
import { Submit } from './field.tsx'
import { Facts, Form, Layout, type Reader, readerOf, SignInAgain, show, Time, Unseen } from './layout.tsx'
import { goOn } from './onward.tsx'
import {
  dayField,
  errorsIn,
  fieldSettings,
  Labeled,
  orderField,
  SettingFields,
  settingFields,
} from './provider-fields.tsx'
import { doneAt, doneMessageOf, doneQuery, type Notice } from './status.ts'
import { toProvider } from './to-provider.ts'

/** The administrators' pages that manage providers at run time. */

const path = '/admin/providers'
/** Not below the other one: a provider could have any ID. */
const newPath = '/admin/new-provider'
const reading = { ...adminPage, scope: 'providers:read' } as const
const writing = { ...adminPage, auth: 'recent', scope: 'providers:write' } as const

type ProviderPage = `/admin/providers/${string}`
const pageOf = (id: string): ProviderPage => `${path}/${id}`
/** Redirects to the page of the provider, with a notice. */
const backTo =
  (done: Notice) =>
  ({ params }: { params: { id: string } }) =>
    seeOther(doneAt(pageOf(params.id), done))

const list = route({
  ...reading,
  path,
  summary: 'Show the providers, with their state',
  query: doneQuery,
  fails: [],
  async handle({ who, query: asked, locale, csrfToken }, services: Services) {
    const reader = readerOf(locale)
    const { words, states } = reader.say.providers
    const all = await services.flows.manageProviders.list()
    const { allowed } = mayNow(who, 'providers:write', services)
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
        {allowed ? (
          <p class="actions">
            <a class="button primary" href={newPath}>
              {words.add}
            </a>
          </p>
        ) : null}
        <section aria-labelledby="all">
          <h2 id="all">{words.all}</h2>
          {all.length === 0 ? <p>{words.none}</p> : null}
          <ul class="entries">
            {all.map((one) => (
              <li key={one.id}>
                <h3>
                  {one.name}
                  {stateOf(one).map((state) => (
                    <span key={state} class="mark">
                      {states[state]}
                    </span>
                  ))}
                </h3>
                <Health {...reader} provider={one} services={services} />
                <p class="actions">
                  <a class="button" href={pageOf(one.id)}>
                    {words.open}
                    <Unseen> ({one.name})</Unseen>
                  </a>
                </p>
              </li>
            ))}
          </ul>
        </section>
      </Layout>,
    )
  },
})

type State = 'enabled' | 'disabled' | 'draft' | 'environment'
const stateOf = ({ source, enabled, live, draft }: ManagedProvider): readonly State[] => [
  ...(source === 'environment' ? (['environment'] as const) : []),
  enabled ? 'enabled' : 'disabled',
  ...(draft && (live || !enabled) ? (['draft'] as const) : []),
]

/** How well the provider works: its breakers, and its recent sign-ins on this node. */
function Health({
  provider: { id, kind, inUse },
  services,
  ...reader
}: Reader & { provider: ManagedProvider; services: Services }): VNode {
  const { words, breakers, endpoints, kinds } = reader.say.providers
  const { lastSuccess, refusals } = services.providerActivity.of(id)
  const troubled = services.providers
    .health()
    .filter(({ provider, state }) => provider === id && state !== 'closed')
    .map(({ endpointType, state }) => `${endpoints[endpointType]}: ${breakers[state]}`)
  return (
    <Facts
      of={[
        [words.kind, kindDescription(kind)?.name ?? kinds[kind] ?? kind],
        inUse ? [words.calls, troubled.length === 0 ? breakers.closed : troubled.join(' · ')] : null,
        inUse
          ? [
              words.lastSuccess,
              lastSuccess ? (
                <Time key="success" {...reader} at={lastSuccess} />
              ) : (
                <>
                  {words.noneSince} <Time {...reader} at={services.providerActivity.since} />
                </>
              ),
            ]
          : null,
        inUse ? [words.refusals, new Intl.NumberFormat(reader.locale).format(refusals)] : null,
      ]}
    />
  )
}

/** Text with its URLs as links. */
const Linked = ({ text }: { text: string }): VNode => (
  <>
    {text.split(/(https:\/\/[^\s,]+)/).map((part, n) =>
      n % 2 === 0 ? (
        part
      ) : (
        <a key={part} href={part} rel="noreferrer">
          {part}
        </a>
      ),
    )}
  </>
)

const choose = route({
  ...writing,
  path: newPath,
  summary: 'Choose the kind of a new provider',
  fails: [],
  handle({ who, locale, csrfToken }, _services: Services) {
    const reader = readerOf(locale)
    const { words, kinds } = reader.say.providers
    return show(
      locale,
      <Layout {...reader} title={words.choose} signedIn={csrfToken()} scopes={who.scopes}>
        <p>{words.chooseText}</p>
        <ul class="plain">
          {kindDescriptions.map(({ kind, name }) => (
            <li key={kind}>
              <a href={`${newPath}/${kind}`}>{name ?? kinds[kind] ?? kind}</a>
            </li>
          ))}
        </ul>
      </Layout>,
    )
  },
})

const kindParams = object({
  kind: storable(40).meta({ parameter: 'ProviderKind', description: 'A kind of provider, such as `oidc`' }),
})

type Values = Readonly<Record<string, string | null | undefined>>
type CreateViewProps = Reader & {
  readonly kind: string
  readonly values: Values
  readonly id: string
  readonly errors: ReadonlyMap<string, string>
  readonly csrf: string
  readonly scopes: readonly string[]
  readonly publicUrl: URL
}

function CreateView(props: CreateViewProps): VNode {
  const { kind, id, values, errors, csrf, scopes, publicUrl, locale, say } = props
  const reader = { locale, say }
  const { words, kinds } = say.providers
  const described = kindDescription(kind) ?? kindDescriptions[0]
  if (!described) throw new Error('there is no kind of provider')
  const shownId = id || described.kind
  return (
    <Layout
      {...reader}
      title={words.addTitle(described.name ?? kinds[described.kind] ?? described.kind)}
      signedIn={csrf}
      scopes={scopes}
    >
      <ErrorSummary {...reader} errors={errors} />
      <section aria-labelledby="register">
        <h2 id="register">{words.registerHeading}</h2>
        <ol>
          <li>
            <p>
              {words.registerStep} <Linked text={described.registration} />
            </p>
          </li>
          <li>
            {words.redirectStep} <code>{`${publicUrl.origin}/auth/${shownId}/callback`}</code>
            {described.name === null ? ` ${words.redirectId}` : null}
          </li>
          <li>{words.copyStep}</li>
        </ol>
      </section>
      <Form action={path} csrf={csrf}>
        <input type="hidden" name="kind" value={described.kind} />
        <Labeled id="id" label={words.id} hint={words.idHint} error={errors.get('id')}>
          <input
            id="id"
            name="id"
            type="text"
            value={shownId}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            maxlength={31}
            aria-describedby="id-hint"
          />
        </Labeled>
        <SettingFields {...reader} kind={described} values={values} errors={errors} />
        <ExpiryField {...reader} value={null} error={errors.get('secret_expires_at')} />
        <Submit>{words.saveDraft}</Submit>
      </Form>
    </Layout>
  )
}

/** Says at the top that fields have errors: the first of them may be below the fold. */
const ErrorSummary = ({ errors, say }: Reader & { errors: ReadonlyMap<string, string> }): VNode | null =>
  errors.size === 0 ? null : (
    <p class="caution" role="alert">
      {errors.get('') ?? say.providers.words.invalid}
    </p>
  )

const ExpiryField = ({
  value,
  error,
  say: {
    providers: { words },
  },
}: Reader & { value: Date | null; error: string | undefined }): VNode => (
  <Labeled id="secret_expires_at" label={words.expires} hint={words.expiresHint} error={error}>
    <input
      id="secret_expires_at"
      name="secret_expires_at"
      type="date"
      value={value?.toISOString().slice(0, 10) ?? ''}
      aria-describedby="secret_expires_at-hint"
    />
  </Labeled>
)

const newPage = route({
  ...writing,
  path: `${newPath}/:kind`,
  summary: 'Show how to register this service at a provider, and the form to add it',
  params: kindParams,
  fails: ['provider_not_found'],
  handle({ who, params, locale, csrfToken }, { settings }: Services) {
    const described = kindDescription(params.kind)
    if (!described) return fail('provider_not_found', { provider: params.kind.slice(0, 40) })
    return show(
      locale,
      <CreateView
        {...readerOf(locale)}
        kind={described.kind}
        id=""
        values={{}}
        errors={new Map()}
        csrf={csrfToken()}
        scopes={who.scopes}
        publicUrl={settings.publicUrl}
      />,
    )
  },
})

const createForm = formOf(create, {
  path,
  summary: 'Add a provider as a draft, which nobody can sign in with yet',
  fields: object({
    id: storable(40).describe('The provider ID'),
    kind: storable(40).describe('The kind of provider'),
    secret_expires_at: dayField,
    ...settingFields,
  }).transform((fields) => ({
    id: fields.id.trim(),
    kind: fields.kind,
    settings: Object.fromEntries(
      Object.entries(fieldSettings(fields)).flatMap(([name, text]) => (text === null ? [] : [[name, text]])),
    ),
    secret_expires_at: fields.secret_expires_at ?? null,
  })),
  also: ['page'],
  done: ({ body }) => seeOther(doneAt(pageOf(body.id), 'provider_added')),
  failed({ error, faults }, { who, body, locale, csrfToken }, { settings }) {
    const reader = readerOf(locale)
    const errors = new Map(errorsIn(faults, reader))
    if (error.code === 'provider_exists') errors.set('id', reader.say.providers.words.idTaken)
    if (errors.size === 0 || !kindDescription(body.kind)) return undefined
    return show(
      locale,
      <CreateView
        {...reader}
        kind={body.kind}
        id={body.id}
        values={body.settings}
        errors={errors}
        csrf={csrfToken()}
        scopes={who.scopes}
        publicUrl={settings.publicUrl}
      />,
      { status: 400 },
    )
  },
})

const provider = route({
  ...reading,
  path: `${path}/:id`,
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
    const reader = readerOf(locale)
    const { words, states, checks } = reader.say.providers
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
        <section aria-labelledby="facts">
          <h2 id="facts">{words.facts}</h2>
          <Facts
            of={[
              ['ID', <code key="id">{one.id}</code>],
              [
                words.state,
                stateOf(one)
                  .map((state) => states[state])
                  .join(', '),
              ],
              [words.redirectUris, <RedirectUris key="uris" uris={one.redirectUris} />],
              one.record && [
                words.changed,
                <By key="by" {...reader} at={one.record.updatedAt} who={one.record.updatedBy} />,
              ],
              one.live?.secretExpiresAt
                ? [words.expires, <Time key="expires" {...reader} at={one.live.secretExpiresAt} />]
                : null,
            ]}
          />
          <Health {...reader} provider={one} services={services} />
          {one.source === 'environment' ? <p>{words.fromEnvironment}</p> : null}
        </section>
        {one.draft ? (
          <Draft
            {...reader}
            provider={one}
            draft={one.draft}
            trial={trial?.ok ? trial.value : null}
            csrf={csrf}
            may={may}
          />
        ) : null}
        {one.live ? (
          <section aria-labelledby="live">
            <h2 id="live">{words.live}</h2>
            <Settings {...reader} version={one.live} />
          </section>
        ) : null}
        <Acts {...reader} provider={one} csrf={csrf} may={may} />
        {history?.ok ? (
          <History
            {...reader}
            id={one.id}
            versions={history.value}
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

/** When something was changed, and by whom. */
const By = ({ at, who, ...reader }: Reader & { at: Date; who: string | null }): VNode => (
  <>
    <Time {...reader} at={at} />{' '}
    {who === null ? reader.say.providers.words.byCommand : <a href={userPage(who)}>{who}</a>}
  </>
)

type May = ReturnType<typeof mayNow>

function Settings({ version, say }: Reader & { version: SettingsVersion }): VNode {
  const { words } = say.providers
  return (
    <Facts
      of={[
        ...Object.entries(version.settings)
          .sort()
          .map(([name, text]) => [name, <code key={name}>{text}</code>] as const),
        ...version.secrets.map((name) => [name, words.secretSet] as const),
      ]}
    />
  )
}

/** What differs between two versions: a line for each setting. The value of a secret is not shown. */
export function differences(
  before: Pick<SettingsVersion, 'settings' | 'secrets'> | null,
  after: Pick<SettingsVersion, 'settings' | 'secrets'>,
): readonly { name: string; before: string | null; after: string | null }[] {
  const names = [...new Set([...Object.keys(before?.settings ?? {}), ...Object.keys(after.settings)])].sort()
  return names.flatMap((name) => {
    const [old, now] = [before?.settings[name] ?? null, after.settings[name] ?? null]
    return old === now ? [] : [{ name, before: old, after: now }]
  })
}

function Changes({ before, after, say }: Reader & { before: SettingsVersion | null; after: SettingsVersion }): VNode {
  const { words } = say.providers
  const changed = differences(before, after)
  return changed.length === 0 ? (
    <p>{words.noVisibleChange}</p>
  ) : (
    <Facts
      of={changed.map(({ name, before: old, after: now }) => [
        name,
        <>
          {old === null ? null : (
            <>
              <del>
                <code>{old}</code>
              </del>{' '}
            </>
          )}
          {now === null ? words.removed : <code>{now}</code>}
        </>,
      ])}
    />
  )
}

type DraftProps = Reader & {
  readonly provider: ManagedProvider
  readonly draft: SettingsVersion
  readonly trial: Trial | null
  readonly csrf: string
  readonly may: May
}

function Draft({ provider: one, draft, trial, csrf, may, ...reader }: DraftProps): VNode {
  const { words } = reader.say.providers
  const page = pageOf(one.id)
  return (
    <section aria-labelledby="draft">
      <h2 id="draft">{words.draft}</h2>
      <p>{draft.triedAt ? words.draftTried : words.draftText}</p>
      {one.live ? <Changes {...reader} before={one.live} after={draft} /> : <Settings {...reader} version={draft} />}
      <Facts of={[[words.saved, <By key="by" {...reader} at={draft.createdAt} who={draft.author} />]]} />
      {trial ? <TrialResult {...reader} trial={trial} /> : null}
      {may.allowed && may.recent ? (
        <div class="actions">
          <Form action={`${page}/try`} csrf={csrf}>
            <button type="submit" {...(draft.triedAt ? {} : { class: 'primary' })}>
              {trial ? words.tryAgain : words.try}
            </button>
          </Form>
          {draft.triedAt ? (
            <Form action={`${page}/${one.live ? 'publish' : 'enable'}`} csrf={csrf}>
              <button type="submit" class="primary">
                {one.live ? words.publish : words.enable}
              </button>
            </Form>
          ) : null}
          <Form action={`${page}/check`} csrf={csrf}>
            <button type="submit">{words.check}</button>
          </Form>
        </div>
      ) : null}
    </section>
  )
}

/** What the provider returned to the administrator, and what a sign-in would have done. */
function TrialResult({ trial, ...reader }: Reader & { trial: Trial }): VNode {
  const { words, decisions } = reader.say.providers
  const { say } = reader
  const tried = <Time {...reader} at={new Date(trial.at)} />
  if (trial.outcome === 'failed')
    return (
      <>
        <h3>{words.trial}</h3>
        <p class="caution">{words.trialFailed}</p>
        <Facts
          of={[
            [words.tried, tried],
            [words.errorCode, <code key="code">{trial.code}</code>],
          ]}
        />
      </>
    )
  const { claims, decision, scopes, missingScopes, restriction, isTrusted, issuer } = trial
  const list = (all: readonly string[]): string => (all.length === 0 ? '—' : all.join(', '))
  return (
    <>
      <h3>{words.trial}</h3>
      <p>{words.trialText}</p>
      <Facts
        of={[
          [words.tried, tried],
          [words.issuer, <code key="issuer">{issuer}</code>],
          [words.subject, <code key="subject">{claims.subject}</code>],
          [
            words.email,
            claims.email === null
              ? '—'
              : `${claims.email} (${claims.emailVerified ? words.emailVerified : words.emailUnverified})`,
          ],
          [words.emailTrusted, isTrusted ? say.yes : say.no],
          [words.personName, claims.name ?? '—'],
          [words.picture, claims.picture ?? '—'],
          [words.scopes, list(scopes)],
          missingScopes.length > 0 ? [words.missingScopes, list(missingScopes)] : null,
          restriction === null ? null : [words.restriction, <code key="restriction">{restriction}</code>],
          [words.signInWould, decisions[decision.action]],
          decision.accountId === null
            ? null
            : [
                words.account,
                <a key="account" href={userPage(decision.accountId)}>
                  {decision.accountId}
                </a>,
              ],
        ]}
      />
    </>
  )
}

function Acts({
  provider: { id, name, source, enabled, live },
  csrf,
  may,
  ...reader
}: Reader & { provider: ManagedProvider; csrf: string; may: May }): VNode | null {
  const { words } = reader.say.providers
  const page = pageOf(id)
  if (!may.allowed || source === 'environment') return null
  return (
    <section aria-labelledby="acts">
      <h2 id="acts">{words.acts}</h2>
      {may.recent ? (
        <div class="actions">
          <a class="button" href={`${page}/edit`}>
            {words.edit}
            <Unseen> ({name})</Unseen>
          </a>
          {live && !enabled ? (
            <Form action={`${page}/enable`} csrf={csrf}>
              <button type="submit">
                {words.enable}
                <Unseen> ({name})</Unseen>
              </button>
            </Form>
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
    </section>
  )
}

type HistoryProps = Reader & {
  readonly id: string
  readonly versions: readonly SettingsVersion[]
  readonly csrf: string
  readonly may: May
  readonly audit: boolean
}

function History({ id, versions, csrf, may, audit, ...reader }: HistoryProps): VNode {
  const { words, versionStates } = reader.say.providers
  return (
    <section aria-labelledby="history">
      <h2 id="history">{words.history}</h2>
      <ul class="entries">
        {versions.map((version, n) => (
          <li key={version.version}>
            <h3>
              {words.version(version.version)}
              <span class="mark">{versionStates[version.state]}</span>
            </h3>
            <p class="fine">
              <By {...reader} at={version.createdAt} who={version.author} />
            </p>
            <Changes {...reader} before={versions[n + 1] ?? null} after={version} />
            {version.state === 'former' && may.allowed && may.recent ? (
              <div class="actions">
                <Form action={`${pageOf(id)}/versions/${version.version}/restore`} csrf={csrf}>
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
    </section>
  )
}

type EditViewProps = Reader & {
  readonly provider: ManagedProvider
  readonly values?: Values
  readonly errors: ReadonlyMap<string, string>
  readonly csrf: string
  readonly scopes: readonly string[]
}

function EditView({ provider: one, values, errors, csrf, scopes, ...reader }: EditViewProps): VNode | null {
  const { words } = reader.say.providers
  const described = kindDescription(one.kind)
  const newest = one.draft ?? one.live
  if (!described || !newest) return null
  return (
    <Layout {...reader} title={words.editTitle(one.name)} signedIn={csrf} scopes={scopes}>
      <ErrorSummary {...reader} errors={errors} />
      <p>{words.editText}</p>
      <Form action={`${pageOf(one.id)}/edit`} csrf={csrf}>
        <input type="hidden" name="revision" value={String(one.record?.revision ?? 0)} />
        <SettingFields
          {...reader}
          kind={described}
          values={{ ...newest.settings, ...values }}
          stored={newest.secrets}
          errors={errors}
        />
        <Labeled id="order" label={words.order} hint={words.orderHint}>
          <input
            id="order"
            name="order"
            type="text"
            inputmode="numeric"
            maxlength={7}
            autocomplete="off"
            value={String(one.record?.position ?? 0)}
            aria-describedby="order-hint"
          />
        </Labeled>
        <ExpiryField {...reader} value={newest.secretExpiresAt} error={errors.get('secret_expires_at')} />
        <div class="actions">
          <button type="submit" class="primary">
            {words.saveDraft}
          </button>
          <a class="button" href={pageOf(one.id)}>
            {reader.say.cancel}
          </a>
        </div>
      </Form>
    </Layout>
  )
}

const edit = route({
  ...writing,
  path: `${path}/:id/edit`,
  summary: 'Show the form that changes a provider',
  params: managedProviderParams,
  fails: ['provider_not_found', 'provider_not_editable'],
  async handle({ who, params, locale, csrfToken }, { flows }: Services) {
    const found = await flows.manageProviders.find(params.id)
    if (!found.ok) return found
    if (found.value.source === 'environment') return fail('provider_not_editable')
    const view = EditView({
      ...readerOf(locale),
      provider: found.value,
      errors: new Map(),
      csrf: csrfToken(),
      scopes: who.scopes,
    })
    return view ? show(locale, view) : fail('provider_not_found', { provider: params.id })
  },
})

const editForm = formOf(update, {
  path: `${path}/:id/edit`,
  summary: 'Save a change of a provider as a draft',
  fields: object({
    revision: z.coerce.number().int().min(0).max(2_147_483_647).describe('The revision that the form showed'),
    order: orderField,
    secret_expires_at: dayField,
    ...settingFields,
  }).transform(({ revision, order, secret_expires_at, ...fields }) => ({
    revision,
    order,
    secret_expires_at: secret_expires_at ?? null,
    settings: fieldSettings(fields),
    force: false,
  })),
  also: ['page'],
  done: backTo('provider_saved'),
  async failed({ error, faults }, { who, params, body, locale, csrfToken }, { flows }) {
    const reader = readerOf(locale)
    const { words } = reader.say.providers
    const errors = new Map(errorsIn(faults, reader))
    const found = await flows.manageProviders.find(params.id)
    if (!found.ok) return undefined
    const { draft, live } = found.value
    if (error.code === 'provider_secret_required')
      for (const name of (draft ?? live)?.secrets ?? []) errors.set(`settings.${name}`, words.secretAgain)
    if (error.code === 'provider_changed') errors.set('', words.changedElsewhere)
    if (errors.size === 0) return undefined
    const view = EditView({
      ...reader,
      provider: found.value,
      values: body.settings ?? {},
      errors,
      csrf: csrfToken(),
      scopes: who.scopes,
    })
    return view ? show(locale, view, { status: error.code === 'provider_changed' ? 409 : 400 }) : undefined
  },
})

const publishForm = formOf(publish, {
  path: `${path}/:id/publish`,
  summary: 'Make the draft of a provider live',
  fields: object({}).transform(() => ({ force: false })),
  done: backTo('provider_published'),
})

const enableForm = formOf(enable, {
  path: `${path}/:id/enable`,
  summary: 'Let people sign in with a provider',
  fields: object({}).transform(() => ({ force: false })),
  done: backTo('provider_enabled'),
})

const disableForm = formOf(disable, {
  path: `${path}/:id/disable`,
  summary: 'End sign-ins with a provider',
  done: backTo('provider_disabled'),
})

const tryForm = formOf(tryDraft, {
  path: `${path}/:id/try`,
  summary: 'Sign in with the draft of a provider, to try it',
  also: ['page'],
  done: ({ cookieNames, locale }, started, { settings }) =>
    goOn(toProvider(started, cookieNames, settings.flowCookieSeconds), locale),
})

/** How many of the accounts that could not sign in any longer a page names. */
const mostNamed = 25

/** Who would be locked out, before it is confirmed. */
async function Impact({ id, flows, ...reader }: Reader & { id: string; flows: Services['flows'] }) {
  const { words } = reader.say.providers
  const found = await flows.manageProviders.impactOf(id, { after: '', limit: mostNamed })
  if (!found.ok) return null
  const { affected, accounts, isComplete } = found.value
  const number = new Intl.NumberFormat(reader.locale).format(affected)
  return (
    <section aria-labelledby="impact">
      <h2 id="impact">{words.impact}</h2>
      <p class={affected > 0 ? 'caution' : undefined}>
        {affected === 0 ? words.nobodyLockedOut : words.lockedOut(number)}
        {isComplete ? null : ` ${words.impactIncomplete}`}
      </p>
      {accounts.length === 0 ? null : (
        <ul class="plain">
          {accounts.map((account) => (
            <li key={account.id}>
              <a href={userPage(account.id)}>{account.name ?? account.email ?? account.id}</a>
              {account.name === null || account.email === null ? null : ` ${account.email}`}
            </li>
          ))}
        </ul>
      )}
      {affected > accounts.length ? <p>{words.andOthers}</p> : null}
    </section>
  )
}

/** The provider that a question is about. The environment alone decides about its own providers. */
async function findEditable({ manageProviders }: Services['flows'], id: string) {
  const found = await manageProviders.find(id)
  return found.ok && found.value.source === 'environment' ? fail('provider_not_editable') : found
}

type QuestionProps = Reader & {
  readonly id: string
  readonly flows: Services['flows']
  readonly csrf: string
  readonly scopes: readonly string[]
  readonly title: string
  readonly text: string
  /** The answers that end the provider for its users: the rest of the path of each form, and its button. */
  readonly answers: readonly (readonly [path: string, button: string])[]
  readonly note?: string
}

/** Says what will happen, and to whom, before it does. */
async function question({ id, flows, csrf, scopes, title, text, answers, note, ...reader }: QuestionProps) {
  return show(
    reader.locale,
    <Layout {...reader} title={title} signedIn={csrf} scopes={scopes}>
      <p>{text}</p>
      {await Impact({ ...reader, id, flows })}
      <div class="actions">
        {answers.map(([act, button]) => (
          <Form key={act} action={`${pageOf(id)}${act}`} csrf={csrf}>
            <button type="submit" class="danger">
              {button}
            </button>
          </Form>
        ))}
        <a class="button" href={pageOf(id)}>
          {reader.say.cancel}
        </a>
      </div>
      {note === undefined ? null : <p class="fine">{note}</p>}
    </Layout>,
  )
}

const askDisable = route({
  ...writing,
  path: `${path}/:id/disable`,
  summary: 'Show who could not sign in any longer, before a provider is disabled',
  params: managedProviderParams,
  fails: ['provider_not_found', 'provider_not_editable'],
  async handle({ who, params: { id }, locale, csrfToken }, { flows }: Services) {
    const found = await findEditable(flows, id)
    if (!found.ok) return found
    const reader = readerOf(locale)
    const { words } = reader.say.providers
    return question({
      ...reader,
      id,
      flows,
      csrf: csrfToken(),
      scopes: who.scopes,
      title: words.disableTitle(found.value.name),
      text: words.disableText,
      answers: [['/disable', words.disableButton]],
    })
  },
})

const askDelete = route({
  ...writing,
  path: `${path}/:id/delete`,
  summary: 'Ask for confirmation before a provider is deleted',
  params: managedProviderParams,
  fails: ['provider_not_found', 'provider_not_editable'],
  async handle({ who, params: { id }, locale, csrfToken }, { flows }: Services) {
    const found = await findEditable(flows, id)
    if (!found.ok) return found
    const reader = readerOf(locale)
    const { words } = reader.say.providers
    return question({
      ...reader,
      id,
      flows,
      csrf: csrfToken(),
      scopes: who.scopes,
      title: words.deleteTitle(found.value.name),
      text: words.deleteText,
      answers: [
        ['/delete', words.deleteButton],
        ['/delete?withdraw=true', words.withdraw],
      ],
      note: words.withdrawText,
    })
  },
})

const removeForm = formOf(remove, {
  path: `${path}/:id/delete`,
  summary: 'Delete a provider, and revoke the grants of its users there if requested',
  done: () => seeOther(doneAt(path, 'provider_deleted')),
})

const checkForm = formOf(check, {
  path: `${path}/:id/check`,
  summary: 'Test discovery and client authentication of a provider',
  done: ({ params }, { endpoints, client }) =>
    seeOther(`${pageOf(params.id)}?check=${endpoints === 'failed' ? 'unreachable' : (client ?? 'unclear')}`),
})

const restoreForm = formOf(restore, {
  path: `${path}/:id/versions/:version/restore`,
  summary: 'Make an earlier version of a provider its draft',
  done: ({ params }) => seeOther(doneAt(pageOf(params.id), 'provider_restored')),
})

export const adminProviderRoutes = [
  list,
  choose,
  newPage,
  createForm,
  provider,
  edit,
  editForm,
  publishForm,
  enableForm,
  disableForm,
  checkForm,
  tryForm,
  askDisable,
  askDelete,
  removeForm,
  restoreForm,
]
