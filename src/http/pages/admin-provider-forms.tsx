import type { VNode } from 'preact'
import { z } from 'zod'
import { fail } from '../../errors/catalogue.ts'
import { kindDescription, kindDescriptions } from '../../providers/kinds.ts'
import type { ManagedProvider } from '../../providers/managed.ts'
import { create, update } from '../api/managed-providers.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { managedProviderParams, storable } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { Submit } from './field.tsx'
import { Form, Layout, type Reader, readerOf, show } from './layout.tsx'
import {
  dayField,
  errorsIn,
  fieldSettings,
  Labeled,
  orderField,
  SettingFields,
  settingFields,
} from './provider-fields.tsx'
import { backTo, newProviderPath, providerPage, providersPath, writing } from './provider-pages.ts'
import { doneAt } from './status.ts'

/** The administrators' forms that add and change a provider. */

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
      <Form action={providersPath} csrf={csrf}>
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
  path: `${newProviderPath}/:kind`,
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
  path: providersPath,
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
  done: ({ body }) => seeOther(doneAt(providerPage(body.id), 'provider_added')),
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
      <Form action={`${providerPage(one.id)}/edit`} csrf={csrf}>
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
          <a class="button" href={providerPage(one.id)}>
            {reader.say.cancel}
          </a>
        </div>
      </Form>
    </Layout>
  )
}

const edit = route({
  ...writing,
  path: `${providersPath}/:id/edit`,
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
  path: `${providersPath}/:id/edit`,
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

export const adminProviderFormRoutes = [newPage, createForm, edit, editForm]
