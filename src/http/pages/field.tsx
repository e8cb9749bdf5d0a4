import type { ComponentChildren, VNode } from 'preact'
import type { Reader } from './layout.tsx'

type FieldProps = {
  /** The name of the field in the form. */
  readonly name: string
  /** The element ID, if the page has several fields of this name. */
  readonly id?: string
  readonly label: ComponentChildren
  readonly type?: 'email' | 'password' | 'text'
  /** Tells browsers and password managers what the field is for. */
  readonly autocomplete: string
  readonly value?: string | undefined
  readonly hint?: string
  /** Why the value was refused. It is linked to the field, so that screen readers announce it there. */
  readonly error?: string | undefined
  readonly optional?: true
  readonly maxlength?: number
  /** The value is a code: keyboards must not correct it. `digits` shows the numeric keyboard. */
  readonly code?: 'digits' | 'text'
  /** What is next to the field: the button, if the form has no other field. */
  readonly children?: ComponentChildren
}

/** One field of a form, with its label, hint and error. Passwords can be pasted. */
export function Field(props: FieldProps): VNode {
  const { name, id = name, label, type = 'text', autocomplete, value, hint, error, optional, maxlength, code } = props
  const described = [hint === undefined ? '' : `${id}-hint`, error === undefined ? '' : `${id}-error`]
    .filter(Boolean)
    .join(' ')
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint === undefined ? null : (
        <p class="fine" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error === undefined ? null : (
        <p class="caution" role="alert" id={`${id}-error`}>
          {error}
        </p>
      )}
      <div>
        <input
          type={type}
          id={id}
          name={name}
          value={value}
          maxlength={maxlength}
          autocomplete={autocomplete}
          {...(type === 'text' && code === undefined ? {} : { autocapitalize: 'none', spellcheck: false })}
          inputmode={code === 'digits' ? 'numeric' : undefined}
          required={!optional}
          aria-invalid={error === undefined ? undefined : 'true'}
          aria-describedby={described === '' ? undefined : described}
        />
        {props.children}
      </div>
    </div>
  )
}

export const Submit = ({ children }: { children: string }): VNode => (
  <p class="actions">
    <button type="submit" class="primary">
      {children}
    </button>
  </p>
)

/** A form with one field, shown again with an error if the value was refused. */
export type AskProps = Reader & { readonly csrf: string; readonly email?: string; readonly error?: string }
