import type { ComponentChildren, VNode } from 'preact'
import type { SignInTarget } from '../api/sign-in-target.ts'
import type { Reader } from './layout.tsx'
import { PasskeyScripts } from './passkey-script.tsx'
import { TargetFields } from './target-fields.tsx'

type Props = Reader & {
  readonly action: string
  readonly csrf: string
  /** Whether a passkey is made or shown, and where to fetch what to ask it. */
  readonly does: 'create' | 'get'
  readonly options: string
  readonly button: string
  readonly primary?: true
  readonly target?: SignInTarget
  readonly children?: ComponentChildren
}

/**
 * A form only a passkey can fill in. Without script, or in a browser that knows none, it is not there, and a sentence
 * says what is missing. Its page needs `scripts: true`.
 */
export function PasskeyForm({
  action,
  csrf,
  does,
  options,
  button,
  primary,
  target = {},
  children,
  say,
}: Props): VNode {
  const { passkeys } = say
  return (
    <>
      <p class="fine" id="passkey-needs">
        {passkeys.needs}
      </p>
      <form
        method="post"
        action={action}
        data-passkey={does}
        data-passkey-options={options}
        data-passkey-needs="passkey-needs"
        hidden
      >
        <input type="hidden" name="csrf" value={csrf} />
        <input type="hidden" name="flow_token" value="" />
        <input type="hidden" name="response" value="" />
        <TargetFields given={target} />
        {children}
        <div class="actions">
          <button type="submit" class={primary && 'primary'}>
            {button}
          </button>
        </div>
        <p role="alert" class="caution" data-text={passkeys.failed} />
      </form>
      <PasskeyScripts />
    </>
  )
}
