import type { VNode } from 'preact'
import type { NamedPasskey } from '../../credentials/authenticators.ts'
import { ok } from '../../kernel/result.ts'
import {
  AuthenticationResponse,
  add,
  formJson,
  passkeyName,
  RegistrationResponse,
  remove,
  rename,
  signIn,
} from '../api/passkeys.ts'
import { enteringOf, targetFields } from '../api/sign-in-target.ts'
import { formOf, signInFormOf } from '../form.ts'
import { isRecent } from '../principal.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { emptyAsUndefined, secretText } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { signedInAsRedirect, toSecondFactor } from '../sign-in-answers.ts'
import { Ask, Disclosure } from './ask.tsx'
import { Field } from './field.tsx'
import { Form, Layout, type Reader, readerOf, SignInAgain, show, Time, Unseen } from './layout.tsx'
import { goOn } from './onward.tsx'
import { PasskeyForm } from './passkey-form.tsx'
import { doneAt, doneMessageOf, doneQuery } from './status.ts'

const common = { tag: 'Pages', surface: 'browser', auth: 'recent', limit: 'account' } as const
const here = '/account/passkeys'

const view = route({
  ...common,
  method: 'get',
  path: here,
  summary: 'Show my passkeys',
  auth: 'user',
  query: doneQuery,
  fails: [],
  async handle({ who, query, locale, csrfToken }, { flows, clock, settings }: Services) {
    const passkeys = await flows.passkeys.list(who.accountId)
    const recent = isRecent(who, clock(), settings.recentAuthSeconds)
    const status = doneMessageOf(query.done, locale)
    return show(locale, <PasskeysPage {...readerOf(locale)} {...{ passkeys, recent, status }} csrf={csrfToken()} />)
  },
})

const addForm = formOf(add, {
  path: here,
  summary: 'Add a passkey',
  fields: object({
    name: emptyAsUndefined(passkeyName).describe('A name; empty for the name of its authenticator'),
    flow_token: secretText,
    response: formJson(RegistrationResponse),
  }),
  done: () => seeOther(doneAt(here, 'passkey_added')),
})

const renameForm = formOf(rename, {
  path: '/account/passkeys/:id/name',
  summary: 'Rename a passkey',
  done: () => seeOther(doneAt(here, 'passkey_renamed')),
})

const removeForm = formOf(remove, {
  path: '/account/passkeys/:id/remove',
  summary: 'Remove a passkey',
  done: () => seeOther(doneAt(here, 'passkey_removed')),
})

const signInForm = signInFormOf(signIn, {
  path: '/login/passkey',
  summary: 'Sign in with a passkey',
  fields: object({
    flow_token: secretText,
    response: formJson(AuthenticationResponse),
    ...targetFields,
  }),
  fails: ['invalid_request'],
  also: ['page'],
  async handle({ who, body, origin, locale }, services) {
    const entering = await enteringOf(body, who, origin, services)
    if (!entering.ok) return entering
    const entered = await services.flows.signInWithPasskey.signIn(body.flow_token, body.response, entering.value)
    if (!entered.ok) {
      const next = toSecondFactor(entered.error)
      return next ? ok(next) : entered
    }
    return goOn(await signedInAsRedirect(entered.value, services), locale)
  },
})
export const passkeyPageRoutes = [view, addForm, renameForm, removeForm, signInForm]

type PageProps = Reader & {
  readonly passkeys: readonly NamedPasskey[]
  readonly recent: boolean
  readonly csrf: string
  readonly status: string | undefined
}

function PasskeysPage({ passkeys: all, recent, csrf, status, ...reader }: PageProps): VNode {
  const { say } = reader
  const { passkeys } = say
  return (
    <Layout {...reader} title={passkeys.title} signedIn={csrf} status={status}>
      <p class="lead">
        {passkeys.intro} {say.secondFactor.others}
      </p>
      <section class="panel" aria-labelledby="mine">
        <h2 id="mine">{passkeys.mine}</h2>
        {all.length === 0 ? <p>{passkeys.none}</p> : null}
        <ul class="rows">
          {all.map((passkey) => (
            <PasskeyRow key={passkey.id} {...reader} {...{ passkey, recent, csrf }} />
          ))}
        </ul>
        {recent ? (
          <PasskeyForm
            {...reader}
            {...{ action: here, csrf, does: 'create', options: '/me/passkeys/options', button: passkeys.add }}
            primary
          >
            <Field
              name="name"
              label={passkeys.newName}
              autocomplete="off"
              hint={passkeys.nameHint}
              maxlength={80}
              optional
            />
          </PasskeyForm>
        ) : (
          <div>
            <SignInAgain {...reader} returnTo={here} />
          </div>
        )}
      </section>
      <p class="actions">
        <a class="button" href="/account/sign-in">
          {say.ways.back}
        </a>
      </p>
    </Layout>
  )
}

type RowProps = Reader & { readonly passkey: NamedPasskey; readonly recent: boolean; readonly csrf: string }

/** What holds the passkey and when it was used, and one button with what can be done about it. */
function PasskeyRow({ passkey, recent, csrf, ...reader }: RowProps): VNode {
  const { passkeys, ways } = reader.say
  const { id, name, authenticator, createdAt, lastUsedAt, backedUp } = passkey
  return (
    <li>
      <div>
        <h3>
          {name} <span class="badge">{backedUp ? passkeys.synced : passkeys.oneDevice}</span>
        </h3>
        <p class="fine">
          {authenticator === null || authenticator === name ? null : `${authenticator} · `}
          {passkeys.since} <Time {...reader} at={createdAt} /> · {passkeys.used}{' '}
          {lastUsedAt ? <Time {...reader} at={lastUsedAt} /> : passkeys.never}
        </p>
      </div>
      <div class="actions">
        <Disclosure label={ways.manage} about={name} around={`${here}/${id}`}>
          <Form action={`${here}/${id}/name`} csrf={csrf}>
            <Field
              name="name"
              id={`name-${id}`}
              label={
                <>
                  {passkeys.name}
                  <Unseen> ({name})</Unseen>
                </>
              }
              autocomplete="off"
              value={name}
              maxlength={80}
            >
              <button type="submit">
                {passkeys.rename}
                <Unseen> ({name})</Unseen>
              </button>
            </Field>
          </Form>
          {recent ? (
            <Ask
              action={`${here}/${id}/remove`}
              csrf={csrf}
              label={passkeys.removeStart}
              about={name}
              what={passkeys.removeWhat}
              yes={passkeys.remove}
            />
          ) : null}
        </Disclosure>
      </div>
    </li>
  )
}
