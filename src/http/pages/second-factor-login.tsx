import type { VNode } from 'preact'
import { message } from '../../errors/catalogue.ts'
import type { Choice, SecondProof } from '../../flows/prove-second-factor.ts'
import { ok } from '../../kernel/result.ts'
import { AuthenticationResponse, formJson } from '../api/passkeys.ts'
import { prove, recoveryCode } from '../api/second-factor.ts'
import { signInFormOf } from '../form.ts'
import { faulty } from '../problem.ts'
import { seeOther } from '../reply.ts'
import { object, route } from '../route.ts'
import { secretText, typedCode } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { secondFactorCookie, signedInAsRedirect } from '../sign-in-answers.ts'
import { Field } from './field.tsx'
import { Form, Layout, type Reader, readerOf, show, Unseen } from './layout.tsx'
import { goOn } from './onward.tsx'
import { PasskeyForm } from './passkey-form.tsx'

const common = { path: '/login/second-factor', tag: 'Pages', surface: 'browser', auth: 'public' } as const

const ask = route({
  ...common,
  method: 'get',
  summary: 'Ask for the second factor of a sign-in',
  limit: 'browse',
  also: ['redirect'],
  fails: [],
  async handle({ cookie, locale, csrfToken }, { flows }: Services) {
    const ticket = cookie('second_factor')
    const choice = ticket === undefined ? undefined : await flows.proveSecondFactor.choice(ticket)
    if (!choice) return ok(seeOther('/login', { cookies: [secondFactorCookie(null, 0)] }))
    return show(locale, <SecondFactorPage {...readerOf(locale)} choice={choice} csrf={csrfToken()} />, {
      scripts: choice.passkey,
    })
  },
})

const proveForm = signInFormOf(prove, {
  path: common.path,
  summary: 'Finish a sign-in with its second factor',
  fields: object({
    totp: typedCode.optional(),
    recovery_code: recoveryCode.optional(),
    flow_token: secretText.optional(),
    response: formJson(AuthenticationResponse).optional(),
  }),
  also: ['page'],
  async handle({ body, cookie, origin, locale, csrfToken }, services) {
    const { flows } = services
    const ticket = cookie('second_factor')
    const choice = ticket === undefined ? undefined : await flows.proveSecondFactor.choice(ticket)
    if (ticket === undefined || !choice) return ok(seeOther('/login', { cookies: [secondFactorCookie(null, 0)] }))
    const { totp, recovery_code: code, flow_token: flowToken, response } = body
    const proof: SecondProof | undefined =
      totp !== undefined
        ? { type: 'totp', code: totp }
        : code !== undefined
          ? { type: 'recovery_code', code }
          : flowToken !== undefined && response !== undefined
            ? { type: 'passkey', flowToken, response }
            : undefined
    if (!proof) return faulty('totp', 'required')
    const proven = await flows.proveSecondFactor.prove(ticket, proof, origin)
    if (!proven.ok) {
      const { error } = proven
      if (error.code !== 'second_factor_invalid' && error.code !== 'too_many_attempts')
        return { ...proven, cookies: [secondFactorCookie(null, 0)] }
      const wrong = { type: proof.type, text: message(error, locale).detail }
      const view = <SecondFactorPage {...readerOf(locale)} choice={choice} csrf={csrfToken()} wrong={wrong} />
      return error.code === 'second_factor_invalid'
        ? show(locale, view, { status: 401, scripts: choice.passkey })
        : show(locale, view, {
            status: 429,
            scripts: choice.passkey,
            headers: { 'Retry-After': String(error.retryAfter ?? 1) },
          })
    }
    return goOn(await signedInAsRedirect(proven.value, services, [secondFactorCookie(null, 0)]), locale)
  },
})
export const secondFactorLoginRoutes = [ask, proveForm]

type Wrong = { readonly type: SecondProof['type']; readonly text: string }
type PageProps = Reader & { readonly choice: Choice; readonly csrf: string; readonly wrong?: Wrong }

function SecondFactorPage({ choice, csrf, wrong, ...reader }: PageProps): VNode {
  const { secondFactor } = reader.say
  const common = { ...reader, csrf, wrong }
  return (
    <Layout {...reader} title={secondFactor.ask.title}>
      <p>{secondFactor.ask.intro}</p>
      {choice.passkey ? (
        <section aria-labelledby="passkey">
          <h2 id="passkey">{secondFactor.ask.passkey}</h2>
          {wrong?.type === 'passkey' ? (
            <p class="caution" role="alert">
              {wrong.text}
            </p>
          ) : null}
          <PasskeyForm
            {...reader}
            {...{ action: '/login/second-factor', csrf, does: 'get', options: '/auth/second-factor/options' }}
            {...{ button: secondFactor.ask.usePasskey }}
          />
        </section>
      ) : null}
      {choice.totp ? (
        <section aria-labelledby="app">
          <h2 id="app">{secondFactor.ask.app}</h2>
          <CodeForm {...common} name="totp" label={secondFactor.code} hint={secondFactor.ask.appHint} />
        </section>
      ) : null}
      {choice.recoveryCodes ? (
        <section aria-labelledby="recovery">
          <h2 id="recovery">{secondFactor.ask.recovery}</h2>
          <CodeForm
            {...common}
            name="recovery_code"
            label={secondFactor.recoveryCode}
            hint={secondFactor.ask.recoveryHint}
          />
        </section>
      ) : null}
      <p class="actions">
        <a href="/login">{secondFactor.ask.otherWay}</a>
      </p>
    </Layout>
  )
}

type CodeFormProps = Reader & {
  readonly csrf: string
  readonly name: 'totp' | 'recovery_code'
  readonly label: string
  readonly hint: string
  readonly wrong: Wrong | undefined
}

function CodeForm({ csrf, name, label, hint, wrong, say }: CodeFormProps): VNode {
  return (
    <Form action="/login/second-factor" csrf={csrf}>
      <Field
        name={name}
        label={label}
        hint={hint}
        error={wrong?.type === name ? wrong.text : undefined}
        {...(name === 'totp'
          ? { autocomplete: 'one-time-code', code: 'digits' }
          : { autocomplete: 'off', code: 'text' })}
      >
        <button type="submit">
          {say.secondFactor.ask.send}
          <Unseen> ({label})</Unseen>
        </button>
      </Field>
    </Form>
  )
}
