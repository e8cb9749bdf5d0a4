import type { ComponentChildren, VNode } from 'preact'
import type { Reader } from './layout.tsx'

type FieldProps = {
  /** Its name in the form. */
  readonly name: string
  /** Its id on the page, where its name stands there more than once. */
  readonly id?: string
  readonly label: ComponentChildren
  readonly type?: 'email' | 'password' | 'text'
  /** What browsers and password managers know it by. */
  readonly autocomplete: string
  readonly value?: string | undefined
  readonly hint?: string
  /** Why it was refused: bound to the field, so that whoever lands in it is told. */
  readonly error?: string | undefined
  readonly optional?: true
  readonly maxlength?: number
  /** A code: no keyboard is to correct it; `digits` shows the one for them. */
  readonly code?: 'digits' | 'text'
  /** What stands beside it: its button, where the form has no other field. */
  readonly children?: ComponentChildren
}

/** One field of a form, with its label above it and whatever there is to know of it. A password may always be pasted. */
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

/** A form that asks for one thing, perhaps again because of what was wrong with it. */
export type AskProps = Reader & { readonly csrf: string; readonly email?: string; readonly error?: string }
