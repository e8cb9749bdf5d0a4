import type { VNode } from 'preact'
import { fail, message } from '../../errors/catalogue.ts'
import type { Setup } from '../../flows/second-factor.ts'
import { ok } from '../../kernel/result.ts'
import { doing } from '../api/second-factor.ts'
import { isRecent } from '../principal.ts'
import { seeOther, text } from '../reply.ts'
import { object, route } from '../route.ts'
import { typedCode } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { Field } from './field.tsx'
import {
  BackToAccount,
  Form,
  Layout,
  type Reader,
  readerOf,
  SignInAgain,
  SignInAgainLink,
  show,
  Time,
} from './layout.tsx'
import { doneAt, doneQuery, statusOf } from './status.ts'

const common = { tag: 'Pages', surface: 'browser', auth: 'recent', limit: 'account' } as const
const here = '/account/second-factor'

const view = route({
  ...common,
  method: 'get',
  path: here,
  summary: 'My second factor: an app, passkeys, recovery codes',
  auth: 'user',
  query: doneQuery,
  fails: [],
  async handle({ who, query, locale, csrfToken }, { flows, clock, settings }: Services) {
    const recent = isRecent(who, clock(), settings.recentAuthSeconds)
    const [standing, passkeys, waiting] = await Promise.all([
      flows.secondFactor.show(who.accountId),
      flows.passkeys.list(who.accountId),
      // Whoever only found this browser open must not read a secret that is about to count.
      recent ? flows.secondFactor.waiting(who.account) : undefined,
    ])
    const reader = readerOf(locale)
    return show(
      locale,
      <SecondFactorPage
        {...reader}
        {...standing}
        {...{ recent, waiting, passkeys: passkeys.length, strong: who.amr.includes('mfa') }}
        since={who.account.secondFactorAt}
        csrf={csrfToken()}
        status={statusOf(query.done, locale)}
      />,
    )
  },
})

const qr = route({
  ...common,
  method: 'get',
  path: '/account/second-factor/qr.svg',
  summary: 'The secret that waits for its first code, to be read by an app',
  contentType: 'image/svg+xml',
  fails: ['second_factor_missing'],
  async handle({ who }, { flows }: Services) {
    const waiting = await flows.secondFactor.waiting(who.account)
    if (!waiting) return fail('second_factor_missing')
    const { default: qrcode } = await import('qrcode')
    // Dark on light in either colour scheme, with the quiet zone scanners need.
    const drawn = await qrcode.toString(waiting.uri, { type: 'svg', margin: 4, errorCorrectionLevel: 'M' })
    return ok(text('image/svg+xml', drawn))
  },
})

const begin = route({
  ...common,
  method: 'post',
  path: '/account/second-factor/totp',
  summary: 'Begin with an authenticator app',
  status: 303,
  fails: ['second_factor_exists'],
  async handle({ who, origin }, { flows }: Services) {
    const begun = await flows.secondFactor.beginTotp(doing(who, origin))
    return begun.ok ? ok(seeOther(`${here}#app`)) : begun
  },
})

const confirm = route({
  ...common,
  method: 'post',
  path: '/account/second-factor/totp/confirm',
  summary: 'Confirm the app with its first code; recovery codes are shown, once',
  body: object({ code: typedCode }),
  status: 200,
  also: ['page'],
  fails: ['second_factor_missing', 'second_factor_invalid'],
  async handle({ who, body, origin, locale, csrfToken }, { flows }: Services) {
    const reader = readerOf(locale)
    const confirmed = await flows.secondFactor.confirmTotp(doing(who, origin), body.code)
    if (confirmed.ok) return show(locale, <CodesPage {...reader} codes={confirmed.value} csrf={csrfToken()} isOn />)
    const waiting = await flows.secondFactor.waiting(who.account)
    if (confirmed.error.code !== 'second_factor_invalid' || !waiting) return confirmed
    const standing = await flows.secondFactor.show(who.accountId)
    const passkeys = await flows.passkeys.list(who.accountId)
    return show(
      locale,
      <SecondFactorPage
        {...reader}
        {...standing}
        {...{ recent: true, waiting, passkeys: passkeys.length, strong: who.amr.includes('mfa') }}
        since={who.account.secondFactorAt}
        csrf={csrfToken()}
        wrong={message(confirmed.error, locale).detail}
      />,
      { status: 401 },
    )
  },
})

const removeTotp = route({
  ...common,
  method: 'post',
  path: '/account/second-factor/totp/remove',
  summary: 'Remove the authenticator app',
  status: 303,
  fails: ['second_factor_missing'],
  async handle({ who, origin }, { flows }: Services) {
    const removed = await flows.secondFactor.removeTotp(doing(who, origin))
    return removed.ok ? ok(seeOther(doneAt(here, 'second_factor_changed'))) : removed
  },
})

const ask = route({
  ...common,
  method: 'post',
  path: '/account/second-factor/ask',
  summary: 'Ask for a passkey after every other way in; recovery codes are shown, once',
  status: 200,
  also: ['page'],
  fails: ['second_factor_missing', 'reauthentication_required'],
  async handle({ who, origin, locale, csrfToken }, { flows }: Services) {
    const asked = await flows.secondFactor.ask({ ...doing(who, origin), amr: who.amr })
    if (!asked.ok) return asked
    return show(locale, <CodesPage {...readerOf(locale)} codes={asked.value} csrf={csrfToken()} isOn />)
  },
})

const stop = route({
  ...common,
  method: 'post',
  path: '/account/second-factor/stop',
  summary: 'Ask for no second factor any more',
  status: 303,
  fails: ['second_factor_missing'],
  async handle({ who, origin }, { flows }: Services) {
    const stopped = await flows.secondFactor.stop(doing(who, origin))
    return stopped.ok ? ok(seeOther(doneAt(here, 'second_factor_changed'))) : stopped
  },
})

const regenerate = route({
  ...common,
  method: 'post',
  path: '/account/second-factor/recovery-codes',
  summary: 'New recovery codes, shown once',
  status: 200,
  also: ['page'],
  fails: ['second_factor_missing'],
  async handle({ who, origin, locale, csrfToken }, { flows }: Services) {
    const made = await flows.secondFactor.replaceCodes(doing(who, origin))
    if (!made.ok) return made
    return show(locale, <CodesPage {...readerOf(locale)} codes={made.value} csrf={csrfToken()} />)
  },
})
export const secondFactorPageRoutes = [view, qr, begin, confirm, removeTotp, ask, stop, regenerate]

type PageProps = Reader & {
  readonly totp: boolean
  readonly recoveryCodesLeft: number
  readonly since: Date | null
  readonly passkeys: number
  readonly recent: boolean
  /** Signed in with a second factor this time. */
  readonly strong: boolean
  readonly waiting: Setup | undefined
  readonly csrf: string
  readonly status?: string | undefined
  readonly wrong?: string
}

function SecondFactorPage({ since, recent, csrf, status, wrong, ...props }: PageProps): VNode {
  const { totp, recoveryCodesLeft, passkeys, strong, waiting, ...reader } = props
  const { secondFactor } = reader.say
  return (
    <Layout {...reader} title={secondFactor.title} signedIn={csrf} status={status}>
      {since === null ? (
        <p>{secondFactor.off}</p>
      ) : (
        <p>
          {secondFactor.on} <Time {...reader} at={since} />.
        </p>
      )}
      <p>{secondFactor.others}</p>
      {recent ? (
        <>
          <section aria-labelledby="app">
            <h2 id="app">{secondFactor.app}</h2>
            {totp ? (
              <>
                <p>{secondFactor.hasApp}</p>
                <div class="actions">
                  <Form action={`${here}/totp/remove`} csrf={csrf}>
                    <button type="submit" class="danger">
                      {secondFactor.removeApp}
                    </button>
                  </Form>
                </div>
              </>
            ) : waiting ? (
              <SetUp {...reader} setup={waiting} csrf={csrf} wrong={wrong} />
            ) : (
              <>
                <p>{secondFactor.noApp}</p>
                <div class="actions">
                  <Form action={`${here}/totp`} csrf={csrf}>
                    <button type="submit" class="primary">
                      {secondFactor.begin}
                    </button>
                  </Form>
                </div>
              </>
            )}
          </section>
          <section aria-labelledby="passkeys">
            <h2 id="passkeys">{secondFactor.passkeys}</h2>
            <p>{passkeys === 0 ? secondFactor.noPasskey : secondFactor.hasPasskeys(passkeys)}</p>
            <div class="actions">
              {since === null && passkeys > 0 && strong ? (
                <Form action={`${here}/ask`} csrf={csrf}>
                  <button type="submit">{secondFactor.askForPasskey}</button>
                </Form>
              ) : null}
              <a class="button" href="/account/passkeys">
                {secondFactor.toPasskeys}
              </a>
            </div>
            {since === null && passkeys > 0 && !strong ? (
              <>
                <p class="fine">{secondFactor.showPasskeyFirst}</p>
                <SignInAgainLink {...reader} returnTo={here} />
              </>
            ) : null}
          </section>
          {since === null ? null : (
            <>
              <section aria-labelledby="codes">
                <h2 id="codes">{secondFactor.codes}</h2>
                <p>{secondFactor.left(recoveryCodesLeft)}</p>
                <div class="actions">
                  <Form action={`${here}/recovery-codes`} csrf={csrf}>
                    <button type="submit">{secondFactor.regenerate}</button>
                  </Form>
                </div>
              </section>
              <section aria-labelledby="stop">
                <h2 id="stop">{secondFactor.stopHeading}</h2>
                <p>{secondFactor.stopText}</p>
                <div class="actions">
                  <Form action={`${here}/stop`} csrf={csrf}>
                    <button type="submit" class="danger">
                      {secondFactor.stop}
                    </button>
                  </Form>
                </div>
              </section>
            </>
          )}
        </>
      ) : (
        <SignInAgain {...reader} returnTo={here} />
      )}
      <BackToAccount {...reader} />
    </Layout>
  )
}

type SetUpProps = Reader & { readonly setup: Setup; readonly csrf: string; readonly wrong: string | undefined }

function SetUp({ setup, csrf, wrong, say }: SetUpProps): VNode {
  const { secondFactor } = say
  return (
    <>
      <ol>
        <li>{secondFactor.steps.scan}</li>
        <li>{secondFactor.steps.type}</li>
      </ol>
      <p>
        <img src={`${here}/qr.svg`} width={220} height={220} alt={secondFactor.qr} />
      </p>
      <p>
        {secondFactor.byHand} <code>{setup.secret.replace(/.{4}(?=.)/g, '$& ')}</code>
      </p>
      <Form action={`${here}/totp/confirm`} csrf={csrf}>
        <Field name="code" label={secondFactor.code} autocomplete="one-time-code" code="digits" error={wrong}>
          <button type="submit" class="primary">
            {secondFactor.confirm}
          </button>
        </Field>
      </Form>
      <div class="actions">
        <Form action={`${here}/totp/remove`} csrf={csrf}>
          <button type="submit">{say.cancel}</button>
        </Form>
      </div>
    </>
  )
}

type CodesProps = Reader & { readonly codes: readonly string[]; readonly csrf: string; readonly isOn?: true }

function CodesPage({ codes, csrf, isOn, ...reader }: CodesProps): VNode {
  const { secondFactor } = reader.say
  return (
    <Layout {...reader} title={secondFactor.codes} signedIn={csrf} status={isOn && secondFactor.nowOn}>
      <p>{secondFactor.keep}</p>
      <ul class="plain" aria-label={secondFactor.codes}>
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <p class="caution">{secondFactor.once}</p>
      <p class="actions">
        <a class="button primary" href={here}>
          {secondFactor.kept}
        </a>
      </p>
    </Layout>
  )
}
