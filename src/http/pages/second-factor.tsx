import type { VNode } from 'preact'
import { fail, message } from '../../errors/catalogue.ts'
import type { Setup } from '../../flows/second-factor.ts'
import { ok } from '../../kernel/result.ts'
import { ask, begin, confirm, regenerate, removeTotp, stop } from '../api/second-factor.ts'
import { formOf } from '../form.ts'
import { useScript } from '../page-frame.ts'
import { isRecent } from '../principal.ts'
import { seeOther, text } from '../reply.ts'
import { object, route } from '../route.ts'
import { typedCode } from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { Ask } from './ask.tsx'
import { Field } from './field.tsx'
import { Form, Layout, type Reader, readerOf, SignInAgain, SignInAgainLink, show, Time } from './layout.tsx'
import { pageScript } from './page-script.ts'
import { refusalOf } from './refusal.tsx'
import { doneAt, doneMessageOf, doneQuery } from './status.ts'

const common = { tag: 'Pages', surface: 'browser', auth: 'recent', limit: 'account' } as const
const here = '/account/second-factor'

const view = route({
  ...common,
  method: 'get',
  path: here,
  summary: 'Show my second factor: app, passkeys and recovery codes',
  auth: 'user',
  query: doneQuery,
  fails: [],
  async handle({ who, query, locale, csrfToken }, { flows, clock, settings }: Services) {
    const recent = isRecent(who, clock(), settings.recentAuthSeconds)
    const [standing, passkeys, waiting] = await Promise.all([
      flows.secondFactor.show(who.accountId),
      flows.passkeys.list(who.accountId),
      // Someone who finds this browser open must not read the secret of an app that is being set up.
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
        status={doneMessageOf(query.done, locale)}
      />,
    )
  },
})

const qr = route({
  ...common,
  method: 'get',
  path: '/account/second-factor/qr.svg',
  summary: 'Show the QR code of an authenticator app that is being set up',
  contentType: 'image/svg+xml',
  fails: ['second_factor_missing'],
  async handle({ who }, { flows }: Services) {
    const waiting = await flows.secondFactor.waiting(who.account)
    if (!waiting) return fail('second_factor_missing')
    const { default: qrcode } = await import('qrcode')
    // Dark on light in both color schemes, with the margin that scanners need.
    const drawn = await qrcode.toString(waiting.uri, { type: 'svg', margin: 4, errorCorrectionLevel: 'M' })
    return ok(text('image/svg+xml', drawn))
  },
})

const beginForm = formOf(begin, {
  path: '/account/second-factor/totp',
  summary: 'Set up an authenticator app',
  done: () => seeOther(`${here}#app`),
})

const confirmForm = formOf(confirm, {
  path: '/account/second-factor/totp/confirm',
  summary: 'Confirm the app with its first code; recovery codes are shown once',
  // Any text is accepted, so that a mistyped code gets its error next to the field.
  fields: object({ code: typedCode }),
  also: ['page'],
  done: ({ locale, csrfToken }, { recovery_codes: codes }) =>
    show(locale, <CodesPage {...readerOf(locale)} codes={codes} csrf={csrfToken()} isOn />),
  async failed({ error }, { who, locale, csrfToken }, { flows }) {
    const waiting = await flows.secondFactor.waiting(who.account)
    if (error.code !== 'second_factor_invalid' || !waiting) return undefined
    const standing = await flows.secondFactor.show(who.accountId)
    const passkeys = await flows.passkeys.list(who.accountId)
    return show(
      locale,
      <SecondFactorPage
        {...readerOf(locale)}
        {...standing}
        {...{ recent: true, waiting, passkeys: passkeys.length, strong: who.amr.includes('mfa') }}
        since={who.account.secondFactorAt}
        csrf={csrfToken()}
        wrong={message(error, locale).detail}
      />,
      { status: 401 },
    )
  },
})

const removeTotpForm = formOf(removeTotp, {
  path: '/account/second-factor/totp/remove',
  summary: 'Remove the authenticator app',
  done: () => seeOther(doneAt(here, 'second_factor_changed')),
})

const askForm = formOf(ask, {
  path: '/account/second-factor/ask',
  summary: 'Require a passkey as the second factor; recovery codes are shown once',
  also: ['page'],
  done: ({ locale, csrfToken }, { recovery_codes: codes }) =>
    show(locale, <CodesPage {...readerOf(locale)} codes={codes} csrf={csrfToken()} isOn />),
})

const stopForm = formOf(stop, {
  path: '/account/second-factor/stop',
  summary: 'Turn off the second factor',
  done: () => seeOther(doneAt(here, 'second_factor_changed')),
})

const regenerateForm = formOf(regenerate, {
  path: '/account/second-factor/recovery-codes',
  summary: 'Create new recovery codes, shown once',
  also: ['page'],
  done: ({ locale, csrfToken }, { recovery_codes: codes }) =>
    show(locale, <CodesPage {...readerOf(locale)} codes={codes} csrf={csrfToken()} />),
})
export const secondFactorPageRoutes = [
  view,
  qr,
  beginForm,
  confirmForm,
  removeTotpForm,
  askForm,
  stopForm,
  regenerateForm,
]

type PageProps = Reader & {
  readonly totp: boolean
  readonly recoveryCodesLeft: number
  readonly since: Date | null
  readonly passkeys: number
  readonly recent: boolean
  /** Whether this session was signed in with a second factor. */
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
    <Layout
      {...reader}
      title={secondFactor.title}
      signedIn={csrf}
      status={status}
      refused={refusalOf('code', wrong, true)}
    >
      <p class="lead">
        {since === null ? (
          secondFactor.off
        ) : (
          <>
            {secondFactor.on} <Time {...reader} at={since} exact />.
          </>
        )}{' '}
        {secondFactor.others}
      </p>
      {recent ? (
        <>
          {waiting && !totp ? (
            <section class="panel" aria-labelledby="app">
              <h2 id="app">{secondFactor.begin}</h2>
              <SetUp {...reader} setup={waiting} csrf={csrf} />
            </section>
          ) : null}
          <section class="panel" aria-labelledby="own">
            <h2 id="own">{secondFactor.own}</h2>
            <ul class="rows">
              {waiting && !totp ? null : <AppRow {...reader} totp={totp} csrf={csrf} />}
              <li>
                <div>
                  <h3>{secondFactor.passkeys}</h3>
                  <p class="fine">
                    {passkeys === 0 ? secondFactor.noPasskey : secondFactor.hasPasskeys(passkeys)}
                    {since === null && passkeys > 0 && !strong ? ` ${secondFactor.showPasskeyFirst}` : null}
                  </p>
                </div>
                <div class="actions">
                  {since === null && passkeys > 0 && strong ? (
                    <Form action={`${here}/ask`} csrf={csrf}>
                      <button type="submit">{secondFactor.askForPasskey}</button>
                    </Form>
                  ) : null}
                  {since === null && passkeys > 0 && !strong ? (
                    <SignInAgainLink {...reader} returnTo={here} />
                  ) : (
                    <a class="button" href="/account/passkeys">
                      {secondFactor.toPasskeys}
                    </a>
                  )}
                </div>
              </li>
              {since === null ? null : (
                <>
                  <li>
                    <div>
                      <h3>{secondFactor.codes}</h3>
                      <p class="fine">{secondFactor.left(recoveryCodesLeft)}</p>
                    </div>
                    <div class="actions">
                      <Ask
                        action={`${here}/recovery-codes`}
                        csrf={csrf}
                        label={secondFactor.regenerateStart}
                        what={secondFactor.regenerateWhat}
                        yes={secondFactor.regenerate}
                      />
                    </div>
                  </li>
                  <li>
                    <h3>{secondFactor.stopHeading}</h3>
                    <div class="actions">
                      <Ask
                        action={`${here}/stop`}
                        csrf={csrf}
                        label={secondFactor.stopStart}
                        what={secondFactor.stopText}
                        yes={secondFactor.stop}
                      />
                    </div>
                  </li>
                </>
              )}
            </ul>
          </section>
        </>
      ) : (
        <SignInAgain {...reader} returnTo={here} />
      )}
    </Layout>
  )
}

type AppRowProps = Reader & { readonly totp: boolean; readonly csrf: string }

function AppRow({ totp, csrf, say: { secondFactor } }: AppRowProps): VNode {
  return (
    <li>
      <div>
        <h3>
          {secondFactor.app}{' '}
          <span class={totp ? 'badge good' : 'badge'}>{totp ? secondFactor.setUp : secondFactor.notSetUp}</span>
        </h3>
        <p class="fine">{totp ? secondFactor.hasApp : secondFactor.noApp}</p>
      </div>
      <div class="actions">
        {totp ? (
          <Ask
            action={`${here}/totp/remove`}
            csrf={csrf}
            label={secondFactor.removeAppStart}
            what={secondFactor.removeAppWhat}
            yes={secondFactor.removeApp}
          />
        ) : (
          <Form action={`${here}/totp`} csrf={csrf}>
            <button type="submit" class="primary">
              {secondFactor.begin}
            </button>
          </Form>
        )}
      </div>
    </li>
  )
}

type SetUpProps = Reader & { readonly setup: Setup; readonly csrf: string }

function SetUp({ setup, csrf, say }: SetUpProps): VNode {
  const { secondFactor } = say
  return (
    <>
      <div class="steps">
        <ol>
          <li>{secondFactor.steps.scan}</li>
          <li>{secondFactor.steps.type}</li>
        </ol>
        <img src={`${here}/qr.svg`} width={220} height={220} alt={secondFactor.qr} />
      </div>
      <p>
        {secondFactor.byHand} <code>{setup.secret.replace(/.{4}(?=.)/g, '$& ')}</code>
      </p>
      <Form action={`${here}/totp/confirm`} csrf={csrf}>
        <Field name="code" label={secondFactor.code} autocomplete="one-time-code" code="digits" digits={6}>
          <button type="submit" class="primary">
            {secondFactor.confirm}
          </button>
        </Field>
      </Form>
      <div class="actions">
        <Ask
          action={`${here}/totp/remove`}
          csrf={csrf}
          label={secondFactor.cancelStart}
          what={secondFactor.cancelWhat}
          yes={secondFactor.cancel}
        />
      </div>
    </>
  )
}

type CodesProps = Reader & { readonly codes: readonly string[]; readonly csrf: string; readonly isOn?: true }

function CodesPage({ codes, csrf, isOn, ...reader }: CodesProps): VNode {
  const { secondFactor } = reader.say
  useScript(pageScript)
  return (
    <Layout {...reader} title={secondFactor.codes} signedIn={csrf} card status={isOn && secondFactor.nowOn}>
      <p>{secondFactor.keep}</p>
      <ul class="codes" aria-label={secondFactor.codes}>
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <p class="actions">
        <button type="button" data-act="copy" data-of=".codes code" data-done={secondFactor.copied} hidden>
          {secondFactor.copy}
        </button>
        <button type="button" data-act="save" data-of=".codes code" data-file={secondFactor.file} hidden>
          {secondFactor.download}
        </button>
        <button type="button" data-act="print" hidden>
          {secondFactor.print}
        </button>
      </p>
      <p class="caution">{secondFactor.once}</p>
      <p class="actions">
        <a class="button primary" href={here}>
          {secondFactor.kept}
        </a>
      </p>
    </Layout>
  )
}
