import type { ComponentChildren, VNode } from 'preact'
import { Form, Unseen } from './layout.tsx'
import { useIsRefused } from './refusal.tsx'

export type AskProps = {
  readonly action: string
  readonly csrf: string
  /** What the button offers. It asks first, so it ends with an ellipsis. */
  readonly label: string
  /** What it acts on, for screen readers, where a page has several such buttons. */
  readonly about?: string
  /** What will happen, and to whom. */
  readonly what: string
  readonly yes: string
  /** It gives something, such as access: its button is not marked as dangerous. */
  readonly gives?: true
  /** What the act also needs to know. */
  readonly children?: ComponentChildren
}

type DisclosureProps = {
  readonly label: string
  /** What it is about, for screen readers, where a page has several such buttons. */
  readonly about: string
  /** The path of its forms: if one of them was refused, it is open. */
  readonly around: string
  readonly children: ComponentChildren
}

/** A button that shows what else can be done about a thing, below it. It works without a script. */
export const Disclosure = ({ label, about, around, children }: DisclosureProps): VNode => (
  <details class="ask" open={useIsRefused(around)}>
    <summary>
      {label}
      <Unseen> ({about})</Unseen>
    </summary>
    <div>{children}</div>
  </details>
)

/** An act that changes what others can do: it says what will happen before it happens. It works without a script. */
export const Ask = ({ action, csrf, label, about, what, yes, gives, children }: AskProps): VNode => (
  <details class="ask">
    <summary>
      {label}
      {about === undefined ? null : <Unseen> ({about})</Unseen>}
    </summary>
    <div>
      <p>{what}</p>
      <Form action={action} csrf={csrf}>
        {children}
        <button type="submit" class={gives ? 'primary' : 'danger'}>
          {yes}
          {about === undefined ? null : <Unseen> ({about})</Unseen>}
        </button>
      </Form>
    </div>
  </details>
)
