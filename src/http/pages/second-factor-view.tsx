import type { VNode } from 'preact'
import type { Setup } from '../../flows/second-factor.ts'
import { useScript } from '../page-frame.ts'
import { Ask } from './ask.tsx'
import { Field } from './field.tsx'
import { Form, Layout, type Reader, SignInAgain, SignInAgainLink, Time } from './layout.tsx'
import { pageScript } from './page-script.ts'
import { Panel } from './panel.tsx'
import { refusalOf } from './refusal.tsx'

/** The pages of a second factor: its parts, an app that is being set up, and recovery codes. */

export const secondFactorPath = '/account/second-factor'

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

export function SecondFactorPage({ since, recent, csrf, status, wrong, ...props }: PageProps): VNode {
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
            <Panel id="app" title={secondFactor.begin}>
              <SetUp {...reader} setup={waiting} csrf={csrf} />
            </Panel>
          ) : null}
          <Panel id="own" title={secondFactor.own}>
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
                    <Form action={`${secondFactorPath}/ask`} csrf={csrf}>
                      <button type="submit">{secondFactor.askForPasskey}</button>
                    </Form>
                  ) : null}
                  {since === null && passkeys > 0 && !strong ? (
                    <SignInAgainLink {...reader} returnTo={secondFactorPath} />
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
                        action={`${secondFactorPath}/recovery-codes`}
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
                        action={`${secondFactorPath}/stop`}
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
          </Panel>
        </>
      ) : (
        <SignInAgain {...reader} returnTo={secondFactorPath} />
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
            action={`${secondFactorPath}/totp/remove`}
            csrf={csrf}
            label={secondFactor.removeAppStart}
            what={secondFactor.removeAppWhat}
            yes={secondFactor.removeApp}
          />
        ) : (
          <Form action={`${secondFactorPath}/totp`} csrf={csrf}>
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
        <img src={`${secondFactorPath}/qr.svg`} width={220} height={220} alt={secondFactor.qr} />
      </div>
      <p>
        {secondFactor.byHand} <code>{setup.secret.replace(/.{4}(?=.)/g, '$& ')}</code>
      </p>
      <Form action={`${secondFactorPath}/totp/confirm`} csrf={csrf}>
        <Field name="code" label={secondFactor.code} autocomplete="one-time-code" code="digits" digits={6}>
          <button type="submit" class="primary">
            {secondFactor.confirm}
          </button>
        </Field>
      </Form>
      <div class="actions">
        <Ask
          action={`${secondFactorPath}/totp/remove`}
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

export function CodesPage({ codes, csrf, isOn, ...reader }: CodesProps): VNode {
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
        <a class="button primary" href={secondFactorPath}>
          {secondFactor.kept}
        </a>
      </p>
    </Layout>
  )
}
