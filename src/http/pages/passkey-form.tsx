import type { ComponentChildren, VNode } from 'preact'
import type { SignInTarget } from '../api/sign-in-target.ts'
import { usePageFrame, useScript } from '../page-frame.ts'
import type { Reader } from './layout.tsx'
import { passkeyScripts } from './passkey-script.ts'
import { TargetFields } from './target-fields.tsx'

type Props = Reader & {
  readonly action: string
  readonly csrf: string
  /** Whether to create a passkey or to use one. `options` is where the script fetches the WebAuthn options. */
  readonly does: 'create' | 'get'
  readonly options: string
  readonly button: string
  readonly primary?: true
  /** What is shown before the words of the button. */
  readonly mark?: VNode
  /** What is shown after them. */
  readonly badge?: VNode | undefined
  /** Also offers the passkeys of this device in the field for the email address ("conditional UI"). */
  readonly autofill?: true
  readonly target?: SignInTarget
  readonly children?: ComponentChildren
}

/**
 * A form that a script fills in with the answer of a passkey. Without scripts, or in a browser without passkeys, it
 * stays hidden and a sentence says what is missing.
 */
export function PasskeyForm({
  action,
  csrf,
  does,
  options,
  button,
  primary,
  mark,
  badge,
  autofill,
  target = {},
  children,
  say,
}: Props): VNode {
  const { passkeys } = say
  useScript(...passkeyScripts)
  usePageFrame().formAction = action
  return (
    <>
      <p class="fine needs" id="passkey-needs">
        {passkeys.needs}
      </p>
      <form
        method="post"
        action={action}
        data-passkey={does}
        data-passkey-options={options}
        data-passkey-needs="passkey-needs"
        data-passkey-autofill={autofill && ''}
        hidden
      >
        <input type="hidden" name="csrf" value={csrf} />
        <input type="hidden" name="flow_token" value="" />
        <input type="hidden" name="response" value="" />
        <TargetFields given={target} />
        {children}
        <div class="actions">
          <button type="submit" class={primary && 'primary'}>
            {mark}
            {button}
            {badge}
          </button>
        </div>
        <p role="alert" class="caution" data-text={passkeys.failed} hidden />
      </form>
    </>
  )
}
