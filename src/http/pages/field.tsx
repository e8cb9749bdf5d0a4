import type { VNode } from 'preact'
import type { Reader } from './layout.tsx'

type FieldProps = {
  /** Its name in the form, and its id on the page. */
  readonly name: string
  readonly label: string
  readonly type: 'email' | 'password' | 'text'
  /** What browsers and password managers know it by. */
  readonly autocomplete: string
  readonly value?: string | undefined
  readonly hint?: string
  /** Why it was refused: bound to the field, so that whoever lands in it is told. */
  readonly error?: string | undefined
  readonly optional?: true
  readonly maxlength?: number
  /** Digits: the keyboard for them is shown. */
  readonly numeric?: true
}

/** One field of a form, with its label above it and whatever there is to know of it. A password may always be pasted. */
export function Field({
  name,
  label,
  type,
  autocomplete,
  value,
  hint,
  error,
  optional,
  maxlength,
  numeric,
}: FieldProps): VNode {
  const described = [hint === undefined ? '' : `${name}-hint`, error === undefined ? '' : `${name}-error`]
    .filter(Boolean)
    .join(' ')
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {hint === undefined ? null : (
        <p class="fine" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {error === undefined ? null : (
        <p class="caution" id={`${name}-error`}>
          {error}
        </p>
      )}
      <div>
        <input
          type={type}
          id={name}
          name={name}
          value={value}
          maxlength={maxlength}
          autocomplete={autocomplete}
          {...(type === 'text' ? {} : { autocapitalize: 'none', spellcheck: false })}
          inputmode={numeric && 'numeric'}
          required={!optional}
          aria-invalid={error === undefined ? undefined : 'true'}
          aria-describedby={described === '' ? undefined : described}
        />
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
