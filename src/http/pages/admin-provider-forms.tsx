import type { VNode } from 'preact'
import { z } from 'zod'
import { fail } from '../../errors/catalogue.ts'
import { kindDescription, kindDescriptions } from '../../providers/kinds.ts'
import type { ManagedProvider } from '../../providers/managed.ts'
import { create, update } from '../api/managed-providers.ts'
import { formOf } from '../form.ts'
import { type FormRefusal, usePageFrame } from '../page-frame.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { managedProviderParams, storable } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { Field, Submit } from './field.tsx'
import { Form, Layout, type Reader, readerOf, show } from './layout.tsx'
import { Panel } from './panel.tsx'
import {
  dayField,
  fieldSettings,
  orderField,
  SettingFields,
  settingFields,
  settingRefusals,
} from './provider-fields.tsx'
import { backTo, newProviderPath, providerPage, providersPath, writing } from './provider-pages.ts'
import { refusalOf } from './refusal.tsx'
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
  readonly refused: readonly FormRefusal[]
  readonly csrf: string
  readonly scopes: readonly string[]
  readonly publicUrl: URL
}

function CreateView(props: CreateViewProps): VNode {
  const { kind, id, values, refused, csrf, scopes, publicUrl, locale, say } = props
  const reader = { locale, say }
  const { words, kinds } = say.providers
  const described = kindDescription(kind) ?? kindDescriptions[0]
  if (!described) throw new Error('there is no kind of provider')
  const { typed } = usePageFrame().refusedForm ?? {}
  // The redirect URI above the form is that of the ID in it.
  const shownId = id || (typeof typed?.id === 'string' && typed.id) || described.kind
  return (
    <Layout
      {...reader}
      title={words.addTitle(described.name ?? kinds[described.kind] ?? described.kind)}
      signedIn={csrf}
      scopes={scopes}
      refused={refused}
    >
      <Panel id="register" title={words.registerHeading}>
        <ol>
          <li>
            {words.registerStep} <Linked text={described.registration[locale]} />
          </li>
          <li>
            {words.redirectStep} <code>{`${publicUrl.origin}/auth/${shownId}/callback`}</code>
            {described.name === null ? ` ${words.redirectId}` : null}
          </li>
          <li>{words.copyStep}</li>
        </ol>
      </Panel>
      <Form action={providersPath} csrf={csrf}>
        <input type="hidden" name="kind" value={described.kind} />
        <Field
          name="id"
          label={words.id}
          hint={words.idHint}
          value={shownId}
          autocomplete="off"
          code="text"
          maxlength={31}
        />
        <SettingFields {...reader} kind={described} values={values} refused={refused} />
        <ExpiryField {...reader} value={null} />
        <Submit>{words.saveDraft}</Submit>
      </Form>
    </Layout>
  )
}

const ExpiryField = ({ value, say }: Reader & { value: Date | null }): VNode => (
  <Field
    name="secret_expires_at"
    type="date"
    label={say.providers.words.expires}
    hint={say.providers.words.expiresHint}
    value={value?.toISOString().slice(0, 10) ?? ''}
    autocomplete="off"
    optional
  />
)

/** The form is shown again: what that means, and each error. */
const summaryOf = (text: string, refusals: readonly FormRefusal[]): readonly FormRefusal[] => [
  { field: null, text },
  ...refusals,
]

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
        refused={[]}
        csrf={csrfToken()}
        scopes={who.scopes}
        publicUrl={settings.publicUrl}
      />,
    )
  },
})

const createForm = formOf(create, {
  path: providersPath,
  shownOn: `${newProviderPath}/:kind`,
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
    const { words } = reader.say.providers
    const refused = [
      ...settingRefusals(body.kind, faults, reader),
      ...(error.code === 'provider_exists' ? refusalOf('id', words.idTaken, true) : []),
    ]
    if (refused.length === 0 || !kindDescription(body.kind)) return undefined
    return show(
      locale,
      <CreateView
        {...reader}
        kind={body.kind}
        id={body.id}
        values={body.settings}
        refused={summaryOf(words.invalid, refused)}
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
  readonly refused: readonly FormRefusal[]
  readonly csrf: string
  readonly scopes: readonly string[]
}

function EditView({ provider: one, values, refused, csrf, scopes, ...reader }: EditViewProps): VNode | null {
  const { words } = reader.say.providers
  const described = kindDescription(one.kind)
  const newest = one.draft ?? one.live
  if (!described || !newest) return null
  return (
    <Layout {...reader} title={words.editTitle(one.name)} signedIn={csrf} scopes={scopes} refused={refused}>
      <p>{words.editText}</p>
      <Form action={`${providerPage(one.id)}/edit`} csrf={csrf}>
        <input type="hidden" name="revision" value={String(one.record?.revision ?? 0)} />
        <SettingFields
          {...reader}
          kind={described}
          values={{ ...newest.settings, ...values }}
          stored={newest.secrets}
          refused={refused}
        />
        <Field
          name="order"
          label={words.order}
          hint={words.orderHint}
          value={String(one.record?.position ?? 0)}
          autocomplete="off"
          code="digits"
          maxlength={7}
          optional
        />
        <ExpiryField {...reader} value={newest.secretExpiresAt} />
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
      refused: [],
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
    const { words, labels } = reader.say.providers
    const found = await flows.manageProviders.find(params.id)
    if (!found.ok) return undefined
    const { draft, live } = found.value
    const secrets = error.code === 'provider_secret_required' ? ((draft ?? live)?.secrets ?? []) : []
    const isChanged = error.code === 'provider_changed'
    const refused = [
      ...settingRefusals(found.value.kind, faults, reader),
      ...secrets.map((name) => ({
        field: `settings.${name}`,
        label: labels[name] ?? name,
        text: words.secretAgain,
        atField: true as const,
      })),
    ]
    if (refused.length === 0 && !isChanged) return undefined
    const view = EditView({
      ...reader,
      provider: found.value,
      values: body.settings ?? {},
      refused: summaryOf(isChanged ? words.changedElsewhere : words.invalid, refused),
      csrf: csrfToken(),
      scopes: who.scopes,
    })
    return view ? show(locale, view, { status: isChanged ? 409 : 400 }) : undefined
  },
})

export const adminProviderFormRoutes = [newPage, createForm, edit, editForm]
