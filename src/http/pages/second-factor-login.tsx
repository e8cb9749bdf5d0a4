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
import { KeyMark } from './marks.tsx'
import { goOn } from './onward.tsx'
import { PasskeyForm } from './passkey-form.tsx'
import { refusalOf } from './refusal.tsx'

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
    return show(locale, <SecondFactorPage {...readerOf(locale)} choice={choice} csrf={csrfToken()} />)
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
        ? show(locale, view, { status: 401 })
        : show(locale, view, {
            status: 429,
            headers: { 'Retry-After': String(error.retryAfter ?? 1) },
          })
    }
    return goOn(await signedInAsRedirect(proven.value, services, [secondFactorCookie(null, 0)]), locale)
  },
})
export const secondFactorLoginRoutes = [ask, proveForm]

type Wrong = { readonly type: SecondProof['type']; readonly text: string }
type Proof = SecondProof['type']
type PageProps = Reader & { readonly choice: Choice; readonly csrf: string; readonly wrong?: Wrong }

/** One proof is in front: the one that was just tried, or the most common one. The others are behind a disclosure. */
function SecondFactorPage({ choice, csrf, wrong, ...reader }: PageProps): VNode {
  const { ask } = reader.say.secondFactor
  const offered: readonly Proof[] = [
    ...(choice.totp ? (['totp'] as const) : []),
    ...(choice.passkey ? (['passkey'] as const) : []),
    ...(choice.recoveryCodes ? (['recovery_code'] as const) : []),
  ]
  const front = offered.find((type) => type === wrong?.type) ?? offered[0]
  const others = offered.filter((type) => type !== front)
  const proofOf = (type: Proof): VNode =>
    type === 'passkey' ? (
      <PasskeyForm
        {...reader}
        {...{ action: '/login/second-factor', csrf, does: 'get', options: '/auth/second-factor/options' }}
        button={ask.usePasskey}
        mark={<KeyMark />}
        {...(type === front ? { primary: true } : {})}
      />
    ) : (
      <CodeForm {...reader} csrf={csrf} name={type} isFront={type === front} />
    )
  return (
    <Layout
      {...reader}
      title={front === undefined ? ask.title : ask.titles[front]}
      refused={wrong && refusalOf(wrong.type === 'passkey' ? null : wrong.type, wrong.text)}
    >
      {front === undefined ? null : (
        <>
          <p class="lead">{ask.hints[front]}</p>
          {proofOf(front)}
        </>
      )}
      {others.length === 0 ? null : (
        <details>
          <summary>{ask.another}</summary>
          {others.map((type) => (
            <section key={type} aria-labelledby={`by-${type}`}>
              <h2 id={`by-${type}`}>{ask.names[type]}</h2>
              {proofOf(type)}
            </section>
          ))}
        </details>
      )}
      <p class="actions">
        <a href="/login">{ask.otherWay}</a>
      </p>
    </Layout>
  )
}

type CodeFormProps = Reader & {
  readonly csrf: string
  readonly name: 'totp' | 'recovery_code'
  readonly isFront: boolean
}

function CodeForm({ csrf, name, isFront, say: { secondFactor } }: CodeFormProps): VNode {
  const label = name === 'totp' ? secondFactor.code : secondFactor.recoveryCode
  const { hints, send } = secondFactor.ask
  return (
    <Form action="/login/second-factor" csrf={csrf}>
      <Field
        name={name}
        label={label}
        autofocus={isFront}
        {...(isFront ? {} : { hint: hints[name] })}
        {...(name === 'totp'
          ? { autocomplete: 'one-time-code', code: 'digits', digits: 6 }
          : { autocomplete: 'off', code: 'text', isSecret: true })}
      />
      <p class="actions">
        <button type="submit" class={isFront ? 'primary' : undefined}>
          {send}
          <Unseen> ({label})</Unseen>
        </button>
      </p>
    </Form>
  )
}
