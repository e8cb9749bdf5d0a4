import type { VNode } from 'preact'
import type { Passkey } from '../../credentials/ports.ts'
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
import { secretText } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { signedInAsRedirect, toSecondFactor } from '../sign-in-answers.ts'
import { Ask } from './ask.tsx'
import { Field } from './field.tsx'
import {
  BackToAccount,
  Facts,
  Form,
  Layout,
  type Reader,
  readerOf,
  SignInAgain,
  show,
  Time,
  Unseen,
} from './layout.tsx'
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
  fields: object({ name: passkeyName, flow_token: secretText, response: formJson(RegistrationResponse) }),
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
  readonly passkeys: readonly Passkey[]
  readonly recent: boolean
  readonly csrf: string
  readonly status: string | undefined
}

function PasskeysPage({ passkeys: all, recent, csrf, status, ...reader }: PageProps): VNode {
  const { say } = reader
  const { passkeys } = say
  return (
    <Layout {...reader} title={passkeys.title} signedIn={csrf} status={status}>
      <p>{passkeys.intro}</p>
      <p>{say.secondFactor.others}</p>
      {all.length === 0 ? <p>{passkeys.none}</p> : null}
      <ul class="entries">
        {all.map(({ id, name, createdAt, lastUsedAt, backedUp }) => (
          <li key={id}>
            <h2>{name}</h2>
            <Facts
              of={[
                [passkeys.since, <Time key="since" {...reader} at={createdAt} />],
                [passkeys.used, lastUsedAt ? <Time key="used" {...reader} at={lastUsedAt} /> : passkeys.never],
                [passkeys.kept, backedUp ? passkeys.synced : passkeys.oneDevice],
              ]}
            />
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
          </li>
        ))}
      </ul>
      {recent ? (
        <section aria-labelledby="add">
          <h2 id="add">{passkeys.addHeading}</h2>
          <PasskeyForm
            {...reader}
            {...{ action: here, csrf, does: 'create', options: '/me/passkeys/options', button: passkeys.add }}
            primary
          >
            <Field name="name" label={passkeys.name} autocomplete="off" hint={passkeys.nameHint} maxlength={80} />
          </PasskeyForm>
        </section>
      ) : (
        <SignInAgain {...reader} returnTo={here} />
      )}
      <BackToAccount {...reader} />
    </Layout>
  )
}
