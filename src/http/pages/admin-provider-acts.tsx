import { fail } from '../../errors/catalogue.ts'
import { check, disable, enable, publish, remove, restore, tryDraft } from '../api/managed-providers.ts'
import { formOf } from '../form.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { managedProviderParams } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { userPage } from './admin-frame.tsx'
import { Form, Layout, type Reader, readerOf, show } from './layout.tsx'
import { goOn } from './onward.tsx'
import { Panel } from './panel.tsx'
import { backTo, providerPage, providersPath, writing } from './provider-pages.ts'
import { doneAt } from './status.ts'
import { toProvider } from './to-provider.ts'

/** What administrators do with a provider, from its first trial to its deletion. */

const publishForm = formOf(publish, {
  path: `${providersPath}/:id/publish`,
  summary: 'Make the draft of a provider live',
  fields: object({}).transform(() => ({ force: false })),
  done: backTo('provider_published'),
})

const enableForm = formOf(enable, {
  path: `${providersPath}/:id/enable`,
  summary: 'Let people sign in with a provider',
  fields: object({}).transform(() => ({ force: false })),
  done: backTo('provider_enabled'),
})

const disableForm = formOf(disable, {
  path: `${providersPath}/:id/disable`,
  summary: 'End sign-ins with a provider',
  done: backTo('provider_disabled'),
})

const tryForm = formOf(tryDraft, {
  path: `${providersPath}/:id/try`,
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
    <Panel id="impact" title={words.impact}>
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
    </Panel>
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
          <Form key={act} action={`${providerPage(id)}${act}`} csrf={csrf}>
            <button type="submit" class="danger">
              {button}
            </button>
          </Form>
        ))}
        <a class="button" href={providerPage(id)}>
          {reader.say.cancel}
        </a>
      </div>
      {note === undefined ? null : <p class="fine">{note}</p>}
    </Layout>,
  )
}

const askDisable = route({
  ...writing,
  path: `${providersPath}/:id/disable`,
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
  path: `${providersPath}/:id/delete`,
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
  path: `${providersPath}/:id/delete`,
  summary: 'Delete a provider, and revoke the grants of its users there if requested',
  done: () => seeOther(doneAt(providersPath, 'provider_deleted')),
})

const checkForm = formOf(check, {
  path: `${providersPath}/:id/check`,
  summary: 'Test discovery and client authentication of a provider',
  done: ({ params }, { endpoints, client }) =>
    seeOther(`${providerPage(params.id)}?check=${endpoints === 'failed' ? 'unreachable' : (client ?? 'unclear')}`),
})

const restoreForm = formOf(restore, {
  path: `${providersPath}/:id/versions/:version/restore`,
  summary: 'Make an earlier version of a provider its draft',
  done: ({ params }) => seeOther(doneAt(providerPage(params.id), 'provider_restored')),
})

export const adminProviderActRoutes = [
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
